import type { Directory, File, Secret } from "@dagger.io/dagger"
import { InputError, atOption } from "../problems.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import { givenIds } from "../engine/buildSecrets.js"
import type { CallRequest, Publishing } from "../report/report.js"
import { listOption, secretOptions, shellCommand } from "../text/shell.js"

export type { CallRequest } from "../report/report.js"

/** Steps that run at once where nobody says how many: `docs/benchmarks.md` has what fewer cost, even on two cores. */
export const stepsAtOnce = 4

/** Where images are published, and as whom, as given on the command line. */
export interface RegistryOptionsOfCall {
  readonly source: Directory
  /** `host[:port]/organisation` instead of those of the spec. */
  readonly registry?: string | undefined
  readonly registryUsername?: string | undefined
  readonly registryPassword?: Secret | undefined
}

/** What a caller asks of a run, as given on the command line. */
export interface StackRequest extends RegistryOptionsOfCall {
  /** Images to build; empty for all. */
  readonly only: readonly string[]
  /** Platforms to build for; empty for all of the spec. */
  readonly platforms: readonly string[]
  /** `image.ARG=value` */
  readonly set: readonly string[]
  readonly secrets: BuildSecrets
  readonly publishing: Publishing
  readonly branch?: string | undefined
  readonly base?: string | undefined
  readonly previous?: string | undefined
  readonly pullRequestTitle?: string | undefined
  /** Address of the source's repository; a login in it goes no further. */
  readonly origin?: string | undefined
  /** Branch that a pull request goes into, to tell what changes against its published images. */
  readonly target?: string | undefined
  readonly fullRebuild: boolean
  /** Steps that run at once. */
  readonly parallel: number
  /** A plan document to repeat instead of making one. */
  readonly plan?: string | undefined
  /** Signs what the run says of its images. */
  readonly signingKey?: Secret | undefined
  /** What is known of vulnerabilities, by which the run's images are judged before their tags move. */
  readonly vulnerabilityDatabase?: File | undefined
  /** Image of grype; the spec's where not given. */
  readonly scanner?: string | undefined
}

/** The options that decide what a run writes to the registry. */
export interface PublishOptions {
  readonly publish: boolean
  readonly publishEach: boolean
  readonly candidatesOnly: boolean
}

/** What they ask for together. @throws InputError where they contradict each other */
export function publishingOf({ publish, publishEach, candidatesOnly }: PublishOptions): Publishing {
  if (candidatesOnly && !publish) {
    throw wrongOption("--candidates-only", "candidates are pushed, and nothing may be", "add --publish")
  }
  if (candidatesOnly && publishEach) {
    throw wrongOption(
      "--candidates-only",
      "no tag moves with it, and --publish-each moves them",
      "leave one out",
    )
  }
  if (!publish) return "nothing"
  if (candidatesOnly) return "candidates"
  return publishEach ? "each" : "together"
}

function wrongOption(option: string, message: string, hint: string): InputError {
  return new InputError([{ location: atOption(option), message, hint }])
}

const mostStepsAtOnce = 1000

/** @throws InputError naming each option whose value is out of its range; nothing was begun then */
export function checkRange({ parallel, base, previous }: StackRequest): void {
  const isCount = Number.isInteger(parallel) && parallel >= 1 && parallel <= mostStepsAtOnce
  const count = { location: atOption("--parallel"), message: `${parallel} is not accepted` }
  const revisions = Object.entries({ "--base": base, "--previous": previous }).flatMap(([option, value]) => {
    if (value === undefined || isRevision(value)) return []
    const message = `${JSON.stringify(value.slice(0, 140))} is not accepted`
    return [{ location: atOption(option), message, hint: "a branch, a tag or a commit" }]
  })
  const problems = [
    ...(isCount ? [] : [{ ...count, hint: `a whole number from 1 to ${mostStepsAtOnce}` }]),
    ...revisions,
  ]
  if (problems.length > 0) throw new InputError(problems)
}

/** Whether git could know it: `git check-ref-format`, with room for `main~2` and the like. */
function isRevision(text: string): boolean {
  return text.length <= 1000 && /^[^-\s\p{Cc}][^\s\p{Cc}]*$/u.test(text)
}

/** Options of a run that change what is built and tested, for repeating it; nothing secret, nothing that publishes. */
export function callRequest(request: StackRequest): CallRequest {
  const { only, platforms, set, registry, branch, base, fullRebuild, secrets } = request
  const options = [
    ...only.map((name) => listOption("only", name)),
    ...platforms.map((platform) => listOption("platform", platform)),
    ...set.map((setting) => listOption("set", setting)),
    ...(branch === undefined ? [] : [`--branch=${branch}`]),
    ...(base === undefined ? [] : [`--base=${base}`]),
    ...(registry === undefined ? [] : [`--registry=${registry}`]),
    ...(fullRebuild ? ["--full-rebuild"] : []),
  ]
  return { function: "build-stack", arguments: options, ...secretsOf(secrets) }
}

/** What a report tells of the secrets of a call. */
export function secretsOf(secrets: BuildSecrets): Pick<CallRequest, "secrets"> {
  const ids = [...givenIds(secrets)]
  return ids.length === 0 ? {} : { secrets: ids }
}

/** The command that does the same on a laptop, in a checkout of the same commit. */
export function reproduceCommand({ function: name, arguments: options, secrets }: CallRequest): string {
  return shellCommand(["./stack", name, "--source=.", ...options, ...secretOptions(secrets)])
}
