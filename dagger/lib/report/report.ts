import type { TestRun } from "../testing/testRun.js"
import type { Review } from "../review/review.js"
import { plural } from "../text/format.js"
import type { ImageScan } from "../vulnerability/imageScan.js"
import { countTests } from "../testing/testRun.js"

/** What the plan said of an image. */
export type PlannedAction = "build" | "retest" | "retag" | "reuse" | "skip"

/**
 * What a run writes to the registry: nothing; what passes, as candidates whose tags another run moves; and the tags, of
 * each image as soon as it passes, as the old pipeline did, or of all images together at the end.
 */
export type Publishing = "nothing" | "candidates" | "each" | "together"

/** How one image ended. Each `message` is one sentence, or the output of what failed. */
export type ImageOutcome =
  /** Built or tested again, and every test passed. */
  | { readonly kind: "passed" }
  /** Built, and nothing was there to test it: never shown as passed. */
  | { readonly kind: "untested"; readonly reason: string }
  /** The published image is the one that would be built. */
  | { readonly kind: "reused" }
  /** A published image with the same inputs got this run's tag. */
  | { readonly kind: "retagged" }
  /** The plan had nothing to do for it. */
  | { readonly kind: "not-needed"; readonly reason: string }
  | { readonly kind: "build-failed"; readonly message: string }
  /** It could not be judged: neither its tests nor the image are known to be at fault. */
  | { readonly kind: "check-failed"; readonly message: string }
  | { readonly kind: "tests-failed"; readonly reason: string }
  | { readonly kind: "over-budget"; readonly message: string }
  /** What it prints for its further tags is no part of a tag. */
  | { readonly kind: "tag-failed"; readonly message: string }
  /** The spec's policy does not let the vulnerabilities pass that are known of what is in it. */
  | { readonly kind: "vulnerable"; readonly message: string }
  | { readonly kind: "publish-failed"; readonly message: string }
  /** Nothing wrong was found in it, but what it stands on failed. */
  | { readonly kind: "skipped"; readonly because: string; readonly reason: string }

/** A step of an image's way, for the times in the report. */
export interface TimedStep {
  readonly name: "build" | "tests" | "integration tests" | "inspect" | "publish" | "tag"
  /** Milliseconds since 1970, UTC. */
  readonly startedAt: number
  readonly milliseconds: number
}

/** The tests of one kind that ran for an image. */
export interface TestSuite {
  readonly kind: "basic" | "integration"
  readonly run: TestRun
  /** Folders of tests whose pass is that of an earlier run of the same image and the same tests. */
  readonly earlier?: readonly string[]
}

/** All that a run knows of one image. */
export interface ImageReport {
  readonly name: string
  readonly action: PlannedAction
  /** Why that action, in sentences. */
  readonly reasons: readonly string[]
  readonly outcome: ImageOutcome
  /** `repository:tag` that this run gives, or would give with `--publish`. */
  readonly reference: string
  /** Set for an image that is never published: `reference` is what others call it then. */
  readonly publish?: false
  /** Digest in the registry, where the run published or found the image there. */
  readonly digest?: string
  /** Whether `reference` points at `digest` at the end of the run. */
  readonly published: boolean
  /** Further tags that the run gave, as the repository has them. */
  readonly furtherTags?: readonly string[]
  /** Set where its tag stayed, because nobody whom the spec trusts has signed what is said of it. */
  readonly unsigned?: true
  readonly inputKey: string
  /** Bytes of the unpacked file system, as `du` counts them. */
  readonly unpackedBytes?: number
  readonly steps: readonly TimedStep[]
  readonly suites: readonly TestSuite[]
  /** What a scan for vulnerabilities says of it, where the run had a database. */
  readonly vulnerabilities?: ImageScan
  /** Things to know that failed nothing: dropped HEALTHCHECK, unused build arguments, a budget that is near. */
  readonly notices: readonly string[]
  /** Paths of its logs in the artifacts. */
  readonly logs: readonly string[]
  /** What it is on each platform, in a run of several: all above is then of them together. */
  readonly platforms?: readonly PlatformReport[]
}

/** All that a run knows of one image on one of several platforms. */
export interface PlatformReport extends Pick<
  ImageReport,
  | "action"
  | "reasons"
  | "outcome"
  | "digest"
  | "inputKey"
  | "unpackedBytes"
  | "steps"
  | "suites"
  | "vulnerabilities"
  | "notices"
  | "logs"
> {
  /** `linux/arm64` */
  readonly platform: string
  /** Whether the engine ran its programs by emulation. */
  readonly emulated: boolean
  /** What of its tests was to run: all, those for smoke tests, or none. */
  readonly tests: "full" | "smoke" | "none"
}

