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
  const whole = wholeSetBefore(survey)
  const entries = survey.images.flatMap((image) => entryOf(image, survey.register.journal, whole))
  const journal: Journal = { version: journalVersion, ...stamp, kind: "promotion", to, entries }
  const notice = `an earlier promotion to ${to} was interrupted; a rollback of this one leads to the whole set before`
  return {
    kind: "write",
    promotion: promotionOf(survey, journal),
    notices: whole === undefined ? [] : [notice],
  }
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
 * Which set of the last journal was the last whole one, where the tags are a mixture: a promotion was killed between
 * two of its writes. A mixture is no set that anybody chose, and must not be remembered as what was there before.
 * Undefined where the tags can be remembered as they are, also because somebody moved single ones on purpose.
 */
function wholeSetBefore({ images, register: { journal } }: Survey): "next" | "previous" | undefined {
  if (journal === undefined) return undefined
  const tags = images.flatMap(({ repository, source, target }) => {
    const entry = entryFor(journal, formatReference(repository))
    if (entry === undefined) return []
    const isWritten = target?.digest === entry.next.digest
    const isOld = target?.digest === entry.previous?.digest
    return [{ isWritten, isOld, isOurs: target?.digest === source?.digest }]
  })
  if (tags.some(({ isWritten, isOld, isOurs }) => !isWritten && !isOld && !isOurs)) return undefined
  if (tags.every(({ isWritten }) => isWritten) || tags.every(({ isOld }) => isOld)) return undefined
  // Some old ones: that promotion did not end. None: it did, and then an earlier run of ours was killed.
  return tags.some(({ isWritten, isOld }) => isOld && !isWritten) ? "previous" : "next"
}

function entryOf(
  image: SurveyedImage,
  last: Journal | undefined,
  whole: "next" | "previous" | undefined,
): readonly JournalEntry[] {
  const { name, source, target, from } = image
  if (source === undefined) return []
  const repository = formatReference(image.repository)
  const known = last === undefined ? undefined : entryFor(last, repository)
  const isMixed = whole !== undefined && known !== undefined
  const previous = isMixed ? known[whole] : nowOf(target?.digest, known)
  const next = { digest: source.digest, from }
  return [{ name, repository, ...(previous !== undefined && { previous }), next }]
}

/** What is there now; the last journal may know where it came from. */
function nowOf(digest: string | undefined, known: JournalEntry | undefined): JournalEntry["previous"] {
  if (digest === undefined) return undefined
  const from = [known?.next, known?.previous].find((each) => each?.digest === digest)?.from
  return { digest, ...(from !== undefined && { from }) }
}

/** The entry of a repository. */
export function entryFor(journal: Journal, repository: string): JournalEntry | undefined {
  return journal.entries.find((entry) => entry.repository === repository)
}
