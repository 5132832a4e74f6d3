import { expect, it } from "vitest"
import type { HeldRepository } from "../../../dagger/lib/prune/inventory.js"
import { planPrune } from "../../../dagger/lib/prune/prunePlan.js"
import { tagKindOf } from "../../../dagger/lib/tag/tagKind.js"
import fc from "../../support/fastCheck.js"
import { digestOf } from "../../support/manifests.js"
import { quarterScheme } from "../../support/tagScheme.js"

const now = Date.parse("2026-11-27T00:00:00Z")
const day = 86_400_000
const letters = Array.from("0123456789abcdef")
const key = "0123456789abcdef"
const tags = [
  "stable",
  "2026.3-stable",
  "journal-stable",
  "journal-2026.3-stable",
  "journal-2020.1-stable",
  "2026.4-main",
  "2026.4-gone",
  "2026.3-gone",
  "exam",
  `candidate-${key}`,
  `passed-${key}-${key}`,
  `folder-passed-${key}-${key}`,
  ...letters.map((letter) => `sha256-${letter.repeat(64)}`),
  `sha256-${"1".repeat(64)}.sig`,
]
const names = ["base", "left"]
const digest = fc.constantFrom(...letters).map(digestOf)
const named = fc.tuple(fc.constantFrom(...names), digest).map(([name, each]) => `r.example/${name}@${each}`)

/** Anything that a registry may hold, cycles and lost manifests among it. */
const repository = (image: string) =>
  fc.record({
    images: fc.constant([{ name: image }]),
    repository: fc.constant(`r.example/${image}`),
    tags: fc
      .dictionary(fc.constantFrom(...tags), digest, { noNullPrototype: true })
      .map((all) => new Map(Object.entries(all))),
    manifests: fc
      .array(
        fc.record({
          digest,
          children: fc.array(digest, { maxLength: 3 }),
          named: fc.array(named, { maxLength: 2 }),
          created: fc.integer({ min: 0, max: 60 }).map((days) => now - days * day),
        }),
        { maxLength: 12 },
      )
      .map((all) => new Map(all.map((each) => [each.digest, each]))),
    lone: fc.constant(new Set<string>()),
  })
const registry = fc.tuple(...names.map(repository))

/** All that is reached from a digest, by the words of what is kept, in another way than the plan's. */
function reached(held: readonly HeldRepository[], roots: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set(roots)
  for (let size = -1; size !== found.size;) {
    size = found.size
    for (const { repository: place, tags: byTag, manifests } of held) {
      for (const { digest: parent, children, named: others } of manifests.values()) {
        if (!found.has(`${place}@${parent}`)) continue
        for (const child of children) found.add(`${place}@${child}`)
        for (const other of others) found.add(other)
      }
      for (const [tag, about] of byTag) {
        const kind = tagKindOf(tag, "quarter")
        if (kind.kind === "referrers" && found.has(`${place}@${kind.subject}`)) found.add(`${place}@${about}`)
      }
    }
  }
  return found
}

it("never deletes what a tag that stays leads to, and nothing twice", () => {
  fc.assert(
    fc.property(registry, fc.boolean(), (held, known) => {
      const branches = known ? ["main"] : "not known"
      const plan = planPrune(held, {
        scheme: quarterScheme,
        furtherTags: new Map(),
        branches,
        keep: [],
        olderThanSeconds: 30 * 86_400,
        now,
      })
      const gone = plan.unneeded.map((entry) => `${entry.repository}@${entry.digest}`)
      expect(new Set(gone).size).toBe(gone.length)
      const allTags = new Set(held.flatMap((each) => [...each.tags.keys()]))
      const mustStay = (tag: string) =>
        tagKindOf(tag, "quarter").kind === "stable" ||
        tag === "exam" ||
        tag === "2026.4-main" ||
        (!known && tag.endsWith("-gone")) ||
        (tag.startsWith("journal-") && allTags.has(tag.slice("journal-".length)))
      const roots = held.flatMap(({ repository: place, tags: byTag, manifests }) =>
        [...byTag].flatMap(([tag, named_]) => {
          const created = manifests.get(named_)?.created
          const isYoung =
            tagKindOf(tag, "quarter").kind !== "referrers" &&
            (created === undefined || now - created <= 30 * day)
          return mustStay(tag) || isYoung ? [`${place}@${named_}`] : []
        }),
      )
      const stays = reached(held, new Set(roots))
      expect(gone.filter((each) => stays.has(each))).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

it("after it was carried out, finds nothing more, and what stays still has all its parts", () => {
  fc.assert(
    fc.property(registry, (held) => {
      const rules = {
        scheme: quarterScheme,
        furtherTags: new Map(),
        branches: ["main"],
        keep: [],
        olderThanSeconds: 30 * 86_400,
        now,
      }
      const gone = new Set(
        planPrune(held, rules).unneeded.map((entry) => `${entry.repository}@${entry.digest}`),
      )
      const left = held.map((each) => ({
        ...each,
        tags: new Map([...each.tags].filter(([, named_]) => !gone.has(`${each.repository}@${named_}`))),
        manifests: new Map([...each.manifests].filter(([id]) => !gone.has(`${each.repository}@${id}`))),
      }))
      for (const { repository: place, manifests } of left) {
        const children = [...manifests.values()].flatMap((each) => each.children)
        expect(children.filter((child) => gone.has(`${place}@${child}`))).toEqual([])
      }
      // An untagged manifest is nothing that a next inventory would find: only what tags lead to.
      const again = planPrune(left, rules).unneeded.filter((entry) => entry.tags.length > 0)
      expect(again).toEqual([])
    }),
    { numRuns: 500 },
  )
})