/** The commit that a run is of, as far as git could tell. */
export interface SourceFacts {
  readonly commit?: string
  readonly message?: string
  /** Committer's time, ISO 8601. */
  readonly committedAt?: string
  readonly branch: string
  /** Branch whose images go to production, where that is not main. */
  readonly mainBranch?: string
  /** Whether the working tree had changes that no commit holds. */
  readonly dirty: boolean
}

/** A request to a registry that was tried again. */
export interface RetryNote {
  readonly request: string
  readonly reason: string
  readonly waitMilliseconds: number
}

/** The call of a run, as far as it decides what is built and tested. */
export interface CallRequest {
  /** As the CLI names it: `build-stack`. */
  readonly function: string
  /** Options beside `--source`, without secrets. */
  readonly arguments: readonly string[]
  /** What Dockerfiles call the secrets that were given; absent where none was. */
  readonly secrets?: readonly string[]
}

/** report.json: one object that every report of a run is rendered from. */
export interface StackReport {
  readonly version: 1
  /** Set when the commit message or the pull request's title asked for no run. */
  readonly skippedByRequest?: string
  readonly source: SourceFacts
  /** Folder of the images, from the root of the source. */
  readonly imagesDirectory?: string
  /** `<prefix>-<branch>`. */
  readonly tag: string
  /** What its images are for: `linux/amd64`. Absent in reports of earlier versions. */
  readonly platform?: string
  /** Set where there are several; `platform` is the first one then. */
  readonly platforms?: readonly string[]
  /** Whether images were to be published. */
  readonly publish: boolean
  /** Set where what passed was only pushed, and its tags were left to another run. */
  readonly candidatesOnly?: true
  /** Milliseconds since 1970, UTC. */
  readonly startedAt: number
  readonly milliseconds: number
  readonly images: readonly ImageReport[]
  /** What changes in the images of the branch that the run is for, where one was named. */
  readonly review?: Review
  readonly notices: readonly string[]
  readonly retries: readonly RetryNote[]
  readonly request: CallRequest
  /** Command that does the same on a laptop; secrets are named by variables, which the caller fills. */
  readonly reproduce: string
}

const failures: ReadonlySet<ImageOutcome["kind"]> = new Set([
  "build-failed",
  "check-failed",
  "tests-failed",
  "over-budget",
  "tag-failed",
  "vulnerable",
  "publish-failed",
  "skipped",
])

/** Whether an outcome is another than was wanted. */
export function isFailedOutcome(outcome: ImageOutcome): boolean {
  return failures.has(outcome.kind)
}

/** Whether an image ended otherwise than it should. */
export function isFailed(image: ImageReport): boolean {
  return isFailedOutcome(image.outcome)
}

/** Whether everything that the run set out to do was done. */
export function isOk(report: StackReport): boolean {
  return !report.images.some(isFailed)
}

/** What happened to an image, in a few words for a table. */
export function describeOutcome(outcome: ImageOutcome): string {
  switch (outcome.kind) {
    case "passed":
      return "passed"
    case "untested":
      return `built, not tested: ${outcome.reason}`
    case "reused":
      return "reused"
    case "retagged":
      return "retagged"
    case "not-needed":
      return `not needed: ${outcome.reason}`
    case "build-failed":
      return "FAILED to build"
    case "check-failed":
      return "FAILED: it could not be checked"
    case "tests-failed":
      return `FAILED its tests: ${outcome.reason}`
    case "over-budget":
    case "tag-failed":
    case "vulnerable":
      return `FAILED: ${outcome.message}`
    case "publish-failed":
      return "FAILED to publish"
    case "skipped":
      return `skipped: ${outcome.because} ${outcome.reason}`
  }
}

/** "12 passed", "11 passed, 1 failed, 2 skipped": the tests of all suites of an image. */
export function describeTests(suites: readonly TestSuite[]): string {
  if (suites.length === 0) return "none"
  const { passed, failed, skipped, flaky } = countTests(suites.flatMap((suite) => suite.run.tests))
  const parts = [`${passed} passed`]
  if (failed > 0) parts.push(`${failed} failed`)
  if (skipped > 0) parts.push(`${skipped} skipped`)
  if (flaky > 0) parts.push(`${flaky} flaky`)
  return parts.join(", ")
}

/** Retries as sentences, those of one cause and host together: a registry that is away is one thing to know. */
export function describeRetries(retries: readonly RetryNote[]): readonly string[] {
  const groups = new Map<string, number>()
  for (const { request, reason } of retries) {
    const host = /\/\/([^/]+)/.exec(request)?.[1] ?? request
    const cause = `${host}: ${reason}`
    groups.set(cause, (groups.get(cause) ?? 0) + 1)
  }
  return [...groups].map(([cause, count]) => `${plural(count, "request")} tried again: ${cause}`)
}
