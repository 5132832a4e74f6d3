import { afterAll, expect, test } from "vitest"
import { carryOutPrune } from "../../../dagger/lib/prune/carryOut.js"
import { takeInventory } from "../../../dagger/lib/prune/inventory.js"
import { planPrune } from "../../../dagger/lib/prune/prunePlan.js"
import { retag } from "../../../dagger/lib/registry/retag.js"
import { tagStable } from "../../../dagger/lib/promote/tagStable.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import type { JoinedContent } from "../../support/registryIndexes.js"
import { pushJoined } from "../../support/registryIndexes.js"
import { contextOf } from "../../support/registryWorld.js"
import { pruneRules } from "../../support/pruneRules.js"

// An index is needed for as long as a tag that counts names it, and so is what it lists, whatever else is deleted.

const registry = await startRegistry({ login: true })
const { client } = clientOf(registry)
afterAll(() => registry.stop())

const repository = { registry: registry.host, path: "org/base" }
const images = [{ name: "base", repository }]
const content = (amd: string, arm: string): JoinedContent => ({
  contents: [amd, arm],
  commits: [amd, arm],
  commit: "joined",
})
const push = (tag: string, amd: string, arm: string) =>
  pushJoined(registry, client, repository, tag, content(amd, arm))
const isThere = async (digest: string) => (await client.resolve({ ...repository, digest })) !== undefined

test("what an index lists is kept with it, and what only an unneeded one lists goes, also with a journal's word", async () => {
  const previous = await push("2026.4-main", "old", "old")
  const promote = () =>
    tagStable(
      { tag: "2026.4-main", images, gate: { kind: "skipped", why: "a test" }, dryRun: false },
      contextOf(client),
    )
  await promote()
  const stable = await push("2026.4-main", "old", "new")
  await promote()
  const branch = await push("2026.4-main", "newer", "newer")
  // It shares one of its images with that of the branch.
  const gone = await push("2026.4-gone", "newer", "gone")
  await retag(client, { ...repository, digest: gone.digest }, `candidate-${"f".repeat(16)}`)

  const held = await takeInventory(client, images)
  const plan = planPrune(held, pruneRules)
  expect(plan.unneeded.map(({ digest }) => digest)).toEqual([gone.digest, gone.arm64])
  expect(plan.kept.find(({ digest }) => digest === branch.amd64)?.kept?.because).toBe("part")
  expect((await carryOutPrune(client, images, held, plan)).problem).toBeUndefined()

  for (const { digest, amd64, arm64 } of [previous, stable, branch])
    expect(await Promise.all([digest, amd64, arm64].map(isThere))).toEqual([true, true, true])
  expect(await Promise.all([gone.digest, gone.amd64, gone.arm64].map(isThere))).toEqual([false, true, false])
  // Its tag of a candidate is gone with it; the one of the shared image is not.
  const tags = await client.tags(repository)
  expect(tags).not.toContain("2026.4-gone")
  expect(tags).toContain("2026.4-stable")
})
