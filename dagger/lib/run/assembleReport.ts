import type { GitFacts } from "../git/gitFacts.js"
import type { Plan } from "../plan/planDocument.js"
import type {
  CallRequest,
  ImageReport,
  PlatformReport,
  Publishing,
  RetryNote,
  SourceFacts,
  StackReport,
} from "../report/report.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import type { Spec } from "../spec/spec.js"
import type { TagScheme } from "../tag/branchTag.js"
import { usualMainBranch } from "../tag/branchTag.js"
import { cleanDocument } from "../text/cleanText.js"
import { listOf } from "../text/format.js"
import { shellCommand } from "../text/shell.js"
import { logPaths } from "./artifacts.js"
import { joinedKey } from "../plan/platforms.js"
import type { EndedImage, PlatformEnd } from "./execution.js"
import { reproduceCommand } from "../gather/request.js"

/** What a report is made of besides the images. */
export interface RunFacts {
  readonly request: CallRequest
  readonly plan: Pick<Plan, "branch" | "tag" | "platform" | "platforms" | "skippedByRequest">
  readonly git: GitFacts
  readonly spec: Pick<Spec, "imagesDirectory" | "tags">
  readonly publishing: Publishing
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly notices: readonly string[]
  readonly retries: readonly RetryNote[]
}

/** The report of a run that has ended now; what images, builds and git say in it is clean text. */
export function assembleReport(facts: RunFacts, images: readonly EndedImage[]): StackReport {
  const { request, plan, git, spec, publishing, startedAt, notices, retries } = facts
  const { branch, tag, platform, platforms, skippedByRequest } = plan
  const clean = cleanDocument({
    version: 1 as const,
    ...(skippedByRequest !== undefined && { skippedByRequest }),
    source: sourceFacts(git, branch, spec.tags),
    imagesDirectory: spec.imagesDirectory,
    tag,
    platform,
    ...(platforms !== undefined && { platforms }),
    publish: publishing !== "nothing",
    ...(publishing === "candidates" && { candidatesOnly: true as const }),
    startedAt,
    milliseconds: Date.now() - startedAt,
    images: images.map((image) => imageReport(image, tag)),
    notices: [...notices, ...unsignedNotice(request, images)],
    retries,
  })
  // What the caller wrote is repeated to the letter: a call that is cleaned would be another one.
  return { ...clean, request, reproduce: reproduceCommand(request) }
}

/** What signs images whose tags stayed, and then moves these; what the run has left is enough for it. */
function unsignedNotice(
  { arguments: options }: CallRequest,
  images: readonly EndedImage[],
): readonly string[] {
  const names = images.flatMap(({ job, isUnsigned }) => (isUnsigned === true ? [job.name] : []))
  if (names.length === 0) return []
  const registry = options.filter((option) => option.startsWith("--registry="))
  const call = (...words: readonly string[]) => shellCommand(["./stack", ...words])
  const sign = call("attest", "--source=.", ...registry, "--artifacts=out", "--signing-key=env://SIGNING_KEY")
  const publish = call("build-stack", "--source=.", ...registry, "--publish")
  return [
    `the tags stay: the spec trusts signers, and none of them has signed ${listOf(names)}; with the artifacts of this run in out/, "${sign}" signs and "${publish}" moves the tags, and nothing is built again`,
  ]
}

/** The commit of a run, as far as git could tell. */
export function sourceFacts(
  { head, dirty, untracked }: GitFacts,
  branch: string,
  { mainBranch }: TagScheme,
): SourceFacts {
  const uncommitted = {
    branch,
    ...(mainBranch !== usualMainBranch && { mainBranch }),
    dirty: dirty.length + untracked.length > 0,
  }
  if (head === undefined) return uncommitted
  return { ...uncommitted, commit: head.sha, message: head.message, committedAt: head.committerTime }
}

function imageReport(image: EndedImage, tag: string): ImageReport {
  const { job, digest, published, furtherTags = [], isUnsigned, platforms } = image
  const { action, reasons, outcome, ...more } = knownOfImage(image)
  return {
    name: job.name,
    action,
    reasons,
    outcome,
    reference: formatReference(underTag(job.repository, tag)),
    ...(!job.isPublished && { publish: false as const }),
    ...(digest !== undefined && { digest }),
    published,
    ...(furtherTags.length > 0 && { furtherTags }),
    ...(isUnsigned === true && { unsigned: true as const }),
    ...more,
    ...(platforms !== undefined && joinedReport(image, platforms)),
  }
}

/** What is known of an image as of one of its platforms. */
function knownOfImage(
  image: EndedImage,
): Omit<ImageReport, "name" | "reference" | "publish" | "published" | "furtherTags"> {
  const { job, record, outcome, scan } = image
  const { unpackedBytes } = record.outside
  return {
    action: job.action,
    reasons: job.reasons,
    outcome,
    inputKey: job.inputKey,
    ...(unpackedBytes !== undefined && { unpackedBytes }),
    steps: record.steps,
    suites: record.suites.map(({ kind, run, earlier = [] }) => ({
      kind,
      run,
      ...(earlier.length > 0 && { earlier }),
    })),
    ...(scan !== undefined && { vulnerabilities: scan }),
    notices: record.notices,
    logs: logPaths(image),
  }
}

/** What an image is on all of its platforms, and on each. */
function joinedReport(
  { record }: EndedImage,
  ends: readonly PlatformEnd[],
): Pick<ImageReport, "inputKey" | "steps" | "suites" | "platforms"> {
  const platforms = ends.map(({ platform, isEmulated, tests, image }): PlatformReport => ({
    platform,
    emulated: isEmulated,
    tests,
    ...knownOfImage(image),
    ...(image.digest !== undefined && { digest: image.digest }),
  }))
  return {
    inputKey: joinedKey(platforms.map(({ inputKey }) => inputKey)),
    steps: [...platforms.flatMap(({ steps }) => steps), ...record.steps],
    suites: platforms.flatMap(({ suites }) => suites),
    platforms,
  }
}
