import { expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { webAddress } from "../../../dagger/lib/git/webAddress.js"
import { pageName } from "../../../dagger/lib/manifest/pageName.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { globalStableTags, promotedTag, stableTags } from "../../../dagger/lib/promote/tags.js"
import {
  formatReference,
  InvalidReference,
  isTag,
  parseReference,
  parseRepository,
  underRegistry,
} from "../../../dagger/lib/reference/reference.js"
import { parseChallenge } from "../../../dagger/lib/registry/challenge.js"
import { parseRetryAfter } from "../../../dagger/lib/registry/retry.js"
import { suggest } from "../../../dagger/lib/text/suggest.js"
import { nastyText, piecesOf, runs } from "../../support/fuzz.js"

const reference = piecesOf(
  ...[
    "a",
    "b",
    "0",
    "-",
    "--",
    "_",
    "__",
    ".",
    "/",
    "/",
    ":",
    "@",
    "sha256:",
    "f".repeat(64),
    "localhost",
    "ghcr.io",
    "docker.io",
    "index.docker.io",
    "5000",
    ":5000/",
    "[::1]",
    "A",
    "library",
    "latest",
    "65536",
    "é",
    " ",
    "\n",
  ],
)

test("a reference is written as it is read again, or refused", () => {
  fc.assert(
    fc.property(fc.oneof(reference, nastyText), (text) => {
      try {
        const parsed = parseReference(text)
        expect(parseReference(formatReference(parsed))).toEqual(parsed)
        const { registry, path } = parsed
        expect(parseRepository(`${registry}/${path}`)).toEqual({ registry, path })
        const moved = underRegistry("localhost:5000/org", { registry, path })
        expect(parseRepository(formatReference(moved))).toEqual(moved)
        expect(Buffer.byteLength(`${pageName(parsed)}.json`)).toBeLessThan(255)
        expect(pageName(parsed)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidReference)
      }
    }),
    runs(4000),
  )
})

test("a place to publish to is written as it is read, or refused", () => {
  fc.assert(
    fc.property(fc.oneof(reference, nastyText), (prefix) => {
      try {
        const moved = underRegistry(prefix, { registry: "ghcr.io", path: "x/image" })
        expect(parseRepository(formatReference(moved))).toEqual(moved)
        expect(moved.path.split("/").at(-1)).toBe("image")
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidReference)
      }
    }),
    runs(4000),
  )
})

test("tags to promote are of their form, or refused", () => {
  const tag = fc.oneof(
    piecesOf("2026", ".", "4", "5", "-", "main", "stable", "journal", "\n", "A", "0"),
    nastyText,
  )
  fc.assert(
    fc.property(tag, (text) => {
      for (const read of [stableTags, globalStableTags]) {
        try {
          const { from, to } = read(text, "quarter")
          expect(isTag(from) && isTag(to) && from !== to).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      }
      try {
        expect(promotedTag(text, "quarter")).toMatch(/^(?:\d{4}\.[1-4]-)?stable$/)
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
      }
    }),
    runs(2000),
  )
})

test("what a registry asks for in a header", () => {
  const header = piecesOf(
    ...[
      "Bearer ",
      "Basic ",
      "realm",
      "service",
      "=",
      '="',
      '"',
      "\\",
      ", ",
      "https://a/token",
      "x",
      "Negotiate abc==",
      " ",
      "\t",
      "__proto__",
    ],
  )
  fc.assert(
    fc.property(fc.oneof(header, nastyText), (text) => {
      const challenge = parseChallenge(text)
      if (challenge?.kind === "bearer") expect(typeof challenge.realm).toBe("string")
    }),
    runs(2000),
  )
  const value = fc.stringMatching(/^[ -~]{1,20}$/)
  fc.assert(
    fc.property(value, value, (realm, service) => {
      const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`
      const given = `Basic realm="x", Bearer realm=${quoted(realm)},service=${quoted(service)}`
      expect(parseChallenge(given)).toEqual({ kind: "bearer", realm, service })
    }),
    runs(500),
  )
})

test("a pause is a number of milliseconds, or none", () => {
  const pause = piecesOf(
    "1",
    "0",
    "9",
    ".",
    "s",
    "ms",
    "m",
    "h",
    "µs",
    "ns",
    "-",
    "+",
    "e",
    " ",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "\n",
  )
  fc.assert(
    fc.property(fc.oneof(pause, nastyText), (text) => {
      const asked = parseRetryAfter(text, 1_790_000_000_000)
      if (asked !== undefined) expect(asked >= 0).toBe(true)
    }),
    runs(2000),
  )
})

test("an address of a remote is a web address without a password, or none", () => {
  const remote = piecesOf(
    "https://",
    "http://",
    "ssh://",
    "git@",
    "user:secret@",
    "github.com",
    ":",
    "/",
    "org",
    "repo",
    ".git",
    "22",
    "C",
    "\n",
  )
  fc.assert(
    fc.property(fc.oneof(remote, nastyText), (text) => {
      const address = webAddress(text)
      if (address !== undefined) expect(address).toMatch(/^https?:\/\//)
    }),
    runs(2000),
  )
})

test("a name is suggested only out of those that are there", () => {
  fc.assert(
    fc.property(nastyText, fc.array(nastyText), (written, candidates) => {
      const near = suggest(written, candidates)
      if (near !== undefined) expect(candidates).toContain(near)
    }),
    runs(500),
  )
})
