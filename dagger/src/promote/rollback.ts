import { formatReference, parseRepository } from "../reference/reference.js"
import type { ManifestStore } from "../registry/client.js"
import type { Descriptor, Manifest } from "../registry/manifest.js"
import { InvalidJournal, journalRepository, journalTag, journalVersion } from "./journal.js"
import type { Journal, JournalEntry } from "./journal.js"
import type { PromotionPlan, PromotionStamp } from "./plan.js"
import { carryOut, stampOf } from "./promote.js"
import type { MeteredContext } from "./promote.js"
import type { PromotedImage, Promotion, Register } from "./promotion.js"
import type { PromotionLine, PromotionReport } from "./report.js"
import { knownMessage, readRegister } from "./survey.js"
import { promotedTag } from "./tags.js"

/** Takes a promotion back. */
export interface RollbackRequest {
  /** `stable` or `<year>.<quarter>-stable`. */
  readonly tag: string
  /** The images of the tree, in the order in which they were promoted. */
  readonly images: readonly PromotedImage[]
  /** The journal of the promotion to take back; that of the last one, from the registry, where not given. */
  readonly journal?: Journal
  /** Also moves tags that name neither what the promotion wrote nor what was there before. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** An image that goes back, with what the registry says. */
interface Return {
  readonly entry: JournalEntry
  /** What it goes back to; absent where there was no such tag. */
  readonly goal?: { readonly digest: string; readonly from?: string | undefined } | undefined
  readonly manifest?: Manifest | undefined
  readonly target?: Descriptor | undefined
}

/** Everything that a rollback is decided by. */
interface RollbackFacts {
  readonly journal?: Journal | undefined
  readonly register: Register
  readonly returns: readonly Return[]
  readonly problems: readonly string[]
}

/**
 * Puts a tag back to what it named before a promotion. Idempotent: the rollback of a rollback finishes it, and does
 * not promote again; for that, promote, or give the rollback's journal.
 * @throws InputError for a tag that promotions do not make
 */
export async function rollback(request: RollbackRequest, context: MeteredContext): Promise<PromotionReport> {
  const { dryRun, force } = request
  const to = promotedTag(request.tag)
  const stamp = stampOf(context)
  const facts = await gather(request, to, context.store)
  const plan = planRollback(facts, to, stamp, force)
  const outcome = await carryOut(plan, dryRun, context)
  return {
    version: 1,
    verb: "rollback",
    ...stamp,
    from: facts.journal?.undoes ?? facts.journal?.id ?? "an unknown promotion",
    to,
    outcome,
    images: facts.returns.map((each) => lineOf(each, to)),
    notices: plan.kind === "write" ? plan.notices : [],
    ...(plan.kind === "write" && !dryRun && { journal: plan.promotion.journal }),
    ...(context.traffic !== undefined && { traffic: context.traffic() }),
  }
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
    const returns = await Promise.all(
      (journal?.entries ?? []).map((entry) => ask(entry, finishes ? entry.next : entry.previous, to, store)),
    )
    return { journal, register, returns, problems: [] }
  } catch (error) {
    return { register: unread, returns: [], problems: [knownMessage(error)] }
  }
}

/** Whoever may write a journal must not choose what else this login writes. @throws InvalidJournal */
function requireKnown(journal: Journal | undefined, images: readonly PromotedImage[]): void {
  const known = new Set(images.map(({ repository }) => formatReference(repository)))
  const alien = journal?.entries.find(({ repository }) => !known.has(repository))
  if (alien === undefined) return
  throw new InvalidJournal(`the journal is about ${alien.repository}, which is no image of this tree`)
}

async function ask(
  entry: JournalEntry,
  goal: Return["goal"],
  to: string,
  store: ManifestStore,
): Promise<Return> {
  const repository = parseRepository(entry.repository)
  const [target, manifest] = await Promise.all([
    store.resolve({ ...repository, tag: to }),
    goal === undefined ? undefined : store.manifest({ ...repository, digest: goal.digest }),
  ])
  return { entry, goal, manifest, target }
}

