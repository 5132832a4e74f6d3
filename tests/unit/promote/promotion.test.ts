import { afterAll, beforeEach, describe, expect, it } from "vitest"
import type { GateVerdict, GpuGate } from "../../../dagger/lib/promote/gate.js"
import { parseJournal, formatJournal } from "../../../dagger/lib/promote/journal.js"
import { digestsOf as lookedAt } from "../../../dagger/lib/promote/promote.js"
import { renderPromotionMarkdown } from "../../../dagger/lib/promote/render.js"
import { describePromotion, isPromotionOk } from "../../../dagger/lib/promote/report.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import { lookBeforeTagStable, tagStable } from "../../../dagger/lib/promote/tagStable.js"
import { wikiChangeOf } from "../../../dagger/lib/promote/wikiEffects.js"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { imageFacts } from "../../../dagger/lib/registry/imageFacts.js"
import { wikiChangeSchema } from "../../../dagger/lib/wiki/change.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage, pushIndex } from "../../support/registryImages.js"
import { contextOf, digestsOf, imagesIn, pushSet } from "../../support/registryWorld.js"

const registry = await startRegistry({ login: true })
const { client, traffic } = clientOf(registry)
afterAll(() => registry.stop())

const skipped: GpuGate = { kind: "skipped", why: "not in this test" }
let organisation = 0
let images = imagesIn(registry.host, "none")
beforeEach(() => {
  organisation += 1
  images = imagesIn(registry.host, `org${organisation}`)
})

const push = (tag: string, generation: string) => pushSet(registry, `org${organisation}`, tag, generation)
const nothing = new Map(images.map(({ name }) => [name, undefined]))

function promoteMain(
  changes: Partial<Parameters<typeof tagStable>[0]> = {},
  context = contextOf(client, traffic),
) {
  return tagStable({ tag: "2026.4-main", images, gate: skipped, dryRun: false, ...changes }, context)
}

describe("a promotion", () => {
  it("gives the same digests the stable tags", async () => {
    const digests = await push("2026.4-main", "one")
    const context = contextOf(client, traffic)
    const report = await promoteMain({}, context)
    expect(report.outcome).toEqual({ kind: "promoted" })
    expect(isPromotionOk(report)).toBe(true)
    expect(await digestsOf(client, images, "2026.4-stable")).toEqual(digests)
    expect(report.images.map(({ digest, moves }) => [digest, moves])).toEqual(
      [...digests.values()].map((digest) => [digest, true]),
    )
    expect(context.journals).toEqual([report.journal])
    expect(describePromotion(report)).toBe("Promoted `2026.4-main` to `2026.4-stable`: 3 images.")
  })

  it("writes nothing when it is run again", async () => {
    await push("2026.4-main", "one")
    await promoteMain()
    const before = registry.accessLog().length
    const context = contextOf(client)
    const report = await promoteMain({}, context)
    expect(report.outcome.kind).toBe("unchanged")
    expect(context.journals).toEqual([])
    const methods = registry
      .accessLog()
      .slice(before)
      .map(({ method }) => method)
    expect(methods.filter((method) => !["GET", "HEAD"].includes(method))).toEqual([])
    // What the wiki needs is told all the same: the earlier run may have ended before it.
    expect(wikiChangeOf(report)).toMatchObject({ kind: "promote" })
  })

  it("moves only what differs, and remembers what was there", async () => {
    const old = await push("2026.4-main", "one")
    await promoteMain()
    const changed = await pushImage(registry, `org${organisation}/child-a:2026.4-main`, { layers: ["new"] })
    const before = registry.accessLog().length
    const report = await promoteMain()
    expect(report.outcome.kind).toBe("promoted")
    expect(report.images.map(({ moves }) => moves)).toEqual([false, true, false])
    expect(report.images.map(({ previous }) => previous)).toEqual([...old.values()])
    expect(report.journal?.entries.map(({ previous }) => previous?.from)).toEqual(
      images.map(({ name }) => `${registry.host}/org${organisation}/${name}:2026.4-main`),
    )
    expect(await digestsOf(client, images, "2026.4-stable")).toEqual(new Map(old).set("child-a", changed))
    const puts = registry
      .accessLog()
      .slice(before)
      .filter(({ method }) => method === "PUT")
    expect(puts.map(({ path }) => path.replace(/.*\/(.*)\/manifests/, "$1"))).toEqual([
      "base/journal-2026.4-stable",
      "child-a/2026.4-stable",
    ])
  })

  it("prints the same and writes nothing in a dry run", async () => {
    await push("2026.4-main", "one")
    const before = registry.accessLog().length
    const context = contextOf(client)
    const report = await lookBeforeTagStable({ tag: "2026.4-main", images }, context)
    expect(report.gate).toBe("not run yet; it comes when nothing else is in the way")
    expect(report.outcome).toEqual({ kind: "dry-run" })
    expect(report.images.every(({ moves }) => moves)).toBe(true)
    expect(
      registry
        .accessLog()
        .slice(before)
        .some(({ method }) => method === "PUT"),
    ).toBe(false)
    expect(context.journals).toEqual([])
    expect(report.journal).toBeUndefined()
    expect(wikiChangeOf(report)).toBeUndefined()
    expect(await digestsOf(client, images, "2026.4-stable")).toEqual(nothing)
  })

  it("takes the quarter's stable images to the global one", async () => {
    const digests = await push("2026.4-main", "one")
    await promoteMain()
    const report = await tagGlobalStable({ prefix: "2026.4", images, dryRun: false }, contextOf(client))
    expect(report.outcome.kind).toBe("promoted")
    expect(await digestsOf(client, images, "stable")).toEqual(digests)
    const change = wikiChangeOf(report)
    expect(wikiChangeSchema.parse(change)).toEqual(change)
    expect(change).toMatchObject({ kind: "globalStable" })
    expect(change?.kind === "globalStable" && change.images[0]).toEqual({
      from: `${registry.host}/org${organisation}/base:2026.4-stable`,
      to: `${registry.host}/org${organisation}/base:stable`,
      digest: digests.get("base"),
    })
  })

  it("keeps a multi-platform index and its children working", async () => {
    await push("2026.4-main", "one")
    const digest = await pushIndex(registry, `org${organisation}/base:2026.4-main`, [
      { layers: ["amd"] },
      { layers: ["arm"], platform: "linux/arm64" },
    ])
    expect((await promoteMain()).outcome.kind).toBe("promoted")
    const reference = parseReference(`${registry.host}/org${organisation}/base:2026.4-stable`)
    const facts = await imageFacts(client, reference, "linux/arm64")
    expect(facts).toMatchObject({ digest, platform: "linux/arm64" })
  })

  it("needs at most five requests an image and few bytes", async () => {
    await push("2026.4-main", "one")
    const fresh = clientOf(registry)
    const before = registry.accessLog().length
    const report = await promoteMain({}, contextOf(fresh.client, fresh.traffic))
    const lines = registry.accessLog().slice(before)
    const { sent, received } = fresh.traffic.read()
    console.log(`promotion of 3 images: ${lines.length} requests, ${sent} bytes sent, ${received} received`)
    expect(report.outcome.kind).toBe("promoted")
    expect(lines.length).toBeLessThanOrEqual(15)
    expect(sent + received).toBeLessThan(15_000)
    expect(report.traffic?.requests).toBe(lines.length)
  })
})

