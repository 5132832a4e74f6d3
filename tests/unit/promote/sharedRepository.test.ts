import { afterAll, beforeEach, describe, expect, it } from "vitest"
import type { GpuGate } from "../../../dagger/lib/promote/gate.js"
import type { Journal } from "../../../dagger/lib/promote/journal.js"
import { formatJournal, InvalidJournal, parseJournal } from "../../../dagger/lib/promote/journal.js"
import { rollback } from "../../../dagger/lib/promote/rollback.js"
import { renderStatusMarkdown, status } from "../../../dagger/lib/promote/status.js"
import { tagStable } from "../../../dagger/lib/promote/tagStable.js"
import type { PromotedImage } from "../../../dagger/lib/promote/promotion.js"
import { wikiChangeOf } from "../../../dagger/lib/promote/wikiEffects.js"
import { underTag } from "../../../dagger/lib/reference/imagePlace.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"
import { contextOf } from "../../support/registryWorld.js"

const registry = await startRegistry({ login: true })
const { client } = clientOf(registry)
afterAll(() => registry.stop())

const skipped: GpuGate = { kind: "skipped", why: "not in this test" }
let organisation = 0
let images: readonly PromotedImage[] = []
beforeEach(() => {
  organisation += 1
  const pytorch = { registry: registry.host, path: `org${organisation}/pytorch` }
  images = [
    { name: "cpu", repository: pytorch },
    { name: "cuda", repository: { ...pytorch, tagPrefix: "cuda12-" } },
  ]
})

async function push(tag: string, generation: string): Promise<readonly string[]> {
  return Promise.all(
    images.map(({ name, repository }) => {
      const { path, tag: own } = underTag(repository, tag)
      return pushImage(registry, `${path}:${own}`, { layers: [name, generation] })
    }),
  )
}

async function digests(tag: string): Promise<readonly (string | undefined)[]> {
  return Promise.all(
    images.map(async ({ repository }) => (await client.resolve(underTag(repository, tag)))?.digest),
  )
}

const promote = (gate: GpuGate = skipped, store: typeof client = client) =>
  tagStable({ tag: "2026.4-main", images, gate, dryRun: false }, contextOf(store))

describe("a promotion of images in one repository", () => {
  it("moves each one's tag, and a rollback each one's back", async () => {
    const before = await push("2026.4-main", "one")
    expect((await promote()).outcome).toEqual({ kind: "promoted" })
    const after = await push("2026.4-main", "two")
    const report = await promote()
    expect(report.outcome).toEqual({ kind: "promoted" })
    expect(report.images.map(({ to }) => to.slice(to.lastIndexOf(":")))).toEqual([
      ":2026.4-stable",
      ":cuda12-2026.4-stable",
    ])
    expect(await digests("2026.4-stable")).toEqual(after)
    const back = await rollback(
      { tag: "2026.4-stable", images, force: false, dryRun: false },
      contextOf(client),
    )
    expect(back.outcome).toEqual({ kind: "promoted" })
    expect(await digests("2026.4-stable")).toEqual(before)
    expect(wikiChangeOf(report)).toMatchObject({
      images: [{}, { from: expect.stringContaining("pytorch:cuda12-2026.4-main") as string }],
    })
  })

  it("moves only what differs", async () => {
    const [cpu] = await push("2026.4-main", "one")
    await promote()
    const path = `org${organisation}/pytorch`
    const cuda = await pushImage(registry, `${path}:cuda12-2026.4-main`, { layers: ["new"] })
    const report = await promote()
    expect(report.images.map(({ moves }) => moves)).toEqual([false, true])
    expect(await digests("2026.4-stable")).toEqual([cpu, cuda])
  })

  it("tells what each tag is", async () => {
    await push("2026.4-main", "one")
    await promote()
    const report = await status(images, "2026.4", client)
    expect(report.tags[1]).toMatchObject({
      state: "whole",
      images: [
        { name: "cpu", since: { kind: "at" } },
        { name: "cuda", since: { kind: "at" } },
      ],
    })
    expect(renderStatusMarkdown(report)).toContain("pytorch:cuda12-2026.4-main")
    await pushImage(registry, `org${organisation}/pytorch:cuda12-2026.4-stable`, { layers: ["by hand"] })
    expect((await status(images, "2026.4", client)).tags[1]?.state).toBe("moved")
  })

  it("is gated by the test of the very image", async () => {
    const [cpu = "", cuda = ""] = await push("2026.4-main", "one")
    const gateOf = (tag: string, digest: string): GpuGate => {
      const image = { registry: registry.host, path: `org${organisation}/pytorch`, tag }
      return { kind: "verdict", verdict: { kind: "passed", image, digest, sentence: "passed" } }
    }
    expect((await promote(gateOf("cuda12-2026.4-main", cpu))).outcome).toMatchObject({ kind: "refused" })
    expect((await promote(gateOf("cuda12-2026.4-main", cuda))).outcome).toEqual({ kind: "promoted" })
  })

  it("is put back as a whole when the registry refuses one of the tags", async () => {
    const before = await push("2026.4-main", "one")
    await promote()
    await push("2026.4-main", "two")
    const refusing = new Proxy(client, {
      get: (target, key, self: unknown) =>
        key === "putManifest"
          ? (...args: Parameters<typeof client.putManifest>) =>
              args[1] === "cuda12-2026.4-stable"
                ? Promise.reject(new Error("403 denied"))
                : target.putManifest(...args)
          : (Reflect.get(target, key, self) as unknown),
    })
    const report = await promote(skipped, refusing)
    expect(report.outcome).toMatchObject({ kind: "undone" })
    expect(await digests("2026.4-stable")).toEqual(before)
  })
})

describe("the journal", () => {
  const journalOf = async (): Promise<Journal> => {
    await push("2026.4-main", "one")
    const { journal } = await promote()
    if (journal === undefined) throw new Error("no journal")
    return journal
  }

  it("tells prefixes, in a version that older programs refuse", async () => {
    const journal = await journalOf()
    expect(journal.version).toBe(2)
    expect(journal.entries.map(({ tagPrefix }) => tagPrefix)).toEqual([undefined, "cuda12-"])
    expect(parseJournal(formatJournal(journal))).toEqual(journal)
  })

  it("of before, without prefixes, is read and written as ever", async () => {
    images = images.slice(0, 1)
    const journal = await journalOf()
    expect(journal.version).toBe(1)
    expect(parseJournal(formatJournal(journal))).toEqual(journal)
  })

  it.each(["org/pytorch:tag", "not a repository", ""])(
    "names repositories, and not %j",
    async (repository) => {
      const journal = await journalOf()
      const [entry] = journal.entries
      const json = JSON.stringify({ ...journal, entries: [{ ...entry, repository }] })
      expect(() => parseJournal(json)).toThrow(InvalidJournal)
    },
  )

  it("of an image that is no longer in the tree does not choose what is written", async () => {
    await journalOf()
    const report = await rollback(
      { tag: "2026.4-stable", images: images.slice(0, 1), force: true, dryRun: false },
      contextOf(client),
    )
    expect(report.outcome).toMatchObject({
      kind: "refused",
      problems: [expect.stringMatching(/the journal is about cuda12-\.\.\. of .*pytorch, which is no image/)],
    })
  })
})
