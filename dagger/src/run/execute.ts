import { getTracer } from "@dagger.io/dagger/telemetry"
import { folderTag, passedTag } from "../plan/facts.js"
import { formatReference } from "../reference/reference.js"
import type { TagMove, TagStore, TagWriter } from "../registry/moveTag.js"
import { putTagBack } from "../registry/moveTag.js"
import { describeOutcome, isFailedOutcome } from "../report/report.js"
import { isPass, noneSelected, whyUnproved } from "../testing/testRun.js"
import { Limiter } from "../async/limiter.js"
import { listOf, shortDigest } from "../text/format.js"
import { startInOrder, urgencies } from "../tree/schedule.js"
import { buildImage, labelled } from "./buildImage.js"
import { checkFailed, checkImage, checkServer, hasServerTests } from "./checkImage.js"
import { engineMessage } from "../engine/engineError.js"
import type { Execution, ImageJob, ImageState } from "./execution.js"
import { ImageJournal, inFront } from "./journal.js"
import { Progress } from "./progress.js"
import { publishFailed, pushCandidate } from "./publishImage.js"
import { StepCounts } from "../engine/stepCounts.js"
import { ownSession } from "../engine/telemetry.js"

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
      check(run, state, tags, new Turns(limiter, urgent.get(name)?.check)),
    )
    progress.end()
    return checked
  })
  const states = await Promise.all(checks.values())
  if (!movesTags(run)) return states
  const tagged = await (run.publishing === "together" ? tagTogether : tagEach)(run, states, tags)
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
  const nothing = { published: false, proved: [], passed: [], probes: new Map(), suites: [] }
  const state = { job, journal, ...nothing, notices: job.notices }
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
async function check(run: Execution, state: ImageState, tags: TagStore, turns: Turns): Promise<ImageState> {
  const { container } = state
  if (container === undefined) return state
  const known = await withProved(state, tags)
  let now = known
  for (const step of checkSteps(run, known, container, turns)) {
    if (now.outcome !== undefined) return now
    const before = now
    // Here, and not where the whole check is guarded: what the steps before have found out is kept.
    now = await turns.wait(() => step(before).catch((error: unknown) => checkFailed(before, error)))
  }
  if (now.outcome !== undefined) return now
  const passed = await rememberPass(run, { ...now, outcome: finalOutcome(run, now) }, tags.write)
  return run.publishing === "each" ? tagImage(run, passed, tags.write) : passed
}

/** Only what there is to do: a step that does nothing would still wait for its turn, and with it the image's children. */
function checkSteps(
  run: Execution,
  state: ImageState,
  container: NonNullable<ImageState["container"]>,
  turns: Turns,
): readonly ((state: ImageState) => Promise<ImageState>)[] {
  const { digest, job } = state
  const pushed = run.publishing !== "nothing" && digest === undefined
  return [
    (now) => checkImage(run, now, container, (tasks) => turns.share(tasks)),
    ...(pushed ? [(now: ImageState) => pushCandidate(now, labelled(container, job))] : []),
    ...(hasServerTests(state) ? [(now: ImageState) => checkServer(run, now, container)] : []),
  ]
}

/**
 * What the registry knows of the folders of tests of a published image. Only where it has this source's content, and
 * names this image: then those that passed need not run again.
 */
async function withProved(state: ImageState, { read }: TagStore): Promise<ImageState> {
  const { job, digest } = state
  if (job.action !== "retest" || !job.hasSameContent || digest === undefined) return state
  const { basic, integration } = job.folders
  const found = await Promise.all(
    folderTags(state, [...basic, ...integration]).map(async ({ folder, tag }) => {
      // Who cannot be asked has proved nothing.
      const named = await read(job.repository, tag).catch(() => undefined)
      return named === digest ? [folder] : []
    }),
  )
  const proved = found.flat()
  if (proved.length === 0) return state
  const notice = `passed in an earlier run, by the word of the registry: ${listOf(proved)}`
  state.journal.say(notice)
  return { ...state, proved, notices: [...state.notices, notice] }
}

/** Tags that tell of the pass of single folders. Where there is one folder, the image's own tells it. */
function folderTags(
  { job }: ImageState,
  folders: readonly string[],
): readonly { readonly folder: string; readonly tag: string }[] {
  if (job.folderKeys.size < 2) return []
  return folders.flatMap((folder) => {
    const key = job.folderKeys.get(folder)
    return key === undefined ? [] : [{ folder, tag: folderTag(job.inputKey, key) }]
  })
}

