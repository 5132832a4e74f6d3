import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { judge } from "../../../dagger/lib/gpu/judge.js"
import { hostKeyAlgorithms, InvalidHostKey, parseHostKey } from "../../../dagger/lib/gpu/hostKey.js"
import { readPytestLog } from "../../support/pytestLog.js"
import { parseSummaryLine } from "../../../dagger/lib/gpu/pytestSummary.js"
import { redactor } from "../../../dagger/lib/text/redact.js"
import { LineSplitter, Transcript } from "../../../dagger/lib/gpu/transcript.js"
import { describe as inWords } from "../../../dagger/lib/gpu/verdict.js"
import { nastyText, piecesOf, runs } from "../../support/fuzz.js"

const output = piecesOf(
  ...[
    "\n",
    "\n",
    "\r",
    "\u001b[31m",
    "\u001b]0;x\u0007",
    "= ",
    " =",
    "====",
    "1 passed",
    "2 failed",
    ", ",
    " in 0.12s",
    "3 constructor",
    "4 __proto__",
    "5 errors",
    "no tests ran",
  ],
  ...[
    "collected 3 items",
    "INTERNALERROR> x",
    "!!! Interrupted: 1 error during collection !!!",
    "____ ERROR collecting a.py ____",
    "ERROR: file not found",
    " (0:01:00)",
    "\u0000",
    "\ud800",
    "999999999",
    ".",
  ],
)
const text = fc.oneof(
  output,
  nastyText,
  fc.tuple(output, nastyText, output).map((parts) => parts.join("")),
)

test("whatever a job prints, the verdict is one of the known ones, and passes only on a passed test", () => {
  fc.assert(
    fc.property(text, fc.nat(255), (printed, status) => {
      const log = readPytestLog(printed)
      const verdict = judge({ kind: "exited", status }, log, printed.slice(0, 300))
      expect(inWords(verdict)).not.toMatch(/undefined|NaN|\[object/)
      for (const { counts } of log.runs) {
        expect(Object.keys(counts)).toHaveLength(7)
        for (const count of Object.values(counts)) expect(Number.isSafeInteger(count)).toBe(true)
      }
      if (verdict.kind === "passed") expect(status === 0 && /[1-9]\d* passed/.test(printed)).toBe(true)
    }),
    runs(2000),
  )
})

test("names of prototypes are no outcomes", () => {
  for (const word of ["constructor", "valueof", "__proto__", "hasownproperty"]) {
    expect(parseSummaryLine(`1 ${word} in 0.1s`)).toBeUndefined()
  }
})

test("lines are the same however the bytes arrive", () => {
  fc.assert(
    fc.property(
      fc.oneof(text, fc.string({ unit: "binary", maxLength: 60 })),
      fc.array(fc.nat(30)),
      (printed, cuts) => {
        const bytes = Buffer.from(printed)
        const lines: string[] = []
        const splitter = new LineSplitter((line) => lines.push(line))
        let position = 0
        for (const cut of [...cuts, bytes.length]) {
          splitter.write(bytes.subarray(position, position + cut))
          position += cut
        }
        splitter.end()
        const whole = bytes.toString().split("\n")
        const last = whole.pop() ?? ""
        expect(lines).toEqual([
          ...whole.map((line) => line.replace(/\r$/, "")),
          ...(last === "" ? [] : [last]),
        ])
      },
    ),
    runs(1000),
  )
})

test("a transcript keeps every line, or says how many are missing", () => {
  const line = fc
    .tuple(fc.constantFrom("a", "", "é", "x".repeat(1000)), fc.nat(2000))
    .map(([piece, times]) => piece.repeat(times))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const transcript = new Transcript()
      for (const each of lines) transcript.add(each)
      const kept = transcript.text.split("\n").slice(0, -1)
      const missing = kept.flatMap((each) => /^\[\.\.\. (\d+) lines left out \.\.\.\]$/.exec(each)?.[1] ?? [])
      expect(kept.length - missing.length + Number(missing[0] ?? 0)).toBe(lines.length)
      expect(transcript.text.length).toBeLessThan(4_000_000)
    }),
    runs(30),
  )
})