function planRollback(
  facts: RollbackFacts,
  to: string,
  stamp: PromotionStamp,
  force: boolean,
): PromotionPlan {
  const problems = problemsOf(facts, to, force)
  if (problems.length > 0) return { kind: "refused", problems }
  const going = facts.returns.filter(({ goal }) => goal !== undefined)
  const moving = going.filter((each) => !isBack(each))
  if (moving.length === 0) return { kind: "unchanged" }
  const notices = facts.returns
    .filter(({ goal }) => goal === undefined)
    .map(({ entry }) => `${entry.repository}:${to} stays: there was no such tag before`)
  return { kind: "write", promotion: promotionOf(facts, going, moving, to, stamp), notices }
}

function problemsOf(
  { journal, returns, problems }: RollbackFacts,
  to: string,
  force: boolean,
): readonly string[] {
  if (problems.length > 0) return problems
  if (journal === undefined) return [`the registry keeps no journal of a promotion to ${to}`]
  if (journal.to !== to) return [`the journal is about the tag ${journal.to}, not ${to}`]
  if (returns.every(({ goal }) => goal === undefined)) return [`before ${journal.id} there was no tag ${to}`]
  return returns.flatMap((each) => returnProblems(each, to, force))
}

function returnProblems(each: Return, to: string, force: boolean): readonly string[] {
  const { entry, goal, manifest, target } = each
  if (goal === undefined) return []
  const name = `${entry.repository}:${to}`
  if (manifest === undefined) return [`${name} cannot go back: ${goal.digest} is no longer in the registry`]
  const known = [entry.next.digest, entry.previous?.digest]
  if (force || known.includes(target?.digest)) return []
  const now = target === undefined ? "is gone" : `names ${target.digest}`
  return [`${name} ${now}, which the promotion did not write: somebody moved it since`]
}

/** As after a promotion, "previous" is a whole set: what the promotion wrote, even if that was interrupted. */
function promotionOf(
  { journal, register }: RollbackFacts,
  going: readonly Return[],
  moving: readonly Return[],
  to: string,
  stamp: PromotionStamp,
): Promotion {
  const entries = going.flatMap(({ entry, goal, target }) => {
    if (goal === undefined) return []
    const { name, repository, next: written, previous: older } = entry
    const isKnown = [written.digest, older?.digest].includes(target?.digest)
    const undone = goal === written ? older : written
    const previous = isKnown || target === undefined ? undone : { digest: target.digest }
    const next = { digest: goal.digest, from: goal.from ?? `${repository}@${goal.digest}` }
    return [{ name, repository, ...(previous !== undefined && { previous }), next }]
  })
  const undoes = journal?.undoes ?? journal?.id ?? ""
  const manifests = going.flatMap(({ entry, manifest }) =>
    manifest === undefined ? [] : [[entry.repository, manifest] as const],
  )
  const place = formatReference(register.repository)
  const own = going.filter(({ entry }) => entry.repository === place)
  const kept = own.flatMap(({ manifest, target }) => [manifest, target]).filter((each) => each !== undefined)
  return {
    journal: { version: journalVersion, ...stamp, kind: "rollback", to, undoes, entries },
    manifests: new Map(manifests),
    moving: new Set(moving.map(({ entry }) => entry.repository)),
    register,
    kept: [...new Map(kept.map((each) => [each.digest, each])).values()],
  }
}

function isBack({ goal, target }: Return): boolean {
  return goal !== undefined && goal.digest === target?.digest
}

function lineOf(each: Return, to: string): PromotionLine {
  const { entry, goal, target } = each
  const { name, repository } = entry
  return {
    name,
    from: goal?.from ?? (goal === undefined ? `${repository}:${to}` : `${repository}@${goal.digest}`),
    to: `${repository}:${to}`,
    ...(goal !== undefined && { digest: goal.digest }),
    ...(target !== undefined && { previous: target.digest }),
    moves: goal !== undefined && !isBack(each),
  }
}
