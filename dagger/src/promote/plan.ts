import { formatReference, sameRepository } from "../reference/reference.js"
import { journalVersion } from "./journal.js"
import type { Journal, JournalEntry } from "./journal.js"
import type { Promotion } from "./promotion.js"
import type { Survey, SurveyedImage } from "./survey.js"

/** Who promotes, and when. */
export interface PromotionStamp {
  readonly id: string
  /** ISO 8601. */
  readonly at: string
}

/** What a promotion is to do, decided from what the registry says. */
export type PromotionPlan =
  | { readonly kind: "refused"; readonly problems: readonly string[] }
  | { readonly kind: "unchanged" }
  | { readonly kind: "write"; readonly promotion: Promotion; readonly notices: readonly string[] }

/** Decides about a promotion. @param problems reasons against it from elsewhere: the GPU test, the wiki */
export function planPromotion(
  survey: Survey,
  to: string,
  stamp: PromotionStamp,
  problems: readonly string[] = [],
): PromotionPlan {
  const all = [...survey.problems, ...missingSources(survey), ...problems]
  if (all.length > 0) return { kind: "refused", problems: all }
  if (survey.images.every(isThere)) return { kind: "unchanged" }
  const interrupted = interruptedJournal(survey)
  const entries = survey.images.flatMap((image) => entryOf(image, survey.register.journal, interrupted))
  const journal: Journal = { version: journalVersion, ...stamp, kind: "promotion", to, entries }
  const notices =
    interrupted === undefined
      ? []
      : [
          `an earlier promotion to ${to} (${interrupted.id}) was interrupted; the journal keeps what was there before it`,
        ]
  return { kind: "write", promotion: promotionOf(survey, journal), notices }
}

/** Whether the target tag names the source's digest. */
export function isThere({ source, target }: Pick<SurveyedImage, "source" | "target">): boolean {
  return source !== undefined && source.digest === target?.digest
}

function missingSources({ images, problems }: Survey): readonly string[] {
  // Where questions went unanswered, an absent source may be there all the same.
  if (problems.length > 0) return []
  return images.filter(({ source }) => source === undefined).map(({ from }) => `there is no image ${from}`)
}

function promotionOf({ images, register }: Survey, journal: Journal): Promotion {
  const manifests = new Map(
    images.flatMap(({ repository, source }) =>
      source === undefined ? [] : [[formatReference(repository), source] as const],
    ),
  )
  const moving = images
    .filter((image) => !isThere(image))
    .map(({ repository }) => formatReference(repository))
  const own = images.filter(({ repository }) => sameRepository(repository, register.repository))
  const kept = own.flatMap(({ source, target }) => [source, target]).filter((each) => each !== undefined)
  return { journal, manifests, moving: new Set(moving), register, kept: uniqueByDigest(kept) }
}

function uniqueByDigest<T extends { readonly digest: string }>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [item.digest, item])).values()]
}

/**
 * The journal of a promotion that was killed between two of its writes: some tags name what it wanted, the others what
 * was there before it. What is there now is then no set that anybody chose, and must not be remembered as such.
 */
export function interruptedJournal({ images, register }: Survey): Journal | undefined {
  const { journal } = register
  if (journal === undefined) return undefined
  const known = images.flatMap(({ repository, target }) => {
    const entry = entryFor(journal, formatReference(repository))
    return entry === undefined ? [] : [{ entry, now: target?.digest }]
  })
  const changes = known.filter(({ entry }) => entry.next.digest !== entry.previous?.digest)
  const done = changes.filter(({ entry, now }) => now === entry.next.digest)
  const open = changes.filter(({ entry, now }) => now === entry.previous?.digest)
  const isMixed = done.length > 0 && open.length > 0 && done.length + open.length === changes.length
  return isMixed ? journal : undefined
}

function entryOf(
  image: SurveyedImage,
  last: Journal | undefined,
  interrupted: Journal | undefined,
): readonly JournalEntry[] {
  const { name, source, target, from } = image
  if (source === undefined) return []
  const repository = formatReference(image.repository)
  const before = interrupted === undefined ? undefined : entryFor(interrupted, repository)
  const previous = before === undefined ? nowOf(target?.digest, last, repository) : before.previous
  const next = { digest: source.digest, from }
  return [{ name, repository, ...(previous !== undefined && { previous }), next }]
}

/** What is there now; the last journal may know where it came from. */
function nowOf(
  digest: string | undefined,
  last: Journal | undefined,
  repository: string,
): JournalEntry["previous"] {
  if (digest === undefined) return undefined
  const entry = last === undefined ? undefined : entryFor(last, repository)
  const from = [entry?.next, entry?.previous].find((each) => each?.digest === digest)?.from
  return { digest, ...(from !== undefined && { from }) }
}

/** The entry of a repository. */
export function entryFor(journal: Journal, repository: string): JournalEntry | undefined {
  return journal.entries.find((entry) => entry.repository === repository)
}