describe("secrets", () => {
  /** Letters that stand neither in the replacement nor in what redaction adds. */
  const secret = fc.string({
    unit: fc.constantFrom("A", "B", "C", " ", "+", "/", "%", '"', "\\", "ü", "😀"),
    minLength: 1,
    maxLength: 6,
  })
  const secrets = fc.array(secret, { minLength: 1, maxLength: 3 })

  test("no secret is left, however they overlap and however short they are", () => {
    fc.assert(
      fc.property(
        secrets,
        fc.array(fc.tuple(fc.nat(), fc.nat(6), fc.nat(6)), { maxLength: 8 }),
        nastyText,
        (known, parts, other) => {
          const pieces = parts.map(([which, from, to]) =>
            (known[which % known.length] ?? "").slice(from, from + to),
          )
          const whole = [...pieces, ...known, other, ...known].join("")
          const clean = redactor(known)(whole)
          for (const each of known.filter((one) => one.trim() !== "")) {
            for (const form of [
              each,
              Buffer.from(each.trim()).toString("base64"),
              encodeURIComponent(each.trim()),
            ]) {
              // Across a replacement there is nothing: what it stands for is gone.
              for (const left of clean.split("[secret]")) expect(left).not.toContain(form)
            }
          }
        },
      ),
      runs(2000),
    )
  })

  test("no part is left where two secrets overlap", () => {
    expect(redactor(["abcdef", "defghi"])("-abcdefghi-")).toBe("-[secret]-")
    expect(redactor(["aba"])("ababa")).toBe("[secret]")
    expect(redactor(["b"])("abba")).toBe("a[secret]a")
  })

  test("a secret on the cut of a long line is not left in halves", () => {
    const password = "swordfish-and-more"
    const redact = redactor([password])
    fc.assert(
      fc.property(
        fc.integer({ min: 64 * 1024 - 30, max: 64 * 1024 + 30 }),
        fc.integer({ min: 1, max: 40_000 }),
        (start, size) => {
          const lines: string[] = []
          const splitter = new LineSplitter((line) => lines.push(redact(line)), redact)
          const bytes = Buffer.from(`${".".repeat(start)}${password}${".".repeat(100_000)}`)
          for (let position = 0; position < bytes.length; position += size) {
            splitter.write(bytes.subarray(position, position + size))
          }
          splitter.end()
          expect(lines.join("").replaceAll("[secret]", "")).toMatch(/^\.+$/)
        },
      ),
      runs(20),
    )
  })
})

describe("host keys", () => {
  const key = "AAAAC3NzaC1lZDI1NTE5AAAAIBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"
  const lines = piecesOf(
    ...[
      "\n",
      "\n",
      " ",
      "host ",
      "[host]:2222 ",
      "*,!host ",
      "h?st ",
      "|1|AAAA|AAAA ",
      "@revoked ",
      "@cert-authority ",
      "# c\n",
      "ssh-ed25519 ",
      "ssh-rsa ",
      "constructor ",
      "__proto__ ",
      "ecdsa-sha2-nistp256 ",
    ],
    ...[
      key,
      "AAAA",
      "AAAAC2NvbnN0cnVjdG9y",
      "SHA256:",
      "A".repeat(43),
      "256 ",
      "(ED25519)",
      "(DSA)",
      "=",
      "\u0000",
      "\ud800",
    ],
  )

  test("a pin, or a refusal in words", () => {
    fc.assert(
      fc.property(fc.oneof(lines, nastyText), fc.constantFrom(22, 2222), (written, port) => {
        try {
          const pin = parseHostKey(written, "host", port)
          for (const algorithm of hostKeyAlgorithms(pin)) expect(typeof algorithm).toBe("string")
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidHostKey)
        }
      }),
      runs(2000),
    )
  })

  test("the name of a prototype's field is no type of key", () => {
    const written = "constructor AAAAC2NvbnN0cnVjdG9yAAAA"
    expect(() => parseHostKey(written, "host", 22)).toThrow(InvalidHostKey)
  })

  test("a key line for a host is that host's, and no other's", () => {
    const host = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,10}$/)
    fc.assert(
      fc.property(host, host, (one, other) => {
        expect(parseHostKey(`${one} ssh-ed25519 ${key}`, one.toUpperCase(), 22).kind).toBe("keys")
        if (one !== other) expect(parseHostKey(`${one} ssh-ed25519 ${key}`, other, 22).kind).toBe("none")
        expect(parseHostKey(`*,!${one} ssh-ed25519 ${key}`, one, 22).kind).toBe("none")
      }),
      runs(300),
    )
  })
})