/** Tags what passed with its keys, so that no later run tests the same image with the same tests again. */
async function rememberPass(run: Execution, state: ImageState, writeTag: TagWriter): Promise<ImageState> {
  const { digest, job, outcome } = state
  // An image that nothing was proved of is tagged, but never remembered as passed.
  if (run.publishing === "nothing" || digest === undefined || outcome?.kind !== "passed") return state
  try {
    await Promise.all(folderTags(state, state.passed).map(({ tag }) => writeTag(job.repository, digest, tag)))
    await writeTag(job.repository, digest, passedTag(job.inputKey, job.testKey))
    return state
  } catch (error) {
    return publishFailed(state, "the registry does not take tags", error)
  }
}

function finalOutcome(
  { limits }: Execution,
  { suites, job, proved }: ImageState,
): NonNullable<ImageState["outcome"]> {
  if (limits.filter !== "" && suites.every(({ run }) => run.tests.length === 0))
    return { kind: "tests-failed", reason: noneSelected(limits.filter) }

  if (job.folders.serverUntested)
    return { kind: "untested", reason: "its server has no tests, though the spec asks for them" }
  const tests = suites.flatMap(({ run }) => run.tests)
  if (tests.some(isPass) || proved.length > 0) return { kind: "passed" }
  return { kind: "untested", reason: suites.length === 0 ? "it has no tests" : whyUnproved(tests) }
}

/** Tags each image that has its digest and is not tagged yet, whatever becomes of the others. */
function tagEach(
  run: Execution,
  states: readonly ImageState[],
  { write }: TagStore,
): Promise<readonly ImageState[]> {
  return Promise.all(states.map((state) => tagImage(run, state, write)))
}

/** Moves the tags of a run: all of them, or, where a registry refuses one, none. */
async function tagTogether(
  run: Execution,
  states: readonly ImageState[],
  tags: TagStore,
): Promise<readonly ImageState[]> {
  if (states.some(isFailure)) return states.map((state) => leftUntagged(run, state, "another image failed"))
  const asked = await Promise.all(states.map((state) => askTag(run, state, tags)))
  const ready = asked.map(({ state }) => state)
  const refused = "the registry has refused another one"
  if (ready.some(isFailure)) return ready.map((state) => leftUntagged(run, state, refused))
  const tagged = await tagEach(run, ready, tags)
  if (!tagged.some(isFailure)) return tagged
  return Promise.all(tagged.map((state, index) => untag(run, state, asked[index]?.move, tags, refused)))
}

/** An image before its tag moves. */
interface AskedTag {
  readonly state: ImageState
  /** Absent where no tag of it is to move. */
  readonly move?: TagMove
}

async function askTag({ tag }: Execution, state: ImageState, { read }: TagStore): Promise<AskedTag> {
  const { digest, job, published } = state
  if (digest === undefined || published) return { state }
  try {
    const previous = await read(job.repository, tag)
    return { state, move: { repository: job.repository, tag, previous, next: digest } }
  } catch (error) {
    return { state: publishFailed(state, formatReference({ ...job.repository, tag }), error) }
  }
}

/** Puts the tag of an image back, also where its own write failed: the answer alone may have been lost. */
async function untag(
  run: Execution,
  state: ImageState,
  move: TagMove | undefined,
  tags: TagStore,
  why: string,
): Promise<ImageState> {
  if (move === undefined) return state
  const reference = formatReference({ ...move.repository, tag: move.tag })
  try {
    const end = await putTagBack(move, tags)
    // What was written and is not there is told by whoever looks at the tags at last.
    if (end === "same" || (end === "elsewhere" && state.published)) return state
    if (end !== "new") return leftUntagged(run, { ...state, published: false }, why)
    const notice = `${reference} is new and stays, because taking a tag away may delete the image`
    return { ...state, notices: [...state.notices, notice] }
  } catch (error) {
    return publishFailed(state, `${reference}, putting it back to what it named before`, error)
  }
}

/** The tags of a run move together: this one's stays where it was, and says so. */
function leftUntagged(run: Execution, state: ImageState, why: string): ImageState {
  if (state.digest === undefined || state.published || isFailure(state)) return state
  const reason = `not tagged ${run.tag}: the tags of a run move together, and ${why}`
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
