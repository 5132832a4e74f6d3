import { askBranches } from "../engine/gitBranches.js"
import { openSource } from "../gather/openSource.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { RegistryOptionsOfCall } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { existingBranches } from "../git/knownBranches.js"
import { InputError, atOption } from "../problems.js"
import { InvalidJournal } from "../promote/journal.js"
import type { PromotedImage } from "../promote/promotion.js"
import { carryOutPrune } from "../prune/carryOut.js"
import type { HeldRepository } from "../prune/inventory.js"
import { takeInventory } from "../prune/inventory.js"
import { deletingByHand, renderPruneMarkdown } from "../prune/pruneMarkdown.js"
import type { PruneRules } from "../prune/prunePlan.js"
import { planPrune } from "../prune/prunePlan.js"
import { isTag } from "../reference/reference.js"
import { RegistryError } from "../registry/registryError.js"
import { publishedAs } from "../spec/publishedAs.js"
import { ageForm, parseAge } from "../text/quantity.js"
import type { ActionOutcome } from "./actionOutcome.js"

/** What a caller asks. */
export interface PruneRequest extends RegistryOptionsOfCall {
  /** `30 d` */
  readonly olderThan: string
  /** Tags that stay. */
  readonly keep: readonly string[]
  /** Branches that exist; those that the checkout knows where none is named. */
  readonly branch: readonly string[]
  /** Delete; else only tell. */
  readonly confirm: boolean
}

/**
 * Finds what no tag that counts leads to in the repositories of the stack, and deletes it if asked.
 * @throws InputError for mistakes in the options or the source, before anything is asked
 */
export async function pruneRegistry(request: PruneRequest): Promise<ActionOutcome> {
  const olderThanSeconds = checked(request)
  const { spec } = await openSource(request.source)
  const images = [...publishedAs(spec, request.registry)].map(([name, repository]) => ({ name, repository }))
  const session = await RegistrySession.open(loginOf(request))
  session.expect(images.map(({ repository }) => repository))
  const { branch, keep } = request
  const branches = branch.length > 0 ? branch : existingBranches(await askBranches(request.source))
  const furtherTags = new Map([...spec.images.values()].map((image) => [image.name, image.furtherTags]))
  const rules = { scheme: spec.tags, furtherTags, branches, keep, olderThanSeconds, now: Date.now() }
  try {
    const held = await takeInventory(session.client, images)
    return await pruned(session, images, { held, rules, request })
  } catch (error) {
    if (!(error instanceof RegistryError) && !(error instanceof InvalidJournal)) throw error
    return notLooked(error.message)
  }
}

/** @returns the age in seconds @throws InputError */
function checked({ olderThan, keep }: PruneRequest): number {
  const seconds = parseAge(olderThan)
  const problems = [
    ...(seconds === undefined
      ? [{ location: atOption("--older-than"), message: `"${olderThan}" is not accepted`, hint: ageForm }]
      : []),
    ...keep
      .filter((tag) => !isTag(tag))
      .map((tag) => ({ location: atOption("--keep"), message: `"${tag}" is not a tag` })),
  ]
  if (problems.length > 0 || seconds === undefined) throw new InputError(problems)
  return seconds
}

function notLooked(why: string): ActionOutcome {
  const report = { version: 1, kind: "failed", why }
  return {
    ok: false,
    report,
    markdown: `# Prune\n\nNothing was deleted: ${why}\n`,
  }
}

/** Everything that was found out before anything is deleted. */
interface PruneSetup {
  readonly held: readonly HeldRepository[]
  readonly rules: PruneRules
  readonly request: PruneRequest
}

async function pruned(
  session: RegistrySession,
  images: readonly PromotedImage[],
  { held, rules, request }: PruneSetup,
): Promise<ActionOutcome> {
  const plan = planPrune(held, rules)
  const hands = new Set(images.map(({ repository }) => deletingByHand(repository.registry, plan.unneeded)))
  const byHand = [...hands].find((text) => text !== undefined)
  const isDeleting = request.confirm && byHand === undefined && plan.unneeded.length > 0
  const outcome = isDeleting ? await carryOutPrune(session.client, images, held, plan) : undefined
  const { olderThan } = request
  const digests = plan.unneeded.map(({ repository, digest }) => `${repository}@${digest}\n`).join("")
  const isUndone = request.confirm && !isDeleting && plan.unneeded.length > 0
  return {
    ok: outcome?.problem === undefined && !isUndone,
    report: { version: 1, kind: isDeleting ? "pruned" : "dry-run", olderThan, ...plan, ...outcome },
    markdown: renderPruneMarkdown(plan, { olderThan, now: rules.now, outcome, byHand }),
    files: new Map([["digests.txt", digests]]),
  }
}
