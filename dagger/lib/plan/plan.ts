import { decide, isComparable } from "./decide.js"
import type { Decision } from "./decide.js"
import type { ImageFacts, PlanFacts, RegistryImage } from "./facts.js"
import { freshnessOf, updateNotices } from "./freshness.js"
import type { ParentSource, Plan, Published, Step } from "./planDocument.js"
import { ownTag } from "../reference/imagePlace.js"
import { rebuildRequests, skipRequest } from "./requests.js"

/**
 * Decides what a run does for each image, and says why. Pure: the same facts give the same plan.
 * @throws Error where an image comes before its parent
 */
export function planStack(facts: PlanFacts): Plan {
  const { options, git } = facts
  const skipped = skipRequest(facts)
  const steps =
    skipped === undefined
      ? decideSteps(facts)
      : facts.images.map((image) => skippedStep(facts, image, skipped))
  return {
    version: 1,
    tag: options.tag,
    branch: options.branch,
    platform: options.platform,
    publish: options.publish,
    ...(skipped !== undefined && { skippedByRequest: skipped }),
    ...(git.head !== undefined && { commit: git.head.sha }),
    comparedWith: git.base.why,
    imagesChanged: imagesChanged(facts, steps),
    bases: basesOf(facts),
    steps,
    notices: notices(facts),
  }
}

/** A step with what later ones need to know of it. */
interface PlannedImage {
  readonly step: Step
  /** Where a build of it would take what it is built on from. */
  readonly sources: readonly ParentSource[]
  /** Whether it is another one than before, so that what is built on it has to be built. */
  readonly isNew: boolean
  readonly isPublished: boolean
}

function decideSteps(facts: PlanFacts): Step[] {
  const selection = select(facts)
  const all = rebuildRequests(facts)
  const placed = new Map<string, PlannedImage>()
  for (const image of facts.images) {
    const parents = image.parents.map((parent) => placedParent(placed, parent, image.name))
    const rebuiltParents = parents.flatMap((parent) => (isNewFor(image, parent) ? [parent.step.image] : []))
    const selected = selection(image.name)
    const own = all.filter(({ isAskedFor }) => !isAskedFor || selected.kind === "selected")
    const lastBuildFirst = own.length < all.length
    const decision = decide(image, { facts, requests: own, lastBuildFirst, rebuiltParents })
    const sources = sourcesOf(parents)
    const step = stepOf(facts, image, narrow(image, decision, selected), parents, sources)
    // Of an image that every run builds, that it is built says nothing.
    const isNew = image.isPublished ? step.action === "build" : rebuiltParents.length > 0
    placed.set(image.name, { step, sources, isNew, isPublished: image.isPublished })
  }
  return [...placed.values()].map(({ step }) => step)
}

/** Whether an image has to be built because of a parent. Where content says nothing, one of no registry may be another. */
function isNewFor(image: ImageFacts, { isNew, isPublished }: PlannedImage): boolean {
  return isNew || (!isPublished && !isComparable(image))
}

function placedParent(
  placed: ReadonlyMap<string, PlannedImage>,
  parent: string,
  child: string,
): PlannedImage {
  const found = placed.get(parent)
  if (found === undefined) throw new Error(`"${parent}" has to come before "${child}", which is made from it`)
  return found
}

/** What `--only` means for an image. */
type Selection =
  | { readonly kind: "selected" }
  /** Not named, but these are built on it. */
  | { readonly kind: "below"; readonly images: readonly string[] }
  | { readonly kind: "left-out" }

function select({ images, options }: PlanFacts): (name: string) => Selection {
  if (options.only.length === 0) return () => ({ kind: "selected" })
  const only = new Set(options.only)
  const above = new Map<string, Set<string>>()
  // Children come after their parents: backwards, each hands on what is built on it.
  for (const { name, parents } of images.toReversed()) {
    const reached = new Set([...(above.get(name) ?? []), ...(only.has(name) ? [name] : [])])
    for (const parent of parents) above.set(parent, new Set([...(above.get(parent) ?? []), ...reached]))
  }
  return (name) => {
    if (only.has(name)) return { kind: "selected" }
    const needing = images.flatMap((image) => (above.get(name)?.has(image.name) === true ? [image.name] : []))
    return needing.length === 0 ? { kind: "left-out" } : { kind: "below", images: needing }
  }
}

