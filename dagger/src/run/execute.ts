import { getTracer } from "@dagger.io/dagger/telemetry"
import { passedTag } from "../plan/facts.js"
import type { Repository } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import { describeOutcome, isFailedOutcome } from "../report/report.js"
import { isPass, noneSelected, whyUnproved } from "../testing/testRun.js"
import { shortDigest } from "../text/format.js"
import { Limiter, startInOrder, urgencies } from "../tree/schedule.js"
import { buildImage, labelled } from "./buildImage.js"
import { checkFailed, checkImage, checkServer, hasServerTests } from "./checkImage.js"
import { engineMessage } from "./engineError.js"
import type { Execution, ImageJob, ImageState } from "./execution.js"
import { ImageJournal, inFront } from "./journal.js"
import { Progress } from "./progress.js"
import { publishFailed, pushCandidate } from "./publishImage.js"
import { StepCounts } from "./stepCounts.js"
import { ownSession } from "./telemetry.js"

/**
 * Puts a tag on a published image, by digest; nothing of the image moves.
 * @throws Error where the registry refuses or cannot be reached
 */
export type TagWriter = (repository: Repository, digest: string, tag: string) => Promise<void>

/** Tags of published images. */
export interface TagStore {
  readonly write: TagWriter
  /** Digest that a tag names now, where there is one. @throws Error where the registry cannot be asked */
  readonly read: (repository: Repository, tag: string) => Promise<string | undefined>
}

/**
 * Carries out a run: builds, tests, publishes and tags. Never throws for what happens to an image: that is in its
 * state. A parent's tests run beside its children's builds; a child is tested when its parent has passed.
 */
export async function execute(run: Execution, tags: TagStore): Promise<readonly ImageState[]> {
  const echo = (line: string) => {
    console.log(line)
  }
  const progress = new Progress(run.jobs.length, echo, new StepCounts(ownSession()))
  return progress.watched(() => carryOut(run, tags, progress))
}

async function carryOut(run: Execution, tags: TagStore, progress: Progress): Promise<readonly ImageState[]> {
  const writeTag = tags.write
  const limiter = new Limiter(run.parallel)
  const order = run.jobs.map((job) => job.name)
  const jobs = new Map(run.jobs.map((job) => [job.name, job]))
  const parentsOf = (name: string) => jobs.get(name)?.parents ?? []
  const urgent = urgencies(order, parentsOf)
  const builds = startInOrder<ImageState>(order, parentsOf, (name, parents) =>
    guarded("build", startState(run, jobs, name, progress), parents, (state) =>
      limiter.run(() => buildImage(run, state), urgent.get(name)?.build),
    ),
  )
  const checks = startInOrder<ImageState>(order, parentsOf, async (name, parents) => {
    const built = (await builds.get(name)) ?? startState(run, jobs, name, progress)
    const checked = await guarded("check", built, parents, (state) =>
      check(run, state, writeTag, (step) => limiter.run(step, urgent.get(name)?.check)),
    )
    progress.end()
    return checked
  })
  const states = await Promise.all(checks.values())
  if (!movesTags(run)) return states
  if (run.publishing === "together" && states.some(isFailure))
    return states.map((state) => leftUntagged(run, state))
  const tagged = await Promise.all(states.map((state) => tagImage(run, state, writeTag)))
  // Not before all of them are written: a run beside this one may write its own in between.
  return Promise.all(tagged.map((state) => verifyTag(run, state, tags)))
}

function startState(
  run: Execution,
  jobs: ReadonlyMap<string, ImageJob>,
  name: string,
  progress: Progress,
): ImageState {
  const job = jobs.get(name)
  if (job === undefined) throw new Error(`no job for ${name}`)
  const journal = new ImageJournal(name, progress)
  const state = { job, journal, published: false, probes: new Map(), suites: [], notices: job.notices }
  if (job.action === "retag" && job.known !== undefined && !movesTags(run)) {
    const later = run.publishing === "candidates" ? "its tag is left to a later run" : "nothing is published"
    const reason = `${job.known.reference} is the same, and ${later}`
    return { ...state, outcome: { kind: "not-needed", reason }, ...knownDigest(job) }
  }
  if (job.action === "skip")
    return { ...state, outcome: { kind: "not-needed", reason: job.reasons.join("; ") } }
  if (job.action === "reuse" && job.known !== undefined) {
    return { ...state, outcome: { kind: "reused" }, ...knownDigest(job), published: true }
  }
  if (job.action === "retag" && job.known !== undefined) {
    return { ...state, outcome: { kind: "retagged" }, ...knownDigest(job) }
  }
  return state
}

function knownDigest({ known }: ImageJob): Pick<ImageState, "digest"> {
  return known?.digest === undefined ? {} : { digest: known.digest }
}

function movesTags({ publishing }: Execution): boolean {
  return publishing === "each" || publishing === "together"
}

/** Carries a failed image out of its span: only an error makes a span red for those who watch. */
class FailedStep extends Error {
  constructor(readonly state: ImageState) {
    super(state.outcome === undefined ? "" : describeOutcome(state.outcome))
  }
}

/** Runs a step of an image unless its way has ended or a parent failed; spans show where time goes. */
async function guarded(
  phase: "build" | "check",
  state: ImageState,
  parents: readonly ImageState[],
  step: (state: ImageState) => Promise<ImageState>,
): Promise<ImageState> {
  const failed = parents.find((parent) => isFailure(parent))
  if (failed !== undefined && !isSpared(state)) return skippedBecauseOf(state, failed)
  if (state.outcome !== undefined) return state
  try {
    return await getTracer().startActiveSpan(
      `${state.job.name}: ${phase}`,
      async () => {
        const now = await step(state)
        if (isFailure(now)) throw new FailedStep(now)
        return now
      },
      inFront,
    )
  } catch (error) {
    if (error instanceof FailedStep) return error.state
    if (phase === "check" || state.job.action !== "build") return checkFailed(state, error)
    const message = engineMessage(error)
    state.journal.keep(message)
    return { ...state, outcome: { kind: "build-failed", message } }
  }
}

