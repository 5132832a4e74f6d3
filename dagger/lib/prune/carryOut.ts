import type { PromotedImage } from "../promote/promotion.js"
import { formatReference, parseRepository } from "../reference/reference.js"
import { RegistryError } from "../registry/registryError.js"
import type { RegistryClient } from "../registry/client.js"
import type { HeldRepository } from "./inventory.js"
import { inRepositories, taggedDigests } from "./inventory.js"
import type { PruneEntry, PrunePlan } from "./prunePlan.js"

/** What came of deleting. */
export interface PruneOutcome {
  /** Digests that are gone, those that somebody else has deleted meanwhile among them. */
  readonly deleted: readonly PruneEntry[]
  /** Why it ended before its end; the rest is as it was. */
  readonly problem?: string
}

/** The part of a registry's client that deleting needs. */
export type PruneStore = Pick<RegistryClient, "tags" | "resolve" | "deleteManifest">

/**
 * Deletes what the plan has found unneeded, one digest after the other, and ends at the first refusal. Where a tag has
 * come, gone or moved since the plan was made nothing is deleted: it might be needed now.
 */
export async function carryOutPrune(
  store: PruneStore,
  images: readonly PromotedImage[],
  held: readonly HeldRepository[],
  plan: PrunePlan,
): Promise<PruneOutcome> {
  const deleted: PruneEntry[] = []
  try {
    const moved = await movedTags(store, images, held)
    if (moved.length > 0) {
      return { deleted, problem: `tags were written meanwhile (${moved.join(", ")}): run it again` }
    }
    for (const entry of plan.unneeded) {
      await store.deleteManifest(parseRepository(entry.repository), entry.digest)
      deleted.push(entry)
    }
    return { deleted }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return { deleted, problem: problemOf(error) }
  }
}

function problemOf(error: RegistryError): string {
  if (error.status !== 405) return error.message
  return `the registry deletes nothing (${error.message}); distribution's own does with REGISTRY_STORAGE_DELETE_ENABLED=true`
}

/** References that name something else than when the inventory was taken. */
async function movedTags(
  store: PruneStore,
  images: readonly PromotedImage[],
  held: readonly HeldRepository[],
): Promise<readonly string[]> {
  const before = new Map(held.map(({ repository, tags }) => [repository, tags]))
  const changed = inRepositories(images).map(async ({ repository }) => {
    const name = formatReference(repository)
    const [then, now] = [
      before.get(name) ?? new Map<string, string>(),
      await taggedDigests(store, repository),
    ]
    const tags = new Set([...then.keys(), ...now.keys()])
    return [...tags].filter((tag) => then.get(tag) !== now.get(tag)).map((tag) => `${name}:${tag}`)
  })
  return (await Promise.all(changed)).flat()
}
