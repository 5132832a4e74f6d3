import type { TagForm } from "../tag/branchTag.js"
import type { Traffic } from "../registry/traffic.js"
import type { CheckedPair } from "../wiki/change.js"
import type { PageCheck } from "../wiki/pageCheck.js"
import { applyPromotion } from "./apply.js"
import { describeGate, gateProblems } from "./gate.js"
import type { GpuGate } from "./gate.js"
import { entryFor } from "./journal.js"
import { isThere, planPromotion } from "./plan.js"
import type { PromotionPlan, PromotionStamp } from "./plan.js"
import type { PromotedImage, PromotionContext, PromotionOutcome } from "./promotion.js"
import type { PromotionLine, PromotionReport } from "./report.js"
import { knownMessage, survey } from "./survey.js"
import type { Survey, SurveyedImage } from "./survey.js"
import type { TagPair } from "./tags.js"

/** What both promotions take. */
export interface PromotionRequest {
  /** The images of the tree, the first of which keeps the journal: always the same one. */
  readonly images: readonly PromotedImage[]
  /** Form of the stack's tags; that of quarters where not given. */
  readonly form?: TagForm | undefined
  /** Tells what would be done, and writes nothing. */
  readonly dryRun: boolean
  /** Digests by image, from an earlier look: an image that has moved since is not promoted. */
  readonly expected?: ReadonlyMap<string, string>
  /** Tells why images cannot be promoted as far as their manifest pages are concerned, and what would change. */
  readonly pages?: { check(images: readonly CheckedPair[]): Promise<PageCheck> } | undefined
  /** Tells which statements about images are missing; absent where the spec trusts no signers. */
  readonly evidence?: EvidenceCheck | undefined
}

/** Asks which statements about images are missing. @returns a sentence for each @throws RegistryError */
export interface EvidenceCheck {
  check(images: readonly EvidencedImage[], tags: TagPair): Promise<readonly string[]>
}

/** An image that is to be promoted. */
export interface EvidencedImage extends PromotedImage {
  readonly digest: string
}

/** A promotion as its verb has worked it out. */
export interface PromotionTask extends PromotionRequest {
  readonly verb: "tag-stable" | "tag-global-stable"
  readonly tags: TagPair
  readonly gate?: GpuGate
}

/** A context that may also tell what went over the wire. */
export interface MeteredContext extends PromotionContext {
  readonly traffic?: () => Traffic
}

/**
 * Gives a set of images another tag: all or none. Asks for everything first, decides, writes, checks. What goes wrong
 * is in the report.
 */
export function promote(task: PromotionTask, context: MeteredContext): Promise<PromotionReport> {
  return promoteBehind(task.gate, task, context)
}

/**
 * Looks at everything but the GPU test, and writes nothing: the outcome is `dry-run` where nothing else is in the way.
 * As a test takes long, the promotion asks the registry everything again, and expects the digests of this look.
 */
export function lookAhead(
  task: Omit<PromotionTask, "gate" | "dryRun" | "expected">,
  context: MeteredContext,
): Promise<PromotionReport> {
  return promoteBehind("pending", { ...task, dryRun: true }, context)
}

/** Digests by image that a look has found. */
export function digestsOf({ images }: PromotionReport): ReadonlyMap<string, string> {
  return new Map(
    images.flatMap(({ name, digest }) => (digest === undefined ? [] : [[name, digest] as const])),
  )
}

async function promoteBehind(
  gate: GpuGate | "pending" | undefined,
  task: PromotionRequest & Pick<PromotionTask, "verb" | "tags">,
  context: MeteredContext,
): Promise<PromotionReport> {
  const { images, tags, verb, dryRun } = task
  const stamp = stampOf(context)
  const found = await survey(context.store, images, tags)
  const { problems, differences } = await check(gate, task, found)
  const unproved = await evidenceProblems(task, found)
  const plan = planPromotion(found, tags.to, stamp, [...problems, ...unproved])
  const report = await writeSet({ verb, ...stamp, ...tags }, found.images, plan, dryRun, context)
  return {
    ...report,
    ...(gate !== undefined && { gate: describeGate(gate) }),
    ...(plan.kind === "write" && differences !== undefined && { differences }),
  }
}

/** Writes what a plan says, unless it is a dry run, and reports it. */
export async function writeSet(
  head: Pick<PromotionReport, "verb" | "id" | "at" | "from" | "to">,
  images: readonly SurveyedImage[],
  plan: PromotionPlan,
  dryRun: boolean,
  context: MeteredContext,
): Promise<PromotionReport> {
  const outcome = await outcomeOf(plan, dryRun, context)
  return {
    version: 1,
    ...head,
    outcome,
    images: images.map((image) => lineOf(image, plan)),
    notices: plan.kind === "write" ? plan.notices : [],
    ...(plan.kind === "write" && !dryRun && { journal: plan.promotion.journal }),
    ...(context.traffic !== undefined && { traffic: context.traffic() }),
  }
}

async function outcomeOf(
  plan: PromotionPlan,
  dryRun: boolean,
  context: PromotionContext,
): Promise<PromotionOutcome> {
  if (plan.kind !== "write") return plan
  return dryRun ? { kind: "dry-run" } : applyPromotion(plan.promotion, context)
}

/** Time and name of a promotion. */
export function stampOf(context: Pick<PromotionContext, "now" | "random">): PromotionStamp {
  const at = new Date(context.now()).toISOString()
  const suffix = Math.floor(context.random() * 2 ** 32).toString(16)
  return { at, id: `${at}-${suffix.padStart(8, "0")}` }
}

/** Statements that are missing. That they cannot be asked for is in the way, too. */
async function evidenceProblems(
  { evidence, tags }: PromotionRequest & Pick<PromotionTask, "tags">,
  { images }: Survey,
): Promise<readonly string[]> {
  if (evidence === undefined) return []
  const found = images.flatMap(({ name, repository, source }) =>
    source === undefined ? [] : [{ name, repository, digest: source.digest }],
  )
  try {
    return await evidence.check(found, tags)
  } catch (error) {
    return [knownMessage(error)]
  }
}

/** Everything that is in the way, and what would change. */
async function check(
  gate: GpuGate | "pending" | undefined,
  { expected, pages }: PromotionRequest,
  { images }: Survey,
): Promise<PageCheck> {
  const moved = images.flatMap(({ name, from, source }) => {
    const digest = expected?.get(name)
    if (digest === undefined || source === undefined || source.digest === digest) return []
    return [`${from} has moved: expected was ${digest}, now it is ${source.digest}`]
  })
  const gated = gate === undefined || gate === "pending" ? [] : gateProblems(gate, images)
  const pairs = images.flatMap(({ from, to, source, target }) =>
    source === undefined ? [] : [{ from, to, digest: source.digest, previous: target?.digest }],
  )
  const pageCheck = pairs.length === 0 ? undefined : await pages?.check(pairs)
  return { ...pageCheck, problems: [...moved, ...gated, ...(pageCheck?.problems ?? [])] }
}

function lineOf(image: SurveyedImage, plan: PromotionPlan): PromotionLine {
  const { name, from, to, source, target } = image
  const journal = plan.kind === "write" ? plan.promotion.journal : undefined
  const entry = journal && entryFor(journal, image.repository)
  const previous = journal === undefined ? target?.digest : entry?.previous?.digest
  return {
    name,
    from,
    to,
    ...(source !== undefined && { digest: source.digest }),
    ...(previous !== undefined && { previous }),
    moves: source !== undefined && !isThere(image),
  }
}
