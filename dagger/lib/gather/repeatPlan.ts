import type { Plan } from "../plan/planDocument.js"
import { readPlan } from "../plan/planDocument.js"
import { platformsOf } from "../plan/platforms.js"
import type { SourceImage } from "../plan/repeat.js"
import { differencesFrom, tagDifferences } from "../plan/repeat.js"
import { InputError, atOption } from "../problems.js"
import { engineMessage } from "../engine/engineError.js"
import type { TagScheme } from "../tag/branchTag.js"
import { listOf } from "../text/format.js"
import type { StackRequest } from "./request.js"

/**
 * The plan that is to be repeated; what decides a plan must not be given with it.
 * @throws InputError where it is, or where the document is no plan
 */
export function planToRepeat(request: StackRequest): Plan | undefined {
  const { plan } = request
  if (plan === undefined) return undefined
  const problems = decidingOptions(request).map((option) => ({
    location: atOption(option),
    message: "a repeated plan has decided that already",
    hint: "leave it out, or leave --plan out",
  }))
  if (problems.length > 0) throw new InputError(problems)
  try {
    return readPlan(plan)
  } catch (error) {
    throw new InputError([{ location: atOption("--plan"), message: engineMessage(error) }])
  }
}

function decidingOptions(request: StackRequest): readonly string[] {
  const { only, platforms, fullRebuild, branch, base, previous, pullRequestTitle } = request
  const given = {
    "--only": only.length > 0,
    "--platform": platforms.length > 0,
    "--full-rebuild": fullRebuild,
    "--branch": branch !== undefined,
    "--base": base !== undefined,
    "--previous": previous !== undefined,
    "--pull-request-title": pullRequestTitle !== undefined,
  }
  return Object.entries(given).flatMap(([option, isGiven]) => (isGiven ? [option] : []))
}

/** @throws InputError where the source at hand is not that of the plan */
export function refuseOtherSource(plan: Plan, scheme: TagScheme, images: readonly SourceImage[]): void {
  const differences = [...tagDifferences(plan, scheme), ...differencesFrom(plan, images)]
  const problems = differences.map((difference) => ({
    location: atOption("--plan"),
    message: `it is of another source: ${difference}`,
    hint: `${whereItFits(plan)}, or leave --plan out`,
  }))
  if (problems.length > 0) throw new InputError(problems)
}

/** @throws InputError where what is built now is for other platforms than the plan's images */
export function refuseOtherPlatforms(plan: Plan, platforms: readonly string[]): void {
  const planned = platformsOf(plan)
  if (planned.length === platforms.length && planned.every((each) => platforms.includes(each))) return
  const message = `it is for ${listOf(planned)}, and here ${listOf(platforms)} is built`
  const hint = `call it on an engine of ${listOf(planned)}, or leave --plan out`
  throw new InputError([{ location: atOption("--plan"), message, hint }])
}

function whereItFits({ commit }: Plan): string {
  const options = "with the same --set and --registry"
  return commit === undefined ? `call it ${options}` : `check out ${commit} and call it ${options}`
}
