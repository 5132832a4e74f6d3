import { formatReference } from "../reference/reference.js"
import type { ImageReference } from "../reference/reference.js"
import type { Manifest } from "../registry/manifest.js"
import type { TagStore } from "../registry/moveTag.js"
import { putTagBack } from "../registry/moveTag.js"
import { RegistryError } from "../registry/registryError.js"
import type { Journal, JournalEntry } from "./journal.js"
import { entryFor, journalManifest, placeOfEntry, targetOfEntry } from "./journal.js"
import type { Promotion, PromotionContext, PromotionOutcome, TagState } from "./promotion.js"
import { readRegister } from "./survey.js"

/** Times that tags are checked and put right before a promotion gives up against others that write them, too. */
const mostRounds = 6
/** Milliseconds between two rounds, doubled each time: whoever else writes needs time to finish. */
const firstPause = 200

/**
 * Writes a promotion: journal, tags, check; on a failure the previous digests are put back.
 *
 * Registries cannot compare and swap, so two promotions at once can mix their sets. The journal in the registry is
 * the arbiter: everybody writes it before the tags and checks all tags after. Who finds a tag that is not its own
 * asks the journal, and makes the tags what *that* says, its own set or the other's. So whoever writes the last tag
 * also checks after it and repairs: when all have ended, the tags are one set. A promotion that is killed leaves its
 * journal: the next run of the same promotion, or a rollback, completes or clears it.
 */
export async function applyPromotion(
  promotion: Promotion,
  context: PromotionContext,
): Promise<PromotionOutcome> {
  const { journal, manifests, moving } = promotion
  await context.saveJournal(journal)
  try {
    await writeJournal(promotion, context)
    for (const entry of journal.entries) {
      const target = targetOfEntry(entry, journal.to)
      if (moving.has(formatReference(target))) await putTag(target, entry.next.digest, context, manifests)
    }
    return await settle(promotion, context)
  } catch (error) {
    return undo(promotion, context, messageOf(error))
  }
}

function writeJournal({ journal, register, kept }: Promotion, { store }: PromotionContext): Promise<string> {
  return store.putManifest(register.repository, register.tag, journalManifest(journal, kept))
}

/** Checks the tags, and puts them right until they are one set. @throws RegistryError */
async function settle(promotion: Promotion, context: PromotionContext): Promise<PromotionOutcome> {
  const { journal, manifests } = promotion
  for (let round = 0; round < mostRounds; round += 1) {
    if ((await wrongEntries(journal, journal, context)).length === 0) return { kind: "promoted" }
    const winner = (await currentJournal(promotion, context)) ?? journal
    const wrong = await wrongEntries(winner, journal, context)
    if (winner.id !== journal.id && wrong.length === 0) return { kind: "overtaken", by: winner }
    await context.sleep(firstPause * 2 ** round * (0.5 + context.random()))
    for (const entry of await wrongEntries(winner, journal, context)) {
      await putTag(targetOfEntry(entry, journal.to), entry.next.digest, context, manifests)
    }
  }
  const message = `others keep moving the tag ${journal.to}; ${mostRounds} attempts to make it one set have failed`
  throw new RegistryError({ kind: "protocol", message })
}

/** What this promotion's tags should be by a journal; images that it does not know stay as they are wanted here. */
function goal(winner: Journal, own: Journal): readonly JournalEntry[] {
  return own.entries.map((entry) => entryFor(winner, placeOfEntry(entry)) ?? entry)
}

async function wrongEntries(
  winner: Journal,
  own: Journal,
  { store }: PromotionContext,
): Promise<readonly JournalEntry[]> {
  const checked = await Promise.all(
    goal(winner, own).map(async (entry) => {
      const now = await store.resolve(targetOfEntry(entry, own.to))
      return now?.digest === entry.next.digest ? [] : [entry]
    }),
  )
  return checked.flat()
}

async function currentJournal(
  { register }: Promotion,
  { store }: PromotionContext,
): Promise<Journal | undefined> {
  return (await readRegister(store, { ...register.repository, tag: register.tag })).journal
}

