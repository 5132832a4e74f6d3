import type { ServerResponse } from "node:http"
import { afterAll, describe, expect, it } from "vitest"
import { formatJournal, journalManifest, journalTag } from "../../../dagger/lib/promote/journal.js"
import type { Journal } from "../../../dagger/lib/promote/journal.js"
import { carryOutPrune } from "../../../dagger/lib/prune/carryOut.js"
import { takeInventory } from "../../../dagger/lib/prune/inventory.js"
import { planPrune } from "../../../dagger/lib/prune/prunePlan.js"
import { parseReference, parseRepository } from "../../../dagger/lib/reference/reference.js"
import { retag } from "../../../dagger/lib/registry/retag.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import type { TestRegistry } from "../../support/registry.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage, pushIndex } from "../../support/registryImages.js"
import { pruneRules } from "../../support/pruneRules.js"

const registries: readonly (readonly [string, TestRegistry])[] = await Promise.all([
  startRegistry({ login: true }).then((registry) => ["login", registry] as const),
  startRegistry({ token: true }).then((registry) => ["token", registry] as const),
  startRegistry({ token: { strict: true } }).then((registry) => ["strict tokens", registry] as const),
])
afterAll(() => Promise.all(registries.map(([, registry]) => registry.stop())))

const key = "0123456789abcdef"

describe.each(registries)("a registry (%s)", (_, registry) => {
  const { client } = clientOf(registry)
  const named = (name: string) => parseReference(`${registry.host}/${name}`)

  it("lists tags, and none where there is no repository", async () => {
    await pushImage(registry, "org/tags:b")
    await retag(client, named("org/tags:b"), "a")
    expect((await client.tags(named("org/tags"))).toSorted()).toEqual(["a", "b"])
    expect(await client.tags(named("org/nowhere"))).toEqual([])
  })

  it("deletes a manifest with all of its tags, and says where there was none", async () => {
    const digest = await pushImage(registry, "org/gone:1", { layers: ["gone"] })
    await retag(client, named("org/gone:1"), "2")
    await pushImage(registry, "org/gone:3", { layers: ["stays"] })
    expect(await client.deleteManifest(named("org/gone"), digest)).toBe(true)
    expect(await client.tags(named("org/gone"))).toEqual(["3"])
    expect(await client.deleteManifest(named("org/gone"), digest)).toBe(false)
  })
})

function never(): never {
  throw new Error("there is no registry")
}

describe("pages of tags", () => {
  const [[, registry] = never()] = registries

  /** Lists the tags `a` and `b` of a registry whose first page leads to this address. */
  async function listed(next: string): Promise<readonly string[]> {
    const first = (_: unknown, response: ServerResponse) =>
      response.writeHead(200, { link: `<${next}>; rel="next"` }).end('{"tags": ["a"]}')
    const fault = { kind: "answer", answer: first } as const
    const last = { kind: "status", status: 200, body: '{"tags": ["a", "b"]}' } as const
    const front = await startFaultProxy(registry.port, [
      { path: /tags\/list\?n=1000$/, fault },
      { path: /tags\/list\?last=a/, fault: last },
    ])
    const { client } = clientOf(registry, { endpoint: () => new URL(`http://${front.host}`) })
    try {
      return await client.tags(parseRepository(`${registry.host}/org/pages`))
    } finally {
      await front.stop()
    }
  }

  it("are followed to the end", async () => {
    expect(await listed("/v2/org/pages/tags/list?last=a&n=1")).toEqual(["a", "b"])
  })

  it.each([
    ["/v2/org/pages/tags/list?n=1000", "goes in a circle"],
    ["https://elsewhere.example/v2/org/pages/tags/list?n=1", "goes on at another place"],
  ])("are not followed to %s", async (next, message) => {
    await expect(listed(next)).rejects.toThrow(message)
  })
})

