import { spawn } from "node:child_process"
import { retag } from "../../../dagger/lib/registry/retag.js"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { renderPromotionMarkdown } from "../../../dagger/lib/promote/render.js"
import { describePromotion } from "../../../dagger/lib/promote/report.js"
import { rollback } from "../../../dagger/lib/promote/rollback.js"
import { status } from "../../../dagger/lib/promote/status.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import { wikiChangeOf } from "../../../dagger/lib/promote/wikiEffects.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import type { Fault } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { contextOf, copySet, digestsOf, imageNames, imagesIn, pushSet } from "../../support/registryWorld.js"

const registry = await startRegistry()
const proxy = await startFaultProxy(registry.port)
afterAll(async () => {
  await proxy.stop()
  await registry.stop()
})

const { client } = clientOf({}, { timeoutMilliseconds: 500 })
let organisation = 0
let images = imagesIn(proxy.host, "none")
let old: ReadonlyMap<string, string> = new Map()
let fresh: ReadonlyMap<string, string> = new Map()
const nothing = new Map<string, string | undefined>(imageNames.map((name) => [name, undefined]))

beforeAll(async () => {
  await pushSet(registry, "seed", "2026.2-stable", "other")
  await pushSet(registry, "seed", "2026.3-stable", "old")
  await pushSet(registry, "seed", "2026.4-stable", "new")
})
const seeded = (tag: string) =>
  copySet(client, { host: registry.host, organisation: "seed" }, `org${organisation}`, tag)
beforeEach(async () => {
  organisation += 1
  images = imagesIn(proxy.host, `org${organisation}`)
  old = await seeded("2026.3-stable")
  fresh = await seeded("2026.4-stable")
  proxy.reset()
})

const promote = (prefix: string, context = contextOf(client)) =>
  tagGlobalStable({ prefix, images, dryRun: false }, context)
const stable = () => digestsOf(client, images, "stable")
const back = (changes: Partial<Parameters<typeof rollback>[0]> = {}) =>
  rollback({ tag: "stable", images, force: false, dryRun: false, ...changes }, contextOf(client))
const tagPut = /\/manifests\/stable$/

