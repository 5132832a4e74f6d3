import { InputError, atOption } from "../problems.js"
import type { Publishing } from "../report/report.js"
import type { Spec } from "../spec/spec.js"
import { listOf } from "../text/format.js"
import type { ChosenPlatform } from "../engine/platform.js"
import type { Plan, Step } from "../plan/planDocument.js"

/**
 * The platforms that a call is for: those that it names, else all of the stack, in the order of the spec.
 * @throws InputError where one is none of the stack's
 */
export function namedPlatforms(
  { platforms }: Pick<Spec, "platforms">,
  named: readonly string[],
): readonly string[] {
  refuseOthers(named, platforms, "the stack")
  return named.length === 0 ? platforms : platforms.filter((each) => named.includes(each))
}

/** @throws InputError where a call about an image names a platform that the image is not for */
export function requirePlatformOf(
  image: string,
  platforms: readonly string[],
  named: string | undefined,
): void {
  refuseOthers(named === undefined ? [] : [named], platforms, image)
}

function refuseOthers(named: readonly string[], known: readonly string[], whose: string): void {
  const wrong = named.filter((each) => !known.includes(each))
  if (wrong.length === 0) return
  throw new InputError(
    wrong.map((each) => ({
      location: atOption("--platform"),
      message: `${JSON.stringify(each)} is no platform of ${whose}`,
      hint: `its platforms: ${listOf(known)}`,
    })),
  )
}

/**
 * Refuses to move tags to images that lack a platform: they would be gone for those who use it.
 * @throws InputError
 */
export function refusePartialTags(
  { platforms }: Pick<Spec, "platforms">,
  built: readonly string[],
  publishing: Publishing,
): void {
  if (publishing === "nothing" || publishing === "candidates") return
  const missing = platforms.filter((each) => !built.includes(each))
  if (missing.length === 0) return
  const message = `the tags of this run would lose ${listOf(missing)}`
  const hint = "add --candidates-only here, and publish all platforms together by a run without --platform"
  throw new InputError([{ location: atOption("--platform"), message, hint }])
}

/**
 * Refuses a plan that needs what this engine cannot do: of a platform that it cannot run all has to be built and tested
 * elsewhere before.
 * @param plan of that platform
 * @throws InputError naming every image that is missing
 */
export function requireBuiltElsewhere(plan: Plan, { platform, unable }: ChosenPlatform): void {
  if (unable === undefined) return
  const missing = plan.steps.filter(({ action }) => action === "build" || action === "retest")
  if (missing.length === 0) return
  const problems = missing.map((step) => ({
    location: atOption("--publish"),
    message: `${step.image} is ${stateOf(step, platform)}, and ${unable}`,
    hint: isBelieved(step)
      ? `call build-stack --publish --candidates-only --platform=${platform} on an engine of ${platform} first`
      : `publish main from an engine that builds for all platforms, or let it believe signers: "trust" instead of "trust_registry: false"`,
  }))
  throw new InputError(problems)
}

function stateOf(step: Step, platform: string): string {
  if (!isBelieved(step)) return `built on main itself for ${platform} (trust_registry: false)`
  return `${step.action === "build" ? "not built" : "not tested"} for ${platform} yet`
}

/** Whether what another run has left in the registry would be taken for it. */
function isBelieved({ reasons }: Step): boolean {
  return !reasons.some(({ kind }) => kind === "registry-not-trusted")
}
