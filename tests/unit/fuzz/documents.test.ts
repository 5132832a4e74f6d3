import { expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { noGitFacts, readGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import {
  formatManifest,
  InvalidImageManifest,
  parseManifest,
} from "../../../dagger/lib/manifest/manifestData.js"
import { readPlan } from "../../../dagger/lib/plan/planDocument.js"
import type { Plan } from "../../../dagger/lib/plan/planDocument.js"
import {
  formatJournal,
  InvalidJournal,
  journalManifest,
  journalOf,
  parseJournal,
} from "../../../dagger/lib/promote/journal.js"
import type { Journal } from "../../../dagger/lib/promote/journal.js"
import { readManifest } from "../../../dagger/lib/registry/manifest.js"
import { codesOf, RegistryError } from "../../../dagger/lib/registry/registryError.js"
import { parseTestRun } from "../../../dagger/lib/testing/testRun.js"
import { parsePublishedRun } from "../../../dagger/lib/wiki/publication.js"
import { formatIndex, parseIndex, WikiProblem } from "../../../dagger/lib/wiki/wikiIndex.js"
import { nastyText, runs } from "../../support/fuzz.js"
import { manifestOf } from "../../support/manifests.js"

const digest = `sha256:${"a".repeat(64)}`

const journal: Journal = {
  version: 1,
  id: "1",
  kind: "promotion",
  at: "2026-11-25T00:00:00Z",
  to: "2026.4-stable",
  entries: [{ name: "a", repository: "ghcr.io/x/a", next: { digest, from: "2026.4-main" } }],
}

const plan: Plan = {
  version: 1,
  tag: "2026.4-main",
  branch: "main",
  platform: "linux/amd64",
  publish: true,
  comparedWith: "nothing",
  imagesChanged: ["a"],
  steps: [
    {
      image: "a",
      action: "build",
      reasons: [{ kind: "full-rebuild-option" }],
      reference: "ghcr.io/x/a:2026.4-main",
      inputKey: "1",
      testKey: "2",
      movesTag: true,
      parents: [],
    },
  ],
  notices: [],
}

const testRun = { kind: "ran", startedAt: 1, seconds: 1, tests: [], otherUsers: [] }
const index = { version: 1, rows: [{ line: "|a|b|c|" }] }
const report = {
  ok: true,
  publish: true,
  tag: "2026.4-main",
  startedAt: 1,
  source: { branch: "main" },
  images: [{ name: "a", reference: "ghcr.io/x/a:1", published: true }],
}

interface DocumentReader {
  readonly example: unknown
  readonly read: (json: string) => unknown
  /** What it throws, and nothing else. */
  readonly error: new (message: string) => Error
}

const readers: Readonly<Record<string, DocumentReader>> = {
  plan: { example: plan, read: readPlan, error: Error },
  journal: { example: journal, read: parseJournal, error: InvalidJournal },
  manifest: { example: manifestOf("base"), read: parseManifest, error: InvalidImageManifest },
  "git facts": { example: noGitFacts("empty", "no commit"), read: readGitFacts, error: Error },
  "test run": { example: testRun, read: parseTestRun, error: Error },
  "wiki index": { example: index, read: (json) => parseIndex(json, "x"), error: WikiProblem },
  report: { example: report, read: parsePublishedRun, error: Error },
}

const value = fc.oneof(
  fc.constantFrom<unknown>(null, 0, -1, 1e300, 1.5, "", "a", true, [], {}, { kind: "x" }, "__proto__", 2),
  nastyText,
  fc.jsonValue({ maxDepth: 2 }),
)
const change = fc.record({ at: fc.nat(), value, action: fc.constantFrom("replace", "remove", "rename") })

/** Every object and list of a document. */
function containersOf(node: unknown): readonly object[] {
  return typeof node === "object" && node !== null ? [node, ...Object.values(node).flatMap(containersOf)] : []
}

function changed(
  example: unknown,
  changes: readonly { at: number; value: unknown; action: string }[],
): unknown {
  const document: unknown = structuredClone(example)
  for (const { at, value: other, action } of changes) {
    const places = containersOf(document).flatMap((each) =>
      Object.keys(each).map((key) => [each, key] as const),
    )
    const [container, key] = places[at % Math.max(1, places.length)] ?? []
    if (container === undefined || key === undefined) continue
    const fields = container as Record<string, unknown>
    if (action !== "replace") Reflect.deleteProperty(fields, key)
    // As JSON.parse does it: a key of that name is a field like any other.
    if (action === "rename")
      Object.defineProperty(fields, "__proto__", {
        value: other,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    if (action === "replace") fields[key] = other
  }
  return document
}

test.each(Object.entries(readers))(
  "%s: any change of a document is read, or refused in words",
  (_, { example, read, error }) => {
    expect(() => read(JSON.stringify(example))).not.toThrow()
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const json = JSON.stringify(changed(example, changes))
        try {
          const first = read(json)
          // What was read is written and read as the same.
          if (first !== undefined) expect(read(JSON.stringify(first))).toEqual(first)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(error)
          expect(thrown).not.toBeInstanceOf(TypeError)
          expect(thrown).not.toBeInstanceOf(RangeError)
        }
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      runs(400),
    )
  },
)

test.each(Object.entries(readers))("%s: any text is refused in words", (_, { read, error }) => {
  fc.assert(
    fc.property(fc.oneof(nastyText, fc.json()), (text) => {
      try {
        read(text)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(error)
        expect(thrown).not.toBeInstanceOf(TypeError)
      }
    }),
    runs(300),
  )
})

test("documents of any words come back as they were written", () => {
  fc.assert(
    fc.property(nastyText, nastyText, (one, other) => {
      const written: Journal = {
        ...journal,
        id: one,
        entries: [{ ...journal.entries[0], name: other, repository: "x/y", next: { digest, from: one } }],
      }
      expect(parseJournal(formatJournal(written))).toEqual(written)
      const kept = journalManifest(written, [])
      expect(journalOf({ ...kept, digest, size: kept.bytes.length }, "x")).toEqual(written)
      const row = { line: one, commit: { sha: other } }
      expect(parseIndex(formatIndex({ version: 1, rows: [row] }), "x").rows).toEqual([row])
      const manifest = { ...manifestOf("base"), name: one, tags: [other] }
      expect(parseManifest(formatManifest(manifest))).toEqual(manifest)
    }),
    runs(400),
  )
})

test("whatever a registry answers is a manifest or an error of the registry", () => {
  const descriptor = { mediaType: "x", digest, size: 1 }
  const image = { config: descriptor, layers: [descriptor], annotations: { a: "b" } }
  const list = { manifests: [{ ...descriptor, platform: { os: "linux", architecture: "amd64" } }] }
  const answer = fc.oneof(
    nastyText.map((text) => Buffer.from(text)),
    fc.uint8Array(),
    fc
      .tuple(
        fc.constantFrom<unknown>(image, list, { errors: [{ code: 1 }] }),
        fc.array(change, { maxLength: 3 }),
      )
      .map(([example, changes]) => Buffer.from(JSON.stringify(changed(example, changes)))),
  )
  const types = fc.constantFrom(
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "",
    "text/html",
  )
  fc.assert(
    fc.property(answer, types, (bytes, mediaType) => {
      for (const { code, message } of codesOf(bytes))
        expect(typeof code + typeof message).toBe("stringstring")
      try {
        readManifest({ bytes, mediaType, digest, size: bytes.length })
      } catch (error) {
        expect(error).toBeInstanceOf(RegistryError)
      }
    }),
    runs(1000),
  )
})