describe("is refused, with nothing written, when", () => {
  const refused = async (
    changes: Partial<Parameters<typeof tagStable>[0]>,
    before?: () => Promise<unknown>,
  ) => {
    await before?.()
    const from = registry.accessLog().length
    const context = contextOf(client)
    const report = await promoteMain(changes, context)
    expect(
      registry
        .accessLog()
        .slice(from)
        .filter(({ method }) => method === "PUT"),
    ).toEqual([])
    expect(context.journals).toEqual([])
    expect(isPromotionOk(report)).toBe(false)
    if (report.outcome.kind !== "refused") throw new Error(`not refused but ${report.outcome.kind}`)
    return report.outcome.problems
  }

  it("all images are missing, each is named", async () => {
    expect(await refused({})).toEqual(
      images.map(({ name }) => `there is no image ${registry.host}/org${organisation}/${name}:2026.4-main`),
    )
  })

  it("one image is missing", async () => {
    const missing = images.with(1, {
      name: "gone",
      repository: { registry: registry.host, path: `org${organisation}/gone` },
    })
    expect(await refused({ images: missing }, () => push("2026.4-main", "one"))).toEqual([
      `there is no image ${registry.host}/org${organisation}/gone:2026.4-main`,
    ])
  })

  it("a manifest page is missing", async () => {
    const pages: Parameters<typeof tagStable>[0]["pages"] = {
      check: (pairs) => {
        const without = pairs.filter(({ from }) => from.includes("child-b"))
        return Promise.resolve({ problems: without.map(({ to }) => `no page for ${to}`) })
      },
    }
    expect(await refused({ pages }, () => push("2026.4-main", "one"))).toEqual([
      `no page for ${registry.host}/org${organisation}/child-b:2026.4-stable`,
    ])
  })

  it("a tag has moved since an earlier look", async () => {
    const expected = await push("2026.4-main", "one")
    const [problem] = await refused({ expected }, () => push("2026.4-main", "two"))
    expect(problem).toContain(`base:2026.4-main has moved: expected was ${String(expected.get("base"))}`)
  })

  it("the registry does not let in", async () => {
    const stranger = clientOf({ login: { username: "robot", password: "wrong" } })
    const report = await promoteMain({}, contextOf(stranger.client))
    expect(report.outcome).toMatchObject({ kind: "refused" })
    expect(describePromotion(report)).toContain("401 unauthorized")
  })

  const verdict = (changes: Partial<GateVerdict> & { tag?: string } = {}): GpuGate => ({
    kind: "verdict",
    verdict: {
      kind: "passed",
      image: parseReference(`${registry.host}/org${organisation}/${changes.tag ?? "child-b:2026.4-main"}`),
      sentence: "3 GPU tests passed",
      ...changes,
    },
  })

  it.each<[string, () => GpuGate, string]>([
    [
      "failed",
      () => verdict({ kind: "failed", sentence: "1 GPU test failed" }),
      "did not pass: 1 GPU test failed",
    ],
    ["could not run", () => verdict({ kind: "could-not-run", sentence: "no host" }), "did not pass: no host"],
    ["does not know what it tested", verdict, "nobody knows what was tested"],
    [
      "tested another digest",
      () => verdict({ digest: `sha256:${"1".repeat(64)}` }),
      "has moved since the GPU test",
    ],
    [
      "tested another image",
      () => verdict({ tag: "other:1", digest: `sha256:${"1".repeat(64)}` }),
      "which is not promoted",
    ],
  ])("the GPU test %s", async (_, gate, problem) => {
    await push("2026.4-main", "one")
    expect((await refused({ gate: gate() })).join()).toContain(problem)
  })

  it("passes with the GPU test's own digest", async () => {
    const digests = await push("2026.4-main", "one")
    const digest = digests.get("child-b")
    const report = await promoteMain({ gate: verdict({ ...(digest !== undefined && { digest }) }) })
    expect(report).toMatchObject({ outcome: { kind: "promoted" }, gate: "3 GPU tests passed" })
  })

  it("looks before the GPU test, and promotes the digests that were tested", async () => {
    const look = (changes = {}) =>
      lookBeforeTagStable({ tag: "2026.4-main", images, ...changes }, contextOf(client))
    expect((await look()).outcome.kind).toBe("refused")
    const digests = await push("2026.4-main", "one")
    const pages = { check: () => Promise.resolve({ problems: ["no page"] }) }
    expect((await look({ pages })).outcome).toEqual({ kind: "refused", problems: ["no page"] })
    const found = await look()
    expect(found.outcome.kind).toBe("dry-run")
    expect(lookedAt(found)).toEqual(digests)
    const gate = verdict({ digest: digests.get("child-b") ?? "" })
    expect((await promoteMain({ gate, expected: lookedAt(found) })).outcome.kind).toBe("promoted")
    // Nothing to promote, nothing to test.
    expect((await look()).outcome.kind).toBe("unchanged")
  })

  it("an image moves during the GPU test", async () => {
    const digests = await push("2026.4-main", "one")
    const found = await lookBeforeTagStable({ tag: "2026.4-main", images }, contextOf(client))
    await pushImage(registry, `org${organisation}/base:2026.4-main`, { layers: ["moved"] })
    const gate = verdict({ digest: digests.get("child-b") ?? "" })
    const report = await promoteMain({ gate, expected: lookedAt(found) })
    expect(JSON.stringify(report.outcome)).toContain("base:2026.4-main has moved")
    expect(await digestsOf(client, images, "2026.4-stable")).toEqual(nothing)
  })

  it("somebody else's tag stands where the journal belongs", async () => {
    await push("2026.4-main", "one")
    await pushSet(registry, `org${organisation}`, "journal-2026.4-stable", "alien")
    expect((await refused({})).join()).toContain("journal-2026.4-stable is not a promotion's journal")
  })
})

