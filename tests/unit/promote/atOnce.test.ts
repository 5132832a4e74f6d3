import { afterAll, beforeAll, expect, it } from "vitest"
import { rollback } from "../../../dagger/lib/promote/rollback.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import { systemEnvironment } from "../../../dagger/lib/registry/environment.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { contextOf, digestsOf, imagesIn, pushSet } from "../../support/registryWorld.js"

const registry = await startRegistry()
const proxy = await startFaultProxy(registry.port)
const images = imagesIn(proxy.host, "org")
const sets = new Map<number, ReadonlyMap<string, string>>()

beforeAll(async () => {
  for (const quarter of [1, 2, 3]) {
    sets.set(quarter, await pushSet(registry, "org", `2026.${quarter}-stable`, String(quarter)))
  }
})
afterAll(async () => {
  await proxy.stop()
  await registry.stop()
})

/**
 * The registry answers 500 for a moment when a tag is read while somebody else writes it: these clients really wait
 * between their tries.
 */
const patient = () => clientOf({}, { environment: systemEnvironment() }).client
const promote = (quarter: number) =>
  tagGlobalStable({ prefix: `2026.${quarter}`, images, dryRun: false }, contextOf(patient()))
const client = patient()
const stable = () => digestsOf(client, images, "stable")

it("promotions at the same time end in one set, whoever comes first", async () => {
  for (let round = 0; round < 10; round += 1) {
    const reports = await Promise.all([promote(1), promote(2), promote(3)])
    expect([...sets.values()]).toContainEqual(await stable())
    for (const { outcome } of reports)
      expect(outcome.kind, JSON.stringify(outcome)).toMatch(/^(?:promoted|overtaken|unchanged)$/)
  }
})

it.each(Array.from({ length: 14 }, (_, index) => index))(
  "a whole promotion between request %i and the next of another one",
  async (after) => {
    await promote(1)
    proxy.reset()
    proxy.add({
      path: /^\/v2\/org/,
      after,
      times: 1,
      fault: { kind: "first", act: () => promote(3) },
    })
    const { outcome } = await promote(2)
    expect(["promoted", "overtaken"]).toContain(outcome.kind)
    expect(await stable()).toEqual(outcome.kind === "promoted" ? sets.get(2) : sets.get(3))
    const images2 = { tag: "stable", images, force: false, dryRun: false }
    await rollback(images2, contextOf(client))
    expect([...sets.values()]).toContainEqual(await stable())
  },
)
