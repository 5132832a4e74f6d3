import { describe, expect, it } from "vitest"
import fc from "../../support/fastCheck.js"
import type { PromotionReport } from "../../../dagger/lib/promote/report.js"
import { rollback } from "../../../dagger/lib/promote/rollback.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import type { ManifestStore } from "../../../dagger/lib/registry/client.js"
import { MemoryStore } from "../../support/registryMemory.js"
import { contextOf, imagesIn } from "../../support/registryWorld.js"
import { runs } from "../../support/fuzz.js"

const images = imagesIn("r.example", "org")
const quarters = [1, 2, 3] as const

/** A registry in which quarter 1 is stable; quarters 1, 2 and 3 exist, and share what `shared` says. */
async function world(shared: readonly boolean[], before: boolean) {
  const memory = new MemoryStore()
  const sets = new Map<number, readonly string[]>()
  for (const quarter of quarters) {
    const digests = images.map(({ repository }, index) => {
      const content = shared[index] === true ? "same" : `${quarter}`
      return memory.image(repository, `2026.${quarter}-stable`, content)
    })
    sets.set(quarter, digests)
  }
  if (before) await promote(memory, 1)
  const stable = async () => {
    const found = images.map(({ repository }) => memory.resolve({ ...repository, tag: "stable" }))
    return (await Promise.all(found)).map((each) => each?.digest)
  }
  return { memory, sets, stable }
}

function promote(
  store: ManifestStore,
  quarter: number,
  sleep: () => Promise<void> = () => Promise.resolve(),
) {
  const context = { ...contextOf(store), sleep }
  return tagGlobalStable({ prefix: `2026.${quarter}`, images, dryRun: false }, context)
}

function back(store: ManifestStore) {
  return rollback({ tag: "stable", images, force: false, dryRun: false }, contextOf(store))
}

/** Counts how often `stable` is written. */
function counted(store: ManifestStore) {
  let puts = 0
  const putManifest: ManifestStore["putManifest"] = (repository, tag, manifest) => {
    if (tag === "stable") puts += 1
    return store.putManifest(repository, tag, manifest)
  }
  return { store: { ...store, putManifest }, puts: () => puts }
}

/** Somebody who is killed at their n-th call. */
function killedAt(call: number, turn: () => Promise<unknown>) {
  let calls = 0
  let die: () => void = () => undefined
  const dead = new Promise<"killed">(
    (resolve) =>
      (die = () => {
        resolve("killed")
      }),
  )
  const next = async () => {
    calls += 1
    if (calls < call) return turn()
    die()
    return new Promise(() => undefined)
  }
  return { next, dead }
}

const anyCall = fc.integer({ min: 1, max: 16 })
const sharing = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 })

describe("in any order of their requests,", () => {
  it("two promotions at once end in one set", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), sharing, fc.boolean(), async (scheduler, shared, before) => {
        const { memory, sets, stable } = await world(shared, before)
        const { store, puts } = counted(memory.seenBy(() => scheduler.schedule(Promise.resolve())))
        const sleep = () => scheduler.schedule(Promise.resolve())
        const reports = await scheduler.waitFor(
          Promise.all([promote(store, 2, sleep), promote(store, 3, sleep)]),
        )
        const end = await stable()
        // They do not fight: the journal decides, and the other one helps.
        expect(puts()).toBeLessThanOrEqual(12)
        expect([sets.get(2), sets.get(3)]).toContainEqual(end)
        const kinds = reports.map(({ outcome }) => outcome.kind)
        expect(kinds.every((kind) => ["promoted", "overtaken", "unchanged"].includes(kind))).toBe(true)
        expect(kinds.filter((kind) => kind === "overtaken").length).toBeLessThan(2)
        // Whoever is told to have been overtaken finds the other's set.
        reports.forEach(({ outcome }, index) => {
          if (outcome.kind === "overtaken") expect(end).toEqual(sets.get(index === 0 ? 3 : 2))
        })
      }),
      runs(500),
    )
  })

  it("a promotion and a rollback at once end in one set", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), sharing, async (scheduler, shared) => {
        const { memory, sets, stable } = await world(shared, true)
        await promote(memory, 2)
        const store = memory.seenBy(() => scheduler.schedule(Promise.resolve()))
        const both: Promise<PromotionReport>[] = [promote(store, 3), back(store)]
        await scheduler.waitFor(Promise.all(both))
        expect([...sets.values()]).toContainEqual(await stable())
      }),
      runs(300),
    )
  })

  it("a promotion that is killed beside another one is put right by the next run", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), sharing, anyCall, async (scheduler, shared, call) => {
        const { memory, sets, stable } = await world(shared, true)
        const turn = () => scheduler.schedule(Promise.resolve())
        const victim = killedAt(call, turn)
        const killed = Promise.race([promote(memory.seenBy(victim.next), 2), victim.dead])
        await scheduler.waitFor(Promise.all([killed, promote(memory.seenBy(turn), 3)]))
        await promote(memory, 2)
        expect(await stable()).toEqual(sets.get(2))
      }),
      runs(500),
    )
  })
})

it("whenever a promotion is killed, any next one and its rollback lead to whole sets", async () => {
  const next = fc.constantFrom(1, 2, 3)
  await fc.assert(
    fc.asyncProperty(sharing, anyCall, fc.option(next), async (shared, call, again) => {
      const { memory, sets, stable } = await world(shared, true)
      const victim = killedAt(call, () => Promise.resolve())
      await Promise.race([promote(memory.seenBy(victim.next), 2), victim.dead])
      if (again !== null) {
        await promote(memory, again)
        expect(await stable()).toEqual(sets.get(again))
      }
      const { outcome } = await back(memory)
      if (outcome.kind !== "refused") expect([...sets.values()]).toContainEqual(await stable())
    }),
    runs(300),
  )
})
