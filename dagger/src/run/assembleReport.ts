import type { GitFacts } from "../git/gitFacts.js"
import type { Plan } from "../plan/planDocument.js"
import type {
  CallRequest,
  ImageReport,
  Publishing,
  RetryNote,
  SourceFacts,
  StackReport,
} from "../report/report.js"
import { formatReference } from "../reference/reference.js"
import { cleanDocument } from "../text/cleanText.js"
import { logPaths } from "./artifacts.js"
import type { EndedImage } from "./execution.js"
import { reproduceCommand } from "../gather/request.js"

/** What a report is made of besides the images. */
export interface RunFacts {
  readonly request: CallRequest
  readonly plan: Pick<Plan, "branch" | "tag" | "platform" | "skippedByRequest">
  readonly git: GitFacts
  readonly imagesDirectory: string
  readonly publishing: Publishing
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly notices: readonly string[]
  readonly retries: readonly RetryNote[]
}

/** The report of a run that has ended now; what images, builds and git say in it is clean text. */
export function assembleReport(facts: RunFacts, images: readonly EndedImage[]): StackReport {
  const { request, plan, git, imagesDirectory, publishing, startedAt, notices, retries } = facts
  const { branch, tag, platform, skippedByRequest } = plan
  const clean = cleanDocument({
    version: 1 as const,
    ...(skippedByRequest !== undefined && { skippedByRequest }),
    source: sourceFacts(git, branch),
    imagesDirectory,
    tag,
    platform,
    publish: publishing !== "nothing",
    ...(publishing === "candidates" && { candidatesOnly: true as const }),
    startedAt,
    milliseconds: Date.now() - startedAt,
    images: images.map((image) => imageReport(image, tag)),
    notices,
    retries,
  })
  // What the caller wrote is repeated to the letter: a call that is cleaned would be another one.
  return { ...clean, request, reproduce: reproduceCommand(request) }
}

function sourceFacts({ head, dirty, untracked }: GitFacts, branch: string): SourceFacts {
  const uncommitted = { branch, dirty: dirty.length + untracked.length > 0 }
  if (head === undefined) return uncommitted
  return { ...uncommitted, commit: head.sha, message: head.message, committedAt: head.committerTime }
}

function imageReport(image: EndedImage, tag: string): ImageReport {
  const { job, record, outcome, digest, published } = image
  const { unpackedBytes } = record.outside
  return {
    name: job.name,
    action: job.action,
    reasons: job.reasons,
    outcome,
    reference: formatReference({ ...job.repository, tag }),
    ...(digest !== undefined && { digest }),
    published,
    inputKey: job.inputKey,
    ...(unpackedBytes !== undefined && { unpackedBytes }),
    steps: record.steps,
    suites: record.suites.map(({ kind, run, earlier = [] }) => ({
      kind,
      run,
      ...(earlier.length > 0 && { earlier }),
    })),
    notices: record.notices,
    logs: logPaths(image),
  }
}
