import { hashOf } from "./inputKey.js"
import type { Action, Plan, Reason, Step } from "./planDocument.js"
import { publishedIn } from "./planDocument.js"

/**
 * The plans of several platforms as one document, image by image. Of one platform it is that plan, to the byte.
 * @param plans of one run, each for another platform; at least one
 * @param order names of all images, parents before children
 * @throws RangeError where there is none
 */
export function joinPlans(plans: readonly Plan[], order: readonly string[]): Plan {
  const [first, ...others] = plans
  if (first === undefined) throw new RangeError("a run is for one platform at least")
  if (others.length === 0) return first
  const steps = order.flatMap((name) =>
    plans.flatMap(({ platform, steps: own }) =>
      own.flatMap((step) => (step.image === name ? [{ ...step, platform }] : [])),
    ),
  )
  const changed = new Set(plans.flatMap(({ imagesChanged }) => imagesChanged))
  return {
    ...first,
    platforms: plans.map(({ platform }) => platform),
    imagesChanged: order.filter((name) => changed.has(name)),
    bases: joinedBases(plans),
    steps,
    notices: [...new Set(plans.flatMap(({ notices }) => notices))],
  }
}

/** What a plan says of one of its platforms: the plan of a run for that one alone. */
export function planForPlatform(plan: Plan, platform: string): Plan {
  const { platforms, ...own } = plan
  if (platforms === undefined) return plan
  const isOwn = (each: { readonly platform?: string | undefined }): boolean =>
    each.platform === undefined || each.platform === platform
  return {
    ...own,
    platform,
    bases: plan.bases?.filter(isOwn).map(({ reference, digest }) => ({ reference, digest })),
    steps: plan.steps.filter(isOwn).map((step) => ({ ...step, platform: undefined })),
  }
}

/** What a plan is for: one platform, or each of several. */
export function platformsOf({ platform, platforms = [platform] }: Plan): readonly string[] {
  return platforms
}

/** What a base stands for is said once where it is the same everywhere: an index, most often. */
function joinedBases(plans: readonly Plan[]): NonNullable<Plan["bases"]> {
  const all = plans.flatMap(({ platform, bases = [] }) => bases.map((base) => ({ ...base, platform })))
  const seen = new Set<string>()
  return all.flatMap(({ platform, reference, digest }) => {
    const same = all.filter((other) => other.reference === reference && other.digest === digest)
    if (same.length < plans.length) return [{ reference, digest, platform }]
    if (seen.has(reference)) return []
    seen.add(reference)
    return [{ reference, digest }]
  })
}

/** The steps of one image that say the same, for a table: of a stack of one platform each is by itself. */
export interface SameSteps {
  /** None in a plan of one platform. */
  readonly platforms: readonly string[]
  /** At least one, in the order of the platforms. */
  readonly steps: readonly [Step, ...Step[]]
}

/** The steps of a plan, with those of one image together whose action and reasons are the same. */
export function sameSteps({ steps }: Plan): readonly SameSteps[] {
  const found = new Map<string, SameSteps>()
  for (const step of steps) {
    const platforms = step.platform === undefined ? [] : [step.platform]
    const key = JSON.stringify([step.image, step.action, step.reasons.map(comparedReason)])
    const before = found.get(key)
    const all: SameSteps["steps"] = before === undefined ? [step] : [...before.steps, step]
    found.set(key, { platforms: [...(before?.platforms ?? []), ...platforms], steps: all })
  }
  return [...found.values()]
}

/** A reason without what is another one on each platform: keys, and tags that are made of them. */
function comparedReason(reason: Reason): unknown {
  return reason.kind === "no-image-with-key" || reason.kind === "tests-passed" ? reason.kind : reason
}

/**
 * The published index that all platforms of an image are in already: nothing has to be joined anew.
 * @returns its digest; none where a platform is built, or they are in several
 */
export function publishedIndex(steps: readonly Step[]): string | undefined {
  const indexes = new Set(steps.map((step) => publishedIn(step)?.index))
  const [index] = indexes
  return indexes.size === 1 && steps.length > 1 ? index : undefined
}

/** What is done for an image in all: the most that is done for one of its platforms. */
export function joinedAction(actions: readonly Action[]): Action {
  const most: readonly Action[] = ["build", "retest", "retag", "reuse", "skip"]
  return most.find((action) => actions.includes(action)) ?? "skip"
}

/** A key for what an image is on all of its platforms, made of their input keys. */
export function joinedKey(keys: readonly string[]): string {
  const [only, ...others] = keys
  return only !== undefined && others.length === 0 ? only : hashOf(["joined-key/1", keys])
}
