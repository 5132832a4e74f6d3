import { expect, test } from "vitest"
import { leaksBuildSecrets, socketName } from "../../../dagger/lib/engine/buildSecrets.js"

test.each([
  ["v0.19.10", false],
  ["v0.19.10-240101-dev", false],
  ["v0.20.0", true],
  ["v0.21.8", true],
  ["v1.0.0-beta.14", true],
  // Somebody's own build: nothing is known of it.
  ["dev", false],
])("an engine %s shows a build's secrets to others: %s", (version, leaks) => {
  expect(leaksBuildSecrets(version)).toBe(leaks)
})

test("a socket's name is the digest that its id begins with; another form is told", () => {
  const id = (tag: number, digest: string) =>
    Buffer.concat([Buffer.from([tag, digest.length]), Buffer.from(`${digest}\x12\x00more`)]).toString(
      "base64",
    )
  expect(socketName(id(0x0a, "xxh3:0123456789abcdef"))).toBe("xxh3:0123456789abcdef")
  for (const other of [id(0x12, "xxh3:01"), id(0x0a, "no digest"), "", "AAAA"])
    expect(() => socketName(other)).toThrow("names sockets in another way")
})
