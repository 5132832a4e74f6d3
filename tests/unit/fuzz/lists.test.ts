import { execFileSync } from "node:child_process"
import { describe, expect, test } from "vitest"
import fc, { fuzzSeed } from "../../support/fastCheck.js"
import { compareVersions } from "../../../dagger/lib/manifest/compareVersions.js"
import { ecosystems } from "../../../dagger/lib/manifest/manifestData.js"
import type { Ecosystem } from "../../../dagger/lib/manifest/manifestData.js"
import { parsePackageList, UnreadablePackages } from "../../../dagger/lib/manifest/packageLists.js"
import { nastyText, piecesOf, runs } from "../../support/fuzz.js"

describe("packages", () => {
  const output = piecesOf(
    ...[
      "\n",
      "\n",
      "\t",
      " ",
      "  ",
      "ii",
      "rc",
      "a",
      "b",
      "libc6:amd64",
      "1.0",
      "2:1-1~a",
      "==",
      " @ file:///x",
      "-e ",
      "#",
      "[notice] x",
      "WARNING: x",
      "[",
      "]",
      "{",
      "}",
      '"',
      '"name": "a"',
      '"version": "1"',
      ",",
    ],
    ...[
      "Package Version\n",
      "------- -------\n",
      "package\t",
      "pypi",
      "__proto__",
      "constructor",
      "\r\n",
      "\u0000",
      "\ud800",
      "@absent",
      '[{"name":"a","version":"1","channel":"pypi"}]',
      '[{"name":1}]',
    ],
  )

  test.each(ecosystems)("of %s: each name once and in order, or unreadable", (ecosystem) => {
    fc.assert(
      fc.property(fc.oneof(output, nastyText), (text) => {
        try {
          const names = parsePackageList(ecosystem, text).map((each) => {
            expect(typeof each.name + typeof each.version).toBe("stringstring")
            return each.name
          })
          expect(new Set(names).size).toBe(names.length)
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadablePackages)
        }
      }),
      runs(1500),
    )
  })

  test("what package managers print is read as it was meant", () => {
    // A name to all of them: pip's have no "+" (PEP 508), and it passes over what is none.
    const name = fc.stringMatching(/^[a-z][a-z0-9.-]{1,8}[a-z0-9]$/)
    const version = fc.stringMatching(/^[0-9][0-9a-z.]{0,6}$/)
    const list = fc.uniqueArray(fc.record({ name, version }), {
      selector: (each) => each.name,
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(list, (packages) => {
        const sorted = packages.toSorted((a, b) => (a.name < b.name ? -1 : 1))
        const lines = (line: (each: { name: string; version: string }) => string) =>
          packages.map(line).join("\n")
        const json = JSON.stringify(packages)
        expect(
          parsePackageList(
            "apt",
            lines((each) => `ii \t${each.name}\t${each.version}`),
          ),
        ).toEqual(sorted)
        expect(parsePackageList("pip", json)).toEqual(sorted)
        expect(parsePackageList("pip", `WARNING: [x]\n${json}\n[notice] A new release of pip\n`)).toEqual(
          sorted,
        )
        expect(
          parsePackageList(
            "pip",
            lines((each) => `${each.name}==${each.version}`),
          ),
        ).toEqual(sorted)
        expect(parsePackageList("conda", JSON.stringify(packages, null, 2))).toEqual(sorted)
        expect(
          parsePackageList(
            "conda",
            `# packages in environment\n${lines((each) => `${each.name}  ${each.version}  py_0`)}`,
          ),
        ).toEqual(sorted)
        expect(
          parsePackageList(
            "r",
            lines((each) => `package\t${each.name}\t${each.version}`),
          ),
        ).toEqual(sorted)
      }),
      runs(300),
    )
  })
})

