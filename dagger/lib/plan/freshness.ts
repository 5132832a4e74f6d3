import type { Freshness } from "../registry/writtenLabels.js"
import type { PackageUpdate } from "../updates/packageUpdates.js"
import type { Decision } from "./decide.js"
import type { ImageFacts, PlanFacts, RegistryImage, UpdateAnswer } from "./facts.js"
import { hashOf } from "./inputKey.js"
import type { Plan, Reason, Step } from "./planDocument.js"
import { freshWordForm, publishedIn, updateMarkForm } from "./planDocument.js"

// A key knows nothing of the packages that a repository has today. So an image with `max_age` has a word that tells since
// when its packages are as they are. It stands in its labels, and the engine keeps RUN instructions by it: the same word
// brings the same layers back, a new one runs them again. Only main begins new words; branches build with those of main.

/** A published image that is old enough to be asked for updates. */
export interface DueImage {
  readonly name: string
  /** `repository:tag@sha256:...` */
  readonly reference: string
  readonly digest: string
}

/**
 * The images of a plan that are to be asked whether their packages have updates: those of main that would stay as they are
 * published, and are as old as `max_age`, or of unknown age.
 */
export function dueImages({ images, options }: PlanFacts, { steps }: Plan): readonly DueImage[] {
  if (options.branch !== options.mainBranch) return []
  return steps.flatMap((step) => {
    const published = step.action === "skip" ? undefined : publishedIn(step)
    const image = images.find(({ name }) => name === step.image)
    if (published === undefined || image?.maxAge === undefined) return []
    const found = publishedOf(image).find(({ digest }) => digest === published.digest)
    const days = found && ageOf(found, options.today)
    if (days !== undefined && days < image.maxAge) return []
    return [{ name: image.name, reference: published.reference, digest: published.digest }]
  })
}

/** The decision about an image that was asked: one that would stay is built where it has updates that a build may bring. */
export function freshened(image: ImageFacts, decision: Decision, facts: PlanFacts): Decision {
  if (decision.action === "build" || decision.action === "skip") return decision
  const { published } = decision
  const answer = facts.answers?.get(image.name)
  const { maxAge } = image
  if (answer?.digest !== published.digest || maxAge === undefined) return decision
  const days = ageOf(published, facts.options.today)
  const { tag, digest } = published
  const { updates, left } = sorted(answer, published)
  const asked = { tag, digest, ...(days !== undefined && { days }), maxAge, left }
  if (updates.length > 0) return { action: "build", reasons: [{ kind: "updates", ...asked, updates }] }
  // Who could not tell all has not said that there are none.
  if (!answer.isAnswered || answer.failures.length > 0) return decision
  return { ...decision, reasons: [...decision.reasons, { kind: "no-updates", ...asked }] }
}

/** What images could not tell, for the plan's notices. */
export function updateNotices({ answers = new Map<string, UpdateAnswer>() }: PlanFacts): readonly string[] {
  return [...answers].flatMap(([name, { failures }]) =>
    failures.map((failure) => `${name} could not be asked for updates, ${failure}`),
  )
}

/** Whether an image would be built anew by what it has answered. */
export function hasUpdates(answer: UpdateAnswer, published: RegistryImage): boolean {
  return sorted(answer, published).updates.length > 0
}

/** Those that a build may bring, and those that were there when the image was built for them. */
function sorted(
  { updates }: UpdateAnswer,
  { knownUpdates = "" }: RegistryImage,
): { readonly updates: PackageUpdate[]; readonly left: PackageUpdate[] } {
  const known = new Set(knownUpdates.split(" "))
  const isKnown = (update: PackageUpdate): boolean => known.has(markOf(update))
  return { updates: updates.filter((each) => !isKnown(each)), left: updates.filter(isKnown) }
}

/**
 * How new the packages of an image that is built are to be.
 * @param parents steps of what it is built on
 * @returns nothing for an image without `max_age`, and where nobody has begun
 */
export function freshnessOf(
  image: ImageFacts,
  { options }: PlanFacts,
  reasons: readonly Reason[],
  parents: readonly Step[],
): Freshness | undefined {
  const { today, publish, branch, mainBranch } = options
  if (image.maxAge === undefined || !image.isPublished) return undefined
  const asked = reasons.find((reason) => reason.kind === "updates")
  if (asked !== undefined) {
    const { digest, updates, left } = asked
    const known = [...left, ...updates].map(markOf).slice(0, mostKnown)
    return { word: `${today}-${hashOf([digest, known]).slice(0, markDigits)}`, known }
  }
  const before = newestOf(publishedOf(image))
  if (before !== undefined && dayOf(before.word) >= today) return before
  const isOld = before === undefined || daysBetween(dayOf(before.word), today) >= image.maxAge
  const begins = publish && branch === mainBranch && isOld
  const runsAgain = reasons.some(
    ({ kind }) => kind === "full-rebuild-option" || kind === "full-rebuild-message",
  )
  const onNew = parents.some((step) => step.action === "build" && dayOf(step.fresh?.word ?? "") === today)
  return begins || runsAgain || onNew ? { word: today, known: before?.known ?? [] } : before
}

const markDigits = 8
/** What a label can hold, with room to spare. */
const mostKnown = 500

function markOf({ manager, name, to }: PackageUpdate): string {
  return hashOf([manager, name, to]).slice(0, markDigits)
}

/** All that is published of an image. */
function publishedOf({ registry }: ImageFacts): readonly RegistryImage[] {
  if (registry.kind === "unknown") return []
  return [registry.branchTag, ...registry.otherTags, registry.candidate].filter((each) => each !== undefined)
}

function newestOf(images: readonly RegistryImage[]): Freshness | undefined {
  const found = images.flatMap((image) => {
    const word = wordOf(image)
    return word === undefined ? [] : [{ word, known: marksIn(image) }]
  })
  return found.reduce<Freshness | undefined>(
    (newest, each) => (newest !== undefined && newest.word >= each.word ? newest : each),
    undefined,
  )
}

/** Whoever may push to the registry may have written anything there. */
function wordOf({ fresh }: RegistryImage): string | undefined {
  if (fresh === undefined || !freshWordForm.test(fresh)) return undefined
  return Number.isNaN(Date.parse(dayOf(fresh))) ? undefined : fresh
}

function marksIn({ knownUpdates = "" }: RegistryImage): readonly string[] {
  return knownUpdates
    .split(" ")
    .filter((mark) => updateMarkForm.test(mark))
    .slice(0, mostKnown)
}

/** Days since an image's packages are as they are; unknown where its labels do not tell, or tell of a day to come. */
function ageOf(image: RegistryImage, today: string): number | undefined {
  const word = wordOf(image)
  const days = word === undefined ? undefined : daysBetween(dayOf(word), today)
  // A clock that is a day ahead is no reason to ask.
  return days === undefined || days < -1 ? undefined : Math.max(0, days)
}

function dayOf(word: string): string {
  return word.slice(0, "2026-11-27".length)
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)
}
