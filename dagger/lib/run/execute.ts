import { getTracer } from "@dagger.io/dagger/telemetry"
import { folderTag, passedTag } from "../plan/facts.js"
import type { PinnedReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { TagStore, TagWriter } from "../registry/moveTag.js"
import type { ImageOutcome } from "../report/report.js"
import { describeOutcome } from "../report/report.js"
import { isPass, noneSelected, whyUnproved } from "../testing/testRun.js"
import { Limiter } from "../async/limiter.js"
import { listOf } from "../text/format.js"
import { knownOf } from "../tree/knownOf.js"
import { startInOrder, urgencies } from "../tree/schedule.js"
import { buildImage } from "./buildImage.js"
import { checkFailed, checkImage, checkServer, hasServerTests, whyNoTests } from "./checkImage.js"
import { engineMessage } from "../engine/engineError.js"
import type { BuiltImage, EndedImage, Execution, ImageJob, ImageState, WaitingImage } from "./execution.js"
import { ended, hasFailed, jobLabel } from "./execution.js"
import { ImageRecord, inFront } from "./record.js"
import { Progress } from "./progress.js"
import { publishFailed, pushCandidate } from "./publishImage.js"
import { moveTags, movesTags, tagAtOnce } from "./runTags.js"
import { StepCounts } from "../engine/stepCounts.js"
import { ownSession } from "../engine/telemetry.js"

/** What is done about images that have ended, before their tags move: judging, signing. What must keep its tag says so. */
export type BeforeTags = (images: readonly EndedImage[]) => Promise<readonly EndedImage[]>

/**
 * Carries out a run: builds, tests, publishes and tags. Never throws for what happens to an image: that is in its
 * end. A parent's tests run beside its children's builds; a child is tested when its parent has passed.
 */
export async function execute(
  run: Execution,
  tags: TagStore,
  beforeTags: BeforeTags = (images) => Promise.resolve(images),
): Promise<readonly EndedImage[]> {
  return inTurns(run, run.jobs.length, async (progress, limiter) =>
    moveTags(run, await beforeTags(await runImages(run, tags, progress, limiter)), tags),
  )
}

/** Something that is followed, with the room that its steps share. @param images how many there are */
export function inTurns<T>(
  { parallel }: Pick<Execution, "parallel">,
  images: number,
  carryOut: (progress: Progress, limiter: Limiter) => Promise<T>,
): Promise<T> {
  const echo = (line: string) => {
    console.log(line)
  }
  const progress = new Progress(images, echo, new StepCounts(ownSession()))
  return progress.watched(() => carryOut(progress, new Limiter(parallel)))
}

/** Everything of a run but the tags that its images get together. */
export async function runImages(
  run: Execution,
  tags: TagStore,
  progress: Progress,
  limiter: Limiter,
): Promise<readonly EndedImage[]> {
  const order = run.jobs.map((job) => job.name)
  const jobs = new Map(run.jobs.map((job) => [job.name, job]))
  const parentsOf = (name: string) => jobs.get(name)?.parents ?? []
  const urgent = urgencies(order, parentsOf)
  const builds = startInOrder<BuiltImage | EndedImage>(order, parentsOf, (name, parents) =>
    guarded("build", startState(run, knownOf(jobs, name), progress), parents, (image) =>
      limiter.run(() => buildImage(run, image), urgent.get(name)?.build),
    ),
  )
  const checks = startInOrder<EndedImage>(order, parentsOf, async (name, parents) => {
    const checked = await guarded("check", await knownOf(builds, name), parents, (image) =>
      check(run, image, tags, new Turns(limiter, urgent.get(name)?.check)),
    )
    progress.end()
    return checked
  })
  return Promise.all(checks.values())
}

function startState(run: Execution, job: ImageJob, progress: Progress): WaitingImage | EndedImage {
  const record = new ImageRecord(jobLabel(job), progress, job.notices)
  const end = { kind: "ended", job, record, published: false } as const
  switch (job.action) {
    case "build":
    case "retest":
      return { kind: "waiting", job, record }
    case "skip":
      return { ...end, outcome: { kind: "not-needed", reason: job.reasons.join("; ") } }
    case "reuse":
      return { ...end, outcome: { kind: "reused" }, digest: job.published.digest, published: true }
    case "retag":
      return { ...end, outcome: retagged(run, job.published), digest: job.published.digest }
  }
}

function retagged(run: Execution, published: PinnedReference): ImageOutcome {
  if (movesTags(run)) return { kind: "retagged" }
  const later = run.publishing === "candidates" ? "its tag is left to a later run" : "nothing is published"
  return { kind: "not-needed", reason: `${formatReference(published)} is the same, and ${later}` }
}

/** Carries a failed image out of its span: only an error makes a span red for those who watch. */
class FailedStep extends Error {
  constructor(readonly image: EndedImage) {
    super(describeOutcome(image.outcome))
  }
}

/** Runs a phase of an image unless its way has ended or a parent failed; spans show where time goes. */
async function guarded<From extends WaitingImage | BuiltImage, To extends BuiltImage | EndedImage>(
  phase: "build" | "check",
  image: From | EndedImage,
  parents: readonly (BuiltImage | EndedImage)[],
  run: (image: From) => Promise<To | EndedImage>,
): Promise<To | EndedImage> {
  const failed = parents.find((parent) => hasFailed(parent))
  if (failed?.kind === "ended" && !isSpared(image)) return skippedBecauseOf(image, failed)
  if (image.kind === "ended") return image
  try {
    return await getTracer().startActiveSpan(
      `${jobLabel(image.job)}: ${phase}`,
      async () => {
        const now = await run(image)
        if (now.kind === "ended" && hasFailed(now)) throw new FailedStep(now)
        return now
      },
      inFront,
    )
  } catch (error) {
    if (error instanceof FailedStep) return error.image
    if (phase === "check" || image.job.action !== "build") return checkFailed(image, error)
    const message = engineMessage(error)
    image.record.keep(message)
    return ended(image, { kind: "build-failed", message })
  }
}

/** Whether a parent's failure is nothing to an image: it stays as it is, or nobody asked for it. */
function isSpared(image: ImageState): boolean {
  return image.kind === "ended" && ["reused", "not-needed"].includes(image.outcome.kind)
}

function skippedBecauseOf(image: ImageState, parent: EndedImage): EndedImage {
  if (image.kind === "ended" && image.outcome.kind === "skipped") return image
  const because = parent.outcome.kind === "skipped" ? parent.outcome.because : parent.job.name
  image.record.say(`skipped: ${because} failed`)
  const outcome = { kind: "skipped", because, reason: "failed" } as const
  return image.kind === "ended" ? { ...image, outcome } : ended(image, outcome)
}

/** The turns of one image's steps among those of all images. */
class Turns {
  constructor(
    private readonly limiter: Limiter,
    private readonly urgency: number | undefined,
  ) {}

  /** Runs a step when there is room for it. */
  wait<T>(step: () => Promise<T>): Promise<T> {
    return this.limiter.run(step, this.urgency)
  }

  /** Runs tasks of a step that has its turn, beside each other as far as there is room. */
  share<T>(tasks: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
    return this.limiter.share(tasks, this.urgency)
  }
}

/**
 * Everything after the build: tests before the candidate, the candidate before its server's tests, tags last.
 * @param turns runs steps when there is room for them
 */
async function check(run: Execution, built: BuiltImage, tags: TagStore, turns: Turns): Promise<EndedImage> {
  await recallPasses(built, tags)
  let image = built
  for (const step of checkSteps(run, built, turns)) {
    const before = image
    // Here, and not where the whole check is guarded: the digest of a candidate is kept.
    const now = await turns.wait(() => step(before).catch((error: unknown) => checkFailed(before, error)))
    if (now.kind === "ended") return now
    image = now
  }
  const checked = await rememberPass(run, ended(image, finalOutcome(run, image)), tags.write)
  return run.publishing === "each" ? tagAtOnce(run, checked, tags.write) : checked
}

/** Only what there is to do: a step that does nothing would still wait for its turn, and with it the image's children. */
function checkSteps(
  run: Execution,
  built: BuiltImage,
  turns: Turns,
): readonly ((image: BuiltImage) => Promise<BuiltImage | EndedImage>)[] {
  const { job } = built
  const isPushed = run.publishing !== "nothing" && job.action === "build" && job.isPublished
  return [
    (image) => checkImage(run, image, (tasks) => turns.share(tasks)),
    ...(isPushed ? [(image: BuiltImage) => pushCandidate(image, job)] : []),
    ...(hasServerTests(built) ? [(image: BuiltImage) => checkServer(run, image)] : []),
  ]
}

/**
 * Asks the registry which folders of tests a published image has passed: those need not run again. Only where the image
 * has this source's content, and the tag of the pass names it.
 */
async function recallPasses({ job, record }: BuiltImage, { read }: TagStore): Promise<void> {
  if (job.action !== "retest" || !job.hasSameContent) return
  const { basic, integration } = job.folders
  const found = await Promise.all(
    folderTags(job, [...basic, ...integration]).map(async ({ folder, tag }) => {
      // Who cannot be asked has proved nothing.
      const named = await read(job.repository, tag).catch(() => undefined)
      return named === job.published.digest ? [folder] : []
    }),
  )
  record.proved.push(...found.flat())
  if (record.proved.length === 0) return
  const notice = `passed in an earlier run, by the word of the registry: ${listOf(record.proved)}`
  record.say(notice)
  record.notices.push(notice)
}

/** Tags that tell of the pass of single folders. Where there is one folder, the image's own tells it. */
function folderTags(
  job: ImageJob,
  folders: readonly string[],
): readonly { readonly folder: string; readonly tag: string }[] {
  if (job.folderKeys.size < 2) return []
  return folders.flatMap((folder) => {
    const key = job.folderKeys.get(folder)
    return key === undefined ? [] : [{ folder, tag: folderTag(job.inputKey, key) }]
  })
}

/** Tags what passed with its keys, so that no later run tests the same image with the same tests again. */
async function rememberPass(run: Execution, image: EndedImage, writeTag: TagWriter): Promise<EndedImage> {
  const { digest, job, record, outcome } = image
  // An image that nothing was proved of is tagged, but never remembered as passed; where no test is wanted, that is kept.
  const isDone = outcome.kind === "passed" || (run.tests === "none" && outcome.kind === "untested")
  if (run.publishing === "nothing" || digest === undefined || !isDone) return image
  try {
    await Promise.all(folderTags(job, record.passed).map(({ tag }) => writeTag(job.repository, digest, tag)))
    await writeTag(job.repository, digest, passedTag(job.inputKey, job.testKey))
    return image
  } catch (error) {
    return publishFailed(image, "the registry does not take tags", error)
  }
}

function finalOutcome(run: Execution, { job, record }: BuiltImage): ImageOutcome {
  const { suites, proved } = record
  const { limits } = run
  if (run.tests === "full" && limits.filter !== "" && suites.every(({ run }) => run.tests.length === 0))
    return { kind: "tests-failed", reason: noneSelected(limits.filter) }
  if (job.folders.serverUntested)
    return { kind: "untested", reason: "its server has no tests, though the spec asks for them" }
  const tests = suites.flatMap(({ run }) => run.tests)
  if (tests.some(isPass) || proved.length > 0) return { kind: "passed" }
  return { kind: "untested", reason: suites.length === 0 ? whyNoTests(run) : whyUnproved(tests) }
}