describe("a failure at the second of three writes", () => {
  it.each<[string, number, Fault]>([
    ["500", 5, { kind: "status", status: 500 }],
    ["denied", 2, { kind: "status", status: 403 }],
    ["lost answers", 5, { kind: "lose-answer" }],
    [
      "wrong digest",
      1,
      { kind: "headers", headers: { "docker-content-digest": `sha256:${"3".repeat(64)}` } },
    ],
  ])("puts the previous digests back (%s)", async (_, times, fault) => {
    await promote("2026.3")
    proxy.add({ method: "PUT", path: /child-a\/manifests\/stable$/, times, fault })
    const report = await promote("2026.4")
    expect(report.outcome.kind).toBe("undone")
    expect(describePromotion(report)).toContain("Failed, and every `stable` names again what it named before")
    expect(await stable()).toEqual(old)
    expect(wikiChangeOf(report)).toBeUndefined()
    // The journal is that of the first promotion again, and the next attempt starts clean.
    proxy.reset()
    expect((await status(images, "2026.4", client)).tags[0]).toMatchObject({ tag: "stable", state: "whole" })
    expect((await promote("2026.4")).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(fresh)
    expect((await back()).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(old)
  })

  it("of the first promotion over tags of others leaves no promotion behind that seems interrupted", async () => {
    const [first, second, third] = images
    for (const image of [first, second, third]) {
      if (image === undefined) throw new Error("no image")
      const source = { ...image.repository, tag: "2026.3-stable" }
      await retag(client, source, "stable")
    }
    const times = 2
    proxy.add({
      method: "PUT",
      path: /child-a\/manifests\/stable$/,
      times,
      fault: { kind: "status", status: 403 },
    })
    expect((await promote("2026.4")).outcome.kind).toBe("undone")
    proxy.reset()
    expect(await stable()).toEqual(old)
    expect((await status(images, "2026.4", client)).tags[0]).toMatchObject({
      tag: "stable",
      state: "untracked",
    })
    expect((await promote("2026.4")).outcome.kind).toBe("promoted")
    expect((await back()).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(old)
  })

  it("keeps new tags, because taking them away could delete the image, and says so", async () => {
    proxy.add({ method: "PUT", path: /child-a\/manifests\/stable$/, fault: { kind: "status", status: 403 } })
    const report = await promote("2026.4")
    expect(report.outcome.kind).toBe("half-done")
    expect(renderPromotionMarkdown(report)).toMatch(/`[^`]+base:stable` names `sha256:/)
    expect(await stable()).toEqual(new Map(nothing).set("base", fresh.get("base")))
    proxy.reset()
    expect((await status(images, "2026.4", client)).tags[0]?.state).toBe("interrupted")
    expect((await promote("2026.4")).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(fresh)
  })

  it("says what is where when nothing can be put back", async () => {
    await promote("2026.3")
    proxy.add(
      { method: "PUT", path: tagPut, after: 1, fault: { kind: "status", status: 503 } },
      {
        method: "HEAD",
        path: /child-b\/manifests\/stable$/,
        after: 1,
        fault: { kind: "status", status: 503 },
      },
    )
    const report = await promote("2026.4")
    expect(report.outcome).toMatchObject({ kind: "half-done" })
    const markdown = renderPromotionMarkdown(report)
    expect(markdown).toMatch(/child-b:stable`: not known/)
    proxy.reset()
    expect((await promote("2026.4")).outcome.kind).toBe("promoted")
    expect((await back()).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(old)
  })

  it("writes no tag when the journal cannot be kept", async () => {
    await promote("2026.3")
    proxy.add({ method: "PUT", path: /journal-stable/, fault: { kind: "status", status: 403 } })
    const report = await promote("2026.4")
    expect(report.outcome.kind).toBe("undone")
    // Those of the first promotion.
    expect(
      proxy.requests.filter(({ method, path }) => method === "PUT" && path.endsWith("/stable")),
    ).toHaveLength(3)
    expect(await stable()).toEqual(old)
  })

  it("writes nothing when the caller cannot keep the journal", async () => {
    const context = { ...contextOf(client), saveJournal: () => Promise.reject(new Error("disk full")) }
    await expect(promote("2026.4", context)).rejects.toThrow("disk full")
    expect(proxy.requests.some(({ method }) => method === "PUT")).toBe(false)
  })
})

it("notices a tag that does not stay where it was put, and puts it right", async () => {
  await promote("2026.3")
  const [, second] = images
  // Somebody pushes the old image again between the writes and the check.
  proxy.add({
    method: "PUT",
    path: /child-b\/manifests\/stable$/,
    times: 1,
    fault: {
      kind: "first",
      act: async () => {
        const repository = second?.repository
        if (repository === undefined) return
        const manifest = await client.manifest({ ...repository, tag: "2026.3-stable" })
        if (manifest !== undefined) await client.putManifest(repository, "stable", manifest)
      },
    },
  })
  expect((await promote("2026.4")).outcome.kind).toBe("promoted")
  expect(await stable()).toEqual(fresh)
})

describe("a promotion that is killed between two writes", () => {
  /** Starts the promotion in a process of its own, and kills it while it writes its n-th tag. */
  const killAt = async (write: number) => {
    proxy.add({ method: "PUT", path: tagPut, after: write - 1, fault: { kind: "hang" } })
    const tsx = join(import.meta.dirname, "../../../dagger/node_modules/.bin/tsx")
    const program = join(import.meta.dirname, "../../support/registryPromoter.ts")
    const args = [program, proxy.host, `org${organisation}`, "2026.4"]
    // A group of its own: tsx starts the program as its child.
    const child = spawn(tsx, args, { detached: true, stdio: "inherit" })
    const exited = new Promise((resolve) => child.once("exit", resolve))
    while (!proxy.requests.some(({ fault }) => fault === "hang")) await pause(20)
    process.kill(-(child.pid ?? 0), "SIGKILL")
    await exited
    proxy.reset()
  }

  it("is completed by the next run, which remembers what was there before both", async () => {
    await promote("2026.3")
    await killAt(2)
    expect(await stable()).toEqual(new Map([...old, ["base", fresh.get("base")]]))
    expect((await status(images, "2026.4", client)).tags[0]?.state).toBe("interrupted")
    const report = await promote("2026.4")
    expect(report.outcome.kind).toBe("promoted")
    expect(report.notices.join()).toContain("was interrupted")
    expect(await stable()).toEqual(fresh)
    expect((await back()).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(old)
  })

  it("is taken back by a rollback", async () => {
    await promote("2026.3")
    await killAt(3)
    expect((await back()).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(old)
  })

  it("is replaced by another promotion, whose rollback leads to the whole set before", async () => {
    const other = await seeded("2026.2-stable")
    await promote("2026.3")
    await killAt(2)
    expect((await promote("2026.2")).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(other)
    expect((await back()).outcome.kind).toBe("promoted")
    expect(await stable()).toEqual(old)
  })

  it("leaves nothing but a journal when it was killed before the first tag", async () => {
    await promote("2026.3")
    await killAt(1)
    expect(await stable()).toEqual(old)
    expect((await back()).outcome.kind).toBe("unchanged")
    expect((await promote("2026.4")).outcome.kind).toBe("promoted")
  })
})