/** Whether a parent's failure is nothing to an image: it stays as it is, or nobody asked for it. */
function isSpared({ outcome }: ImageState): boolean {
  return outcome?.kind === "reused" || outcome?.kind === "not-needed"
}

function isFailure({ outcome }: ImageState): boolean {
  return outcome !== undefined && isFailedOutcome(outcome)
}

function skippedBecauseOf(state: ImageState, parent: ImageState): ImageState {
  if (state.outcome?.kind === "skipped") return state
  const because = parent.outcome?.kind === "skipped" ? parent.outcome.because : parent.job.name
  state.journal.say(`skipped: ${because} failed`)
  return { ...state, outcome: { kind: "skipped", because, reason: "failed" } }
}

/**
 * Everything after the build: tests before the candidate, the candidate before its server's tests, tags last.
 * @param inTurn runs a step when there is room for it
 */
async function check(
  run: Execution,
  state: ImageState,
  writeTag: TagWriter,
  inTurn: (step: () => Promise<ImageState>) => Promise<ImageState>,
): Promise<ImageState> {
  const { container } = state
  if (container === undefined) return state
  let now = state
  for (const step of checkSteps(run, state, container)) {
    if (now.outcome !== undefined) return now
    const before = now
    // Here, and not where the whole check is guarded: what the steps before have found out is kept.
    now = await inTurn(() => step(before).catch((error: unknown) => checkFailed(before, error)))
  }
  if (now.outcome !== undefined) return now
  const passed = await rememberPass(run, { ...now, outcome: finalOutcome(run, now) }, writeTag)
  return run.publishing === "each" ? tagImage(run, passed, writeTag) : passed
}

/** Only what there is to do: a step that does nothing would still wait for its turn, and with it the image's children. */
function checkSteps(
  run: Execution,
  { digest, job }: ImageState,
  container: NonNullable<ImageState["container"]>,
): readonly ((state: ImageState) => Promise<ImageState>)[] {
  const pushed = run.publishing !== "nothing" && digest === undefined
  return [
    (now) => checkImage(run, now, container),
    ...(pushed ? [(now: ImageState) => pushCandidate(now, labelled(container, job))] : []),
    ...(hasServerTests(job) ? [(now: ImageState) => checkServer(run, now, container)] : []),
  ]
}

/** Tags what passed with its keys, so that no later run tests the same image with the same tests again. */
async function rememberPass(run: Execution, state: ImageState, writeTag: TagWriter): Promise<ImageState> {
  const { digest, job, outcome } = state
  // An image that nothing was proved of is tagged, but never remembered as passed.
  if (run.publishing === "nothing" || digest === undefined || outcome?.kind !== "passed") return state
  try {
    await writeTag(job.repository, digest, passedTag(job.inputKey, job.testKey))
    return state
  } catch (error) {
    return publishFailed(state, "the registry does not take tags", error)
  }
}

function finalOutcome(
  { limits }: Execution,
  { suites, job }: ImageState,
): NonNullable<ImageState["outcome"]> {
  if (limits.filter !== "" && suites.every(({ run }) => run.tests.length === 0))
    return { kind: "tests-failed", reason: noneSelected(limits.filter) }

  if (job.folders.serverUntested)
    return { kind: "untested", reason: "its server has no tests, though the spec asks for them" }
  const tests = suites.flatMap(({ run }) => run.tests)
  if (tests.some(isPass)) return { kind: "passed" }
  return { kind: "untested", reason: suites.length === 0 ? "it has no tests" : whyUnproved(tests) }
}

/** The tags of a run move together: another image failed, so this one's stays where it was, and says so. */
function leftUntagged(run: Execution, state: ImageState): ImageState {
  if (state.digest === undefined || state.published || isFailure(state)) return state
  const reason = `not tagged ${run.tag}: the tags of a run move together, and another image failed`
  if (state.outcome?.kind === "retagged") return { ...state, outcome: { kind: "not-needed", reason } }
  return { ...state, notices: [...state.notices, reason] }
}

async function tagImage(run: Execution, state: ImageState, writeTag: TagWriter): Promise<ImageState> {
  const { digest, job, journal, published } = state
  if (digest === undefined || published || isFailure(state)) return state
  try {
    await journal.step("tag", () => writeTag(job.repository, digest, run.tag))
    return { ...state, published: true }
  } catch (error) {
    return publishFailed(state, formatReference({ ...job.repository, tag: run.tag }), error)
  }
}

/** Looks whether a tag of this run still names what it was put on: another run of the branch would mix the two sets. */
async function verifyTag(run: Execution, state: ImageState, tags: TagStore): Promise<ImageState> {
  const { digest, job, published } = state
  if (!published || digest === undefined || job.action === "reuse" || isFailure(state)) return state
  const reference = formatReference({ ...job.repository, tag: run.tag })
  const unsure = { ...state, published: false }
  try {
    const named = await tags.read(job.repository, run.tag)
    if (named === digest) return state
    const now = named === undefined ? "nothing" : shortDigest(named)
    const message = `it names ${now} and not ${shortDigest(digest)}, which this run has put there: another run has written it since, so publish again`
    return publishFailed(unsure, reference, new Error(message))
  } catch (error) {
    return publishFailed(unsure, reference, error)
  }
}