describe("the repositories of a stack", () => {
  const [[, registry] = never()] = registries
  const old = "2026-10-01T08:00:00Z"
  const now = "2026-11-26T12:00:00Z"

  /** A stack with everything that prune knows, in an organisation of its own. */
  async function published(organisation: string) {
    const { client } = clientOf(registry)
    const images = ["base", "left"].map((name) => ({
      name,
      repository: parseRepository(`${registry.host}/${organisation}/${name}`),
    }))
    const push = (tag: string, created: string, layer = tag, name = "base") =>
      pushImage(registry, `${organisation}/${name}:${tag}`, { layers: [layer], created })
    const previous = await push("2026.4-left-behind", old, "previous", "left")
    const stable = await push("2026.4-stable", old, "stable", "left")
    await push("2026.4-main", old)
    await push("2026.4-gone", old)
    await retag(client, named(organisation, "base:2026.4-gone"), `passed-${key}-${key}`)
    await push(`candidate-${key}`, now)
    const index = await pushIndex(registry, `${organisation}/base:2026.4-both`, [
      { layers: ["x"], created: old },
      { layers: ["y"], created: old, platform: "linux/arm64" },
    ])
    await pushImage(registry, `${organisation}/base:sha256-${index.slice(7)}`, {
      layers: ["of both"],
      created: now,
    })
    const entry = (digest: string) => ({ digest, from: "a run" })
    const journal: Journal = {
      version: 1,
      id: "1",
      kind: "promotion",
      at: old,
      to: "2026.4-stable",
      entries: [
        {
          name: "left",
          repository: `${registry.host}/${organisation}/left`,
          previous: entry(previous),
          next: entry(stable),
        },
      ],
    }
    expect(formatJournal(journal)).toContain(previous)
    await client.putManifest(
      named(organisation, "base"),
      journalTag("2026.4-stable"),
      journalManifest(journal, []),
    )
    return { client, images }
  }

  const named = (organisation: string, name: string) =>
    parseReference(`${registry.host}/${organisation}/${name}`)

  it("lose what nothing needs, in one go, and nothing else", async () => {
    const { client, images } = await published("care")
    const held = await takeInventory(client, images)
    const plan = planPrune(held, pruneRules)
    expect(plan.unneeded.flatMap(({ tags }) => tags)).toEqual(
      expect.arrayContaining(["2026.4-gone", `passed-${key}-${key}`, "2026.4-both"]),
    )
    const outcome = await carryOutPrune(client, images, held, plan)
    expect(outcome.problem).toBeUndefined()
    expect(outcome.deleted).toHaveLength(5)
    expect((await client.tags(named("care", "base"))).toSorted()).toEqual([
      "2026.4-main",
      `candidate-${key}`,
      "journal-2026.4-stable",
    ])
    expect((await client.tags(named("care", "left"))).toSorted()).toEqual([
      "2026.4-left-behind",
      "2026.4-stable",
    ])
    const again = await takeInventory(client, images)
    expect(planPrune(again, pruneRules).unneeded).toEqual([])
  })

  it("lose nothing where a tag was written meanwhile", async () => {
    const { client, images } = await published("race")
    const held = await takeInventory(client, images)
    await retag(client, named("race", "base:2026.4-gone"), "2026.4-main")
    const outcome = await carryOutPrune(client, images, held, planPrune(held, pruneRules))
    expect(outcome).toMatchObject({
      deleted: [],
      problem: expect.stringContaining("race/base:2026.4-main") as unknown,
    })
    expect(await client.tags(named("race", "base"))).toHaveLength(7)
  })

  it("are told of where the registry deletes nothing, and what is left can be deleted later", async () => {
    const { images } = await published("refused")
    const held = await takeInventory(clientOf(registry).client, images)
    const plan = planPrune(held, pruneRules)
    const front = await startFaultProxy(registry.port, [
      { method: "DELETE", after: 2, fault: { kind: "status", status: 405 } },
    ])
    const { client } = clientOf(registry, { endpoint: () => new URL(`http://${front.host}`) })
    const outcome = await carryOutPrune(client, images, held, plan)
    await front.stop()
    expect(outcome.deleted).toHaveLength(2)
    expect(outcome.problem).toContain("the registry deletes nothing")
    const direct = clientOf(registry).client
    const rest = await takeInventory(direct, images)
    expect((await carryOutPrune(direct, images, rest, planPrune(rest, pruneRules))).problem).toBeUndefined()
    expect((await direct.tags(named("refused", "base"))).toSorted()).toEqual([
      "2026.4-main",
      `candidate-${key}`,
      "journal-2026.4-stable",
    ])
  })
})
