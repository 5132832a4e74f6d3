import { afterAll, beforeEach, expect, it } from "vitest"
import { rollback } from "../../../dagger/lib/promote/rollback.js"
import { renderStatusMarkdown, status } from "../../../dagger/lib/promote/status.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import { wikiChangeOf } from "../../../dagger/lib/promote/wikiEffects.js"
import { labels } from "../../../dagger/lib/registry/labels.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { contextOf, digestsOf, imagesIn, pushSet } from "../../support/registryWorld.js"

const registry = await startRegistry({ token: true })
afterAll(() => registry.stop())

const { client } = clientOf(registry)
let organisation = 0
let images = imagesIn(registry.host, "none")
let sets: readonly ReadonlyMap<string, string>[] = []
beforeEach(async () => {
  organisation += 1
  images = imagesIn(registry.host, `org${organisation}`)
  const push = (quarter: number) => {
    const image = { labels: { [labels.revision]: `${quarter}abcdef0123` } }
    return pushSet(registry, `org${organisation}`, `2026.${quarter}-stable`, String(quarter), image)
  }
  sets = [await push(1), await push(2), await push(3)]
})

const promote = (quarter: number) =>
  tagGlobalStable({ prefix: `2026.${quarter}`, images, dryRun: false }, contextOf(client))
const back = (changes: Partial<Parameters<typeof rollback>[0]> = {}) =>
  rollback({ tag: "stable", images, force: false, dryRun: false, ...changes }, contextOf(client))
const stable = () => digestsOf(client, images, "stable")

it("goes back to what the previous promotion had, once", async () => {
  await promote(1)
  await promote(2)
  const report = await back()
  expect(report).toMatchObject({
    verb: "rollback",
    outcome: { kind: "promoted" },
    journal: { kind: "rollback" },
  })
  expect(await stable()).toEqual(sets[0])
  // A second run, as a queue or an impatient person starts it, must not promote again.
  expect((await back()).outcome.kind).toBe("unchanged")
  expect(await stable()).toEqual(sets[0])
  expect(wikiChangeOf(report)).toMatchObject({
    kind: "globalStable",
    images: [{ from: `${registry.host}/org${organisation}/base:2026.1-stable` }, {}, {}],
  })
})

it("goes back by a journal that was kept, also two promotions", async () => {
  await promote(1)
  const { journal } = await promote(2)
  await promote(3)
  if (journal === undefined) throw new Error("no journal")
  expect((await back({ journal })).outcome).toMatchObject({ kind: "refused" })
  expect(await stable()).toEqual(sets[2])
  expect((await back({ journal, force: true })).outcome.kind).toBe("promoted")
  expect(await stable()).toEqual(sets[0])
  expect((await back({ journal })).outcome.kind).toBe("unchanged")
})

it("takes a rollback back by its journal", async () => {
  await promote(1)
  await promote(2)
  const { journal } = await back()
  if (journal === undefined) throw new Error("no journal")
  expect((await back({ journal })).outcome.kind).toBe("promoted")
  expect(await stable()).toEqual(sets[1])
})

it("writes nothing in a dry run", async () => {
  await promote(1)
  await promote(2)
  const report = await back({ dryRun: true })
  expect(report.outcome.kind).toBe("dry-run")
  expect(report.images.map(({ digest }) => digest)).toEqual([...(sets[0]?.values() ?? [])])
  expect(await stable()).toEqual(sets[1])
})

it("refuses without a journal, without anything before, and when tags were moved by others", async () => {
  expect((await back()).outcome).toMatchObject({
    problems: ["the registry keeps no journal of a promotion to stable"],
  })
  await promote(1)
  expect(JSON.stringify((await back()).outcome)).toContain("there was no tag stable")
  await promote(2)
  const [first] = images
  if (first === undefined) throw new Error("no image")
  const manifest = await client.manifest({ ...first.repository, tag: "2026.3-stable" })
  if (manifest !== undefined) await client.putManifest(first.repository, "stable", manifest)
  const refused = await back()
  expect(JSON.stringify(refused.outcome)).toContain("somebody moved it since")
  expect((await status(images, "2026.2", client)).tags[0]?.state).toBe("moved")
  expect((await back({ force: true })).outcome.kind).toBe("promoted")
  expect(await stable()).toEqual(sets[0])
})

it("does not write where a journal of somebody else's points", async () => {
  await promote(1)
  const { journal } = await promote(2)
  if (journal === undefined) throw new Error("no journal")
  const [entry, ...others] = journal.entries
  if (entry === undefined) throw new Error("no entry")
  const alien = { ...entry, repository: `${registry.host}/elsewhere/base` }
  const report = await back({ journal: { ...journal, entries: [...others, alien] } })
  expect(JSON.stringify(report.outcome)).toContain("elsewhere/base, which is no image of this tree")
  // Nor does it choose who is asked.
  const evil = { ...entry, repository: "registry.invalid/evil/base" }
  const refused = await back({ journal: { ...journal, entries: [evil, ...others] } })
  expect(JSON.stringify(refused.outcome)).toContain(
    "registry.invalid/evil/base, which is no image of this tree",
  )
})

it("tells what is stable, since when, and from which commit", async () => {
  expect((await status(images, "2026.1", client)).tags.map(({ state }) => state)).toEqual([
    "none",
    "untracked",
  ])
  const { journal } = await promote(1)
  const report = await status(images, "2026.1", client)
  expect(report.tags[0]).toMatchObject({
    tag: "stable",
    state: "whole",
    images: [
      {
        name: "base",
        digest: sets[0]?.get("base"),
        since: { kind: "at", at: journal?.at },
        from: `${registry.host}/org${organisation}/base:2026.1-stable`,
        commit: "1abcdef0123",
      },
      {},
      {},
    ],
  })
  expect(report.tags[1]).toMatchObject({
    tag: "2026.1-stable",
    images: [{ since: { kind: "unknown" } }, {}, {}],
  })
  const markdown = renderStatusMarkdown(report)
  expect(markdown).toContain(`One set: the promotion of ${String(journal?.at)}.`)
  expect(markdown).toContain("| `1abcdef` |")
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})