/** @param manifests those whose bytes are at hand, by the references of their tags */
async function putTag(
  target: TaggedReference,
  digest: string,
  { store }: PromotionContext,
  manifests: Promotion["manifests"] = new Map(),
): Promise<void> {
  const { tag, ...repository } = target
  const known = manifests.get(formatReference(target))
  const manifest = known?.digest === digest ? known : await byDigest(repository, digest, store)
  await store.putManifest(repository, tag, manifest)
}

type TaggedReference = ReturnType<typeof targetOfEntry>

/** Tags of a registry that is known by its manifests. */
function tagsOf(context: PromotionContext): TagStore {
  return {
    read: async (repository, tag) => (await context.store.resolve({ ...repository, tag }))?.digest,
    write: (repository, digest, tag) => putTag({ ...repository, tag }, digest, context),
  }
}

async function byDigest(
  place: ImageReference,
  digest: string,
  store: PromotionContext["store"],
): Promise<Manifest> {
  const manifest = await store.manifest({ ...place, digest })
  if (manifest !== undefined) return manifest
  const message = `${formatReference({ ...place, digest })} is no longer in the registry`
  throw new RegistryError({ kind: "not-found", message })
}

/** Puts the previous digests back, unless another promotion has taken over. Nothing is ever deleted. */
async function undo(promotion: Promotion, context: PromotionContext, why: string): Promise<PromotionOutcome> {
  const { journal } = promotion
  try {
    const current = await currentJournal(promotion, context)
    if (current !== undefined && current.id !== journal.id && current.id !== promotion.register.journal?.id) {
      return await settle(promotion, context)
    }
    const left: string[] = []
    for (const entry of journal.entries.toReversed()) {
      const { tag, ...repository } = targetOfEntry(entry, journal.to)
      const move = { repository, tag, previous: entry.previous?.digest, next: entry.next.digest }
      if ((await putTagBack(move, tagsOf(context))) === "new")
        left.push(formatReference({ ...repository, tag }))
    }
    if (left.length > 0) return await halfDone(promotion, context, `${why}; ${newTags(left)}`)
    const unkept = current?.id === journal.id ? await restoreJournal(promotion, context) : ""
    return { kind: "undone", why: `${why}${unkept}` }
  } catch (error) {
    return halfDone(promotion, context, `${why}; then, putting it back: ${messageOf(error)}`)
  }
}

/** Deleting a tag deletes the image with all its other tags in some registries. */
function newTags(references: readonly string[]): string {
  const verb = references.length === 1 ? "is new and stays" : "are new and stay"
  return `${references.join(", ")} ${verb}, because taking a tag away may delete the image`
}

/**
 * The tags count; without the older journal there is only no way back to what was before them. Where there was none,
 * this promotion's says that it was undone, as nothing is deleted.
 */
async function restoreJournal(promotion: Promotion, { store }: PromotionContext): Promise<string> {
  const { register, journal, kept } = promotion
  const manifest = register.manifest ?? journalManifest({ ...journal, kind: "undone" }, kept)
  try {
    await store.putManifest(register.repository, register.tag, manifest)
    return ""
  } catch (error) {
    return `; the earlier promotion's journal could not be put back: ${messageOf(error)}`
  }
}

async function halfDone(
  { journal }: Promotion,
  { store }: PromotionContext,
  why: string,
): Promise<PromotionOutcome> {
  const tags = journal.entries.map(async (entry): Promise<TagState> => {
    const reference = targetOfEntry(entry, journal.to)
    const shown = formatReference(reference)
    try {
      const now = await store.resolve(reference)
      return { reference: shown, ...(now !== undefined && { digest: now.digest }) }
    } catch (error) {
      return { reference: shown, unknown: messageOf(error) }
    }
  })
  return { kind: "half-done", why, tags: await Promise.all(tags) }
}

/** Half-way there is no failure after which nothing should be put back, whoever is to blame for it. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