/** An image that was not asked for is only built, and only where one that was cannot be built without. */
function narrow({ isPublished }: ImageFacts, decision: Decision, selection: Selection): Decision {
  switch (selection.kind) {
    case "selected":
      return decision
    case "below": {
      // Its stages are built along with those of the image that needs them.
      if (!isPublished) return { action: "skip", reasons: [{ kind: "not-selected" }] }
      if (decision.action !== "build")
        return { action: "skip", reasons: [{ kind: "not-selected" }], published: decision.published }
      return {
        ...decision,
        reasons: [{ kind: "needed-by", images: [...selection.images] }, ...decision.reasons],
      }
    }
    case "left-out":
      return { action: "skip", reasons: [{ kind: "not-selected" }] }
  }
}

function stepOf(
  facts: PlanFacts,
  image: ImageFacts,
  decision: Decision,
  parents: readonly PlannedImage[] = [],
  sources: readonly ParentSource[] = [],
): Step {
  const { registry, repository, inputKey, testKey } = image
  const reasons = [...decision.reasons]
  const reference = `${repository}:${ownTag(image, facts.options.tag)}`
  const own = {
    image: image.name,
    reasons,
    reference,
    ...(!image.isPublished && { publish: false as const }),
    inputKey,
    testKey,
  }
  const before = registry.kind === "known" ? registry.branchTag?.digest : undefined
  switch (decision.action) {
    case "build": {
      const steps = parents.map(({ step }) => step)
      const fresh = freshnessOf(image, facts, reasons, steps)
      const built = { ...own, action: "build" as const, movesTag: image.isPublished, parents: [...sources] }
      return fresh === undefined ? built : { ...built, fresh: { ...fresh, known: [...fresh.known] } }
    }
    case "skip":
      return {
        ...own,
        action: "skip",
        movesTag: false,
        ...(decision.published !== undefined && { published: publishedOf(image, decision.published) }),
      }
    case "reuse":
    case "retag":
    case "retest": {
      const { action, published } = decision
      const movesTag = action !== "reuse" && published.digest !== before
      return { ...own, action, published: publishedOf(image, published), movesTag }
    }
  }
}

/** The parents; and of those whose stages are built along, what these are built on. */
function sourcesOf(parents: readonly PlannedImage[]): readonly ParentSource[] {
  const found = parents.flatMap(({ step, sources }) => {
    const own = sourceOf(step)
    return own.from === "source" ? [...sources, own] : [own]
  })
  return [...new Map(found.map((source) => [source.image, source])).values()]
}

/** Where a child gets this step's image from. */
function sourceOf(step: Step): ParentSource {
  const { image } = step
  if (step.action === "build") return { from: "step", image }
  const { published } = step
  if (published === undefined) return { from: "source", image }
  return { from: "registry", image, reference: published.reference, digest: published.digest }
}

function publishedOf({ repository }: ImageFacts, { tag, digest, index }: RegistryImage): Published {
  return { tag, digest, reference: `${repository}:${tag}@${digest}`, ...(index !== undefined && { index }) }
}

function skippedStep(facts: PlanFacts, image: ImageFacts, where: string): Step {
  return stepOf(facts, image, { action: "skip", reasons: [{ kind: "skip-requested", where }] })
}

/** As in the old pipeline: files of an image or its tests changed, or something that rebuilds all of them. */
function imagesChanged(facts: PlanFacts, steps: readonly Step[]): string[] {
  const names = facts.images.map(({ name }) => name)
  const { changes } = facts
  if (rebuildRequests(facts).length > 0 || (changes?.buildAll ?? []).length > 0) return names
  if (changes === undefined) {
    const touched = new Set(steps.flatMap(({ image, action }) => (isWork(action) ? [image] : [])))
    return names.filter((name) => touched.has(name))
  }
  return names.filter((name) => {
    const own = changes.images.get(name)
    return own !== undefined && own.inputs.length + own.tests.length > 0
  })
}

function isWork(action: Step["action"]): boolean {
  return action === "build" || action === "retest"
}

/** The external bases of all images, each once. */
function basesOf({ images }: PlanFacts): NonNullable<Plan["bases"]> {
  const known = images.flatMap(({ bases }) =>
    bases.flatMap(({ reference, digest }) => (digest === undefined ? [] : [[reference, digest] as const])),
  )
  return [...new Map(known)].map(([reference, digest]) => ({ reference, digest }))
}

function notices(facts: PlanFacts): string[] {
  const { git, changes } = facts
  const removed = (changes?.removedImages ?? []).map(
    (directory) => `${directory} was deleted: its published tags stay where they are`,
  )
  return [...git.notices.map(({ message }) => message), ...removed, ...updateNotices(facts)]
}
