import { formatReference, sameRepository } from "../reference/reference.js"
import { entryFor, journalVersionOf } from "./journal.js"
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
  const whole = wholeSetBefore(survey)
  const { journal: last } = survey.register
  const previousOf = (image: SurveyedImage) => {
    const known = last === undefined ? undefined : entryFor(last, image.repository)
    return whole !== undefined && known !== undefined ? known[whole] : nowOf(image.target?.digest, known)
  }
  const notice = `an earlier promotion to ${to} was interrupted; a rollback of this one leads to the whole set before`
  const notices = whole === undefined ? [] : [notice]
  return planSet(survey, { ...stamp, kind: "promotion", to }, previousOf, notices)
}

/**
 * What it takes that the tags of a set name their sources.
 * @param head what the journal says of it
 * @param previousOf what the journal remembers as the tag's image of before
 */
export function planSet<Image extends SurveyedImage>(
  { images, register }: Pick<Survey, "register"> & { readonly images: readonly Image[] },
  head: Omit<Journal, "version" | "entries">,
  previousOf: (image: Image) => JournalEntry["previous"],
  notices: readonly string[],
): PromotionPlan {
  if (images.every(isThere)) return { kind: "unchanged" }
  const entries = images.flatMap((image) => {
    const { name, source, from } = image
    if (source === undefined) return []
    const previous = previousOf(image)
    const { registry, path, tagPrefix } = image.repository
    const place = {
      repository: formatReference({ registry, path }),
      ...(tagPrefix !== undefined && { tagPrefix }),
    }
    return [{ name, ...place, ...(previous && { previous }), next: { digest: source.digest, from } }]
  })
  const journal = { version: journalVersionOf(entries), ...head, entries } as const
  return { kind: "write", promotion: promotionOf(images, register, journal), notices }
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

function promotionOf(
  images: readonly SurveyedImage[],
  register: Survey["register"],
  journal: Journal,
): Promotion {
  const manifests = new Map(
    images.flatMap(({ to, source }) => (source === undefined ? [] : [[to, source] as const])),
  )
  const moving = images.filter((image) => !isThere(image)).map(({ to }) => to)
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
    const entry = entryFor(journal, repository)
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

/** What is there now; the last journal may know where it came from. */
function nowOf(digest: string | undefined, known: JournalEntry | undefined): JournalEntry["previous"] {
  if (digest === undefined) return undefined
  const from = [known?.next, known?.previous].find((each) => each?.digest === digest)?.from
  return { digest, ...(from !== undefined && { from }) }
}