describe("versions", () => {
  const pieces: Readonly<Record<Ecosystem, fc.Arbitrary<string>>> = {
    apt: piecesOf("0", "1", "2", "10", "00", ".", "-", "~", "+", "a", "B", ":", "z"),
    pip: piecesOf(
      "0",
      "1",
      "2",
      "10",
      "00",
      ".",
      "-",
      "_",
      "a",
      "b",
      "rc",
      "post",
      "dev",
      "!",
      "+",
      "v",
      "alpha",
      "c",
      "rev",
      "local",
    ),
    r: piecesOf("0", "1", "2", "10", "00", ".", "-"),
    npm: piecesOf("0", "1", "2", "10", "00", ".", "-"),
    conda: piecesOf("0", "1", "2", "10", "00", ".", "-", "_", "a", "b", "rc", "post", "dev", "!", "+", "A"),
  }

  test.each(ecosystems)("of %s: an order, whatever is compared", (ecosystem) => {
    const version = fc.oneof(pieces[ecosystem], nastyText)
    const order = (a: string, b: string) => {
      const found = compareVersions(ecosystem, a, b)
      return found === undefined ? undefined : Math.sign(found) + 0
    }
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const [ab, bc, ac] = [order(a, b), order(b, c), order(a, c)]
        if (order(a, a) !== undefined) expect(order(a, a)).toBe(0)
        expect(order(b, a)).toBe(ab === undefined ? undefined : 0 - ab)
        if (ab === undefined || bc === undefined || ac === undefined) return
        if (ab <= 0 && bc <= 0) expect(ac).toBe(Math.min(ab, bc))
      }),
      runs(3000),
    )
  })

  /** Pairs of versions that a program knows, with what it says of them. */
  const sampled = (ecosystem: Ecosystem, form: RegExp, count: number) =>
    fc
      .sample(fc.tuple(pieces[ecosystem], pieces[ecosystem]), { numRuns: count, seed: fuzzSeed })
      .filter((pair) => pair.every((each) => form.test(each)))

  test.skipIf(!runsHere("dpkg --version"))("of apt: as dpkg orders them", () => {
    const pairs = sampled("apt", /^(?:\d+:)?\d[A-Za-z0-9.+~-]*(?<!-)$/, 3000).slice(0, 300)
    expect(pairs.length).toBeGreaterThan(50)
    const script = pairs
      .map(
        ([a, b]) =>
          `dpkg --compare-versions '${a}' lt '${b}' 2>/dev/null && echo -1 || { dpkg --compare-versions '${a}' gt '${b}' 2>/dev/null && echo 1 || echo 0; }`,
      )
      .join("\n")
    const theirs = execFileSync("sh", ["-c", script], { encoding: "utf8" }).trim().split("\n")
    pairs.forEach(([a, b], index) => {
      expect(`${a} ${Math.sign(compareVersions("apt", a, b) ?? 9)} ${b}`).toBe(
        `${a} ${theirs[index] ?? ""} ${b}`,
      )
    })
  })

  test.skipIf(!runsHere("python3 -c 'import pip._vendor.packaging.version'"))(
    "of pip: as Python's packaging orders them",
    () => {
      const pairs = fc.sample(fc.tuple(pieces.pip, pieces.pip), { numRuns: 20_000, seed: fuzzSeed })
      const script = [
        "import json, sys",
        "from pip._vendor.packaging.version import Version, InvalidVersion",
        "def read(text):",
        "    try: return Version(text)",
        "    except InvalidVersion: return None",
        "def order(a, b):",
        "    a, b = read(a), read(b)",
        "    return None if a is None or b is None else (a > b) - (a < b)",
        "print(json.dumps([order(a, b) for a, b in json.load(sys.stdin)]))",
      ].join("\n")
      const theirs = JSON.parse(
        execFileSync("python3", ["-c", script], { encoding: "utf8", input: JSON.stringify(pairs) }),
      ) as (number | null)[]
      expect(theirs.filter((each) => each !== null).length).toBeGreaterThan(20)
      pairs.forEach(([a, b], index) => {
        const ours = compareVersions("pip", a, b)
        expect(`${a} ${ours === undefined ? "?" : Math.sign(ours)} ${b}`).toBe(
          `${a} ${theirs[index] ?? "?"} ${b}`,
        )
      })
    },
  )
})

function runsHere(command: string): boolean {
  try {
    execFileSync("sh", ["-c", command], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}