describe("the report", () => {
  it("reads well", async () => {
    await push("2026.4-main", "one")
    const report = await promoteMain()
    const markdown = renderPromotionMarkdown(report)
    expect(markdown).toContain("# ✅ tag-stable `2026.4-stable`")
    expect(markdown).toMatch(
      /\| `base` \| `127[^|]+org\d+\/base:2026.4-main` \| `[0-9a-f]{12}` \| none \| moves \|/,
    )
    expect(markdown).toContain("./stack rollback --source=. --tag=2026.4-stable")
    expect(markdown).toContain("the GPU test was skipped: not in this test")
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it("lists problems", async () => {
    const markdown = renderPromotionMarkdown(await promoteMain())
    expect(markdown).toContain("# ❌ tag-stable")
    expect(markdown.match(/^- there is no image/gm)).toHaveLength(3)
  })

  it("keeps its journal readable", async () => {
    await push("2026.4-main", "one")
    const { journal } = await promoteMain()
    if (journal === undefined) throw new Error("no journal")
    expect(parseJournal(formatJournal(journal))).toEqual(journal)
    expect(() => parseJournal("{")).toThrow("not JSON")
    expect(() => parseJournal('{"version":3}')).toThrow("version 3")
    expect(() => parseJournal(JSON.stringify({ ...journal, entries: [] }))).toThrow("entries")
  })
})
