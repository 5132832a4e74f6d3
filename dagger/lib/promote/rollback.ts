import { samePlace } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import type { TagForm } from "../tag/branchTag.js"
import type { ManifestStore } from "../registry/client.js"
import { InvalidJournal, journalRepository, journalTag, placeOfEntry, targetOfEntry } from "./journal.js"
import type { Journal, JournalEntry } from "./journal.js"
import type { PromotionPlan, PromotionStamp } from "./plan.js"
import { planSet } from "./plan.js"
import { stampOf, writeSet } from "./promote.js"
import type { MeteredContext } from "./promote.js"
import type { PromotedImage, Register } from "./promotion.js"
import type { PromotionReport } from "./report.js"
import type { SurveyedImage } from "./survey.js"
import { knownMessage, readRegister } from "./survey.js"
import { promotedTag } from "./tags.js"

/** Takes a promotion back. */
export interface RollbackRequest {
  /** `stable`, or `<year>.<quarter>-stable` or a version. */
  readonly tag: string
  /** Form of the stack's tags; that of quarters where not given. */
  readonly form?: TagForm | undefined
  /** The images of the tree, in the order in which they were promoted. */
  readonly images: readonly PromotedImage[]
  /** The journal of the promotion to take back; that of the last one, from the registry, where not given. */
  readonly journal?: Journal
  /** Also moves tags that name neither what the promotion wrote nor what was there before. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** An image that goes back: promoted from what it named before. */
interface ReturningImage extends SurveyedImage {
  readonly entry: JournalEntry
  /** What it goes back to; absent where there was no such tag. */
  readonly goal?: JournalEntry["previous"]
}

/** Everything that a rollback is decided by. */
interface RollbackFacts {
  readonly journal?: Journal | undefined
  readonly register: Register
  readonly images: readonly ReturningImage[]
  readonly problems: readonly string[]
}

/**
 * Puts a tag back to what it named before a promotion. Idempotent: the rollback of a rollback finishes it, and does
 * not promote again; for that, promote, or give the rollback's journal.
 * @throws InputError for a tag that promotions do not make
 */
export async function rollback(request: RollbackRequest, context: MeteredContext): Promise<PromotionReport> {
  const { dryRun, force } = request
  const to = promotedTag(request.tag, request.form ?? "quarter")
  const stamp = stampOf(context)
  const facts = await gather(request, to, context.store)
  const undoes = facts.journal?.undoes ?? facts.journal?.id
  const head = { verb: "rollback", ...stamp, from: undoes ?? "an unknown promotion", to } as const
  return writeSet(head, facts.images, planRollback(facts, to, stamp, force), dryRun, context)
}

async function gather(
  { images, journal: given }: RollbackRequest,
  to: string,
  store: ManifestStore,
): Promise<RollbackFacts> {
  const [first] = images
  const place = given === undefined ? first?.repository : journalRepository(given.entries)
  if (place === undefined) throw new TypeError("a rollback needs at least one image")
  const unread = { repository: place, tag: journalTag(to) }
  try {
    // Before anything is asked: the journal must not choose whom.
    requireKnown(given, images)
    const register = await readRegister(store, { ...place, tag: journalTag(to) })
    const journal = given ?? register.journal
    const finishes = given === undefined && journal?.kind === "rollback"
    requireKnown(journal, images)
    const found = (journal?.entries ?? []).map((entry) =>
      ask(entry, finishes ? entry.next : entry.previous, to, store),
    )
    return { journal, register, images: await Promise.all(found), problems: [] }
  } catch (error) {
    return { register: unread, images: [], problems: [knownMessage(error)] }
  }
}

/** Whoever may write a journal must not choose what else this login writes. @throws InvalidJournal */
function requireKnown(journal: Journal | undefined, images: readonly PromotedImage[]): void {
  const isKnown = (entry: JournalEntry) =>
    images.some(({ repository }) => samePlace(repository, placeOfEntry(entry)))
  const alien = journal?.entries.find((entry) => !isKnown(entry))
  if (alien === undefined) return
  const { repository, tagPrefix } = alien
  const which = tagPrefix === undefined ? repository : `${tagPrefix}... of ${repository}`
  throw new InvalidJournal(`the journal is about ${which}, which is no image of this tree`)
}

async function ask(
  entry: JournalEntry,
  goal: JournalEntry["previous"],
  to: string,
  store: ManifestStore,
): Promise<ReturningImage> {
  const { name } = entry
  const reference = targetOfEntry(entry, to)
  const { registry, path } = reference
  const [target, source] = await Promise.all([
    store.resolve(reference),
    goal === undefined ? undefined : store.manifest({ registry, path, digest: goal.digest }),
  ])
  const tag = formatReference(reference)
  const from = goal === undefined ? tag : (goal.from ?? `${entry.repository}@${goal.digest}`)
  return { name, repository: placeOfEntry(entry), from, to: tag, source, target, entry, goal }
}

function planRollback(
  facts: RollbackFacts,
  to: string,
  stamp: PromotionStamp,
  force: boolean,
): PromotionPlan {
  const problems = problemsOf(facts, to, force)
  if (problems.length > 0) return { kind: "refused", problems }
  const { journal, register } = facts
  const images = facts.images.filter(({ goal }) => goal !== undefined)
  const staying = facts.images.filter(({ goal }) => goal === undefined)
  const undoes = journal?.undoes ?? journal?.id ?? ""
  const notices = staying.map((image) => `${image.to} stays: there was no such tag before`)
  return planSet({ images, register }, { ...stamp, kind: "rollback", to, undoes }, wholeBefore, notices)
}

/** As after a promotion, "previous" is a whole set: what the promotion wrote, even if that was interrupted. */
function wholeBefore({ entry, goal, target }: ReturningImage): JournalEntry["previous"] {
  const { next, previous } = entry
  const isKnown = [next.digest, previous?.digest].includes(target?.digest)
  if (!isKnown && target !== undefined) return { digest: target.digest }
  return goal === next ? previous : next
}

function problemsOf(
  { journal, images, problems }: RollbackFacts,
  to: string,
  force: boolean,
): readonly string[] {
  if (problems.length > 0) return problems
  if (journal === undefined) return [`the registry keeps no journal of a promotion to ${to}`]
  if (journal.to !== to) return [`the journal is about the tag ${journal.to}, not ${to}`]
  if (images.every(({ goal }) => goal === undefined)) return [`before ${journal.id} there was no tag ${to}`]
  return images.flatMap((image) => returnProblems(image, force))
}

function returnProblems(
  { entry, goal, source, target, to }: ReturningImage,
  force: boolean,
): readonly string[] {
  if (goal === undefined) return []
  if (source === undefined) return [`${to} cannot go back: ${goal.digest} is no longer in the registry`]
  const known = [entry.next.digest, entry.previous?.digest]
  if (force || known.includes(target?.digest)) return []
  const now = target === undefined ? "is gone" : `names ${target.digest}`
  return [`${to} ${now}, which the promotion did not write: somebody moved it since`]
}
