import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import type { HostKeyPin } from "../../../dagger/lib/gpu/hostKey.js"
import {
  describePin,
  hostKeyAlgorithms,
  InvalidHostKey,
  isPinned,
  parseHostKey,
} from "../../../dagger/lib/gpu/hostKey.js"

const directory = mkdtempSync(join(tmpdir(), "hostkey-"))
afterAll(() => {
  rmSync(directory, { recursive: true })
})

function keygen(...words: string[]): string {
  return execFileSync("ssh-keygen", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
}

/** Makes a key with the real ssh-keygen. */
function makeKey(type: string): {
  readonly line: string
  readonly raw: Buffer
  readonly fingerprint: string
} {
  const file = join(directory, `key-${type}-${String(Math.random()).slice(2)}`)
  keygen("-q", "-t", type, "-N", "", "-C", "", "-f", file)
  const line = readFileSync(`${file}.pub`, "utf8").trim()
  return {
    line,
    raw: Buffer.from(line.split(" ")[1] ?? "", "base64"),
    fingerprint: keygen("-lf", file).trim(),
  }
}

const key = makeKey("ed25519")
const rsa = makeKey("rsa")
const other = makeKey("ed25519")
const sha256 = key.fingerprint.split(" ")[1] ?? ""

/** A name as `ssh-keygen -H` hashes it. */
function hashed(line: string): string {
  const file = join(directory, "known_hosts")
  writeFileSync(file, `${line}\n`)
  keygen("-H", "-f", file)
  return readFileSync(file, "utf8").trim()
}

describe("pinned host keys", () => {
  const matching: readonly [string, string, number][] = [
    ["a known_hosts line", `login.example ${key.line}`, 22],
    [
      "one among others and comments",
      `# ours\n\nx.example ${other.line}\nlogin.example ${key.line} me\n`,
      22,
    ],
    ["several names", `a.example,login.example,10.0.0.1 ${key.line}`, 22],
    ["another port", `[login.example]:2222 ${key.line}`, 2222],
    ["a pattern", `*.example ${key.line}`, 22],
    ["a pattern with one letter", `logi?.example ${key.line}`, 22],
    ["a name in capitals", `Login.Example ${key.line}`, 22],
    ["a hashed name", hashed(`login.example ${key.line}`), 22],
    ["a hashed name with its port", hashed(`[login.example]:2222 ${key.line}`), 2222],
    ["a line with DOS line ends", `login.example ${key.line}\r\n`, 22],
    ["a public key", key.line, 2222],
    ["a fingerprint", sha256, 22],
    ["a line of ssh-keygen -l", key.fingerprint, 22],
  ]
  it.each(matching)("accept %s", (_name, text, port) => {
    const pin = parseHostKey(text, "login.example", port)
    expect(isPinned(pin, key.raw)).toBe(true)
    expect(isPinned(pin, other.raw)).toBe(false)
    expect(describePin(pin)).toContain(sha256)
  })

  const foreign: readonly [string, string, number][] = [
    ["nothing", "", 22],
    ["comments only", "# login.example\n", 22],
    ["another host", `login.example.org ${key.line}`, 22],
    ["a host whose name only looks alike", `loginxexample ${key.line}`, 22],
    ["another port", `login.example ${key.line}`, 2222],
    ["the standard port", `[login.example]:2222 ${key.line}`, 22],
    ["another hashed host", hashed(`x.example ${key.line}`), 22],
    ["an excluded host", `*.example,!login.example ${key.line}`, 22],
    ["a revoked key", `login.example ${key.line}\n@revoked * ${key.line}`, 22],
  ]
  it.each(foreign)("know nothing from %s", (_name, text, port) => {
    const pin = parseHostKey(text, "login.example", port)
    expect(pin).toEqual<HostKeyPin>({ kind: "none" })
    expect(isPinned(pin, key.raw)).toBe(false)
  })

  const refused: readonly [string, RegExp][] = [
    ["yes", /has no type of key/],
    ["login.example ssh-dss AAAA", /has no type of key/],
    ["login.example ssh-ed25519", /has no key in base64/],
    ["login.example ssh-ed25519 !!!", /has no key in base64/],
    [`login.example ssh-rsa ${key.line.split(" ")[1] ?? ""}`, /is not a key of the type ssh-rsa/],
    [`@cert-authority * ${key.line}`, /"@cert-authority" lines of known_hosts are not supported/],
    [`${sha256}\n${sha256}`, /more than one line/],
    ["SHA256:short", /has no type of key/],
    [`1024 ${sha256} me (DSA)`, /DSA are not supported/],
  ]
  it.each(refused)("refuse %j", (text, message) => {
    expect(() => parseHostKey(text, "login.example", 22)).toThrow(InvalidHostKey)
    expect(() => parseHostKey(text, "login.example", 22)).toThrow(message)
  })

  it("are read beside lines of other hosts with keys that are not supported", () => {
    const others = [
      "github.com sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
      `@cert-authority *.corp.example ${key.line}`,
      "old.example ssh-dss AAAAB3NzaC1kc3M=",
    ]
    const pin = parseHostKey([...others, `login.example ${key.line}`].join("\n"), "login.example", 22)
    expect(isPinned(pin, key.raw)).toBe(true)
    expect(() => parseHostKey(`@cert-authority *.example ${key.line}`, "login.example", 22)).toThrow(
      InvalidHostKey,
    )
  })

  it("are asked for by their own type, RSA never with SHA-1", () => {
    const algorithms = (text: string) => hostKeyAlgorithms(parseHostKey(text, "login.example", 22))
    expect(algorithms(key.line)).toEqual(["ssh-ed25519"])
    expect(algorithms(key.fingerprint)).toEqual(["ssh-ed25519"])
    expect(algorithms(rsa.fingerprint)).toEqual(["rsa-sha2-512", "rsa-sha2-256"])
    expect(algorithms(`login.example ${rsa.line}\nlogin.example ${key.line}`)).toEqual([
      ...["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"],
    ])
    expect(algorithms(sha256)).not.toContain("ssh-rsa")
    expect(algorithms("")).toEqual([])
  })
})
