import type { ImageChanges } from "./changes.js"
import { passedTag } from "./facts.js"
import type { ImageFacts, PlanFacts, RegistryFacts, RegistryImage } from "./facts.js"
import { freshened } from "./freshness.js"
import type { Reason } from "./planDocument.js"
import { fileList } from "./reasons.js"
import { isMet } from "./requests.js"
import type { RebuildRequest } from "./requests.js"

/** What is done for an image and why, and which published image that is about. */
export type Decision = { readonly reasons: readonly Reason[] } & (
  | { readonly action: "build" }
  | { readonly action: "retest" | "retag" | "reuse"; readonly published: RegistryImage }
  | { readonly action: "skip"; readonly published?: RegistryImage | undefined }
)

/** What one image's decision depends on besides its own facts. */
export interface DecisionFacts {
  readonly facts: PlanFacts
  readonly requests: readonly RebuildRequest[]
  /**
   * A full rebuild was asked for, and not of this image: of images with its content the candidate is taken, which is
   * that of the last build.
   */
  readonly lastBuildFirst: boolean
  /** Parents of the image that are built by this plan. */
  readonly rebuiltParents: readonly string[]
}

/** An image in the registry that has the content that a build would make. */
interface Match {
  readonly image: RegistryImage
  readonly place: "branch" | "candidate" | "other"
  /** What says that its tests have passed, where something does: a reference. */
  readonly passed: string | undefined
}

/**
 * Decides one image. In this order: a rebuilt parent, what forces a rebuild, then by content; by git where the
 * registry, or a base's digest, is unknown. What would stay as it is published is built where it has said that its packages
 * have updates.
 */
export function decide(image: ImageFacts, situation: DecisionFacts): Decision {
  return freshened(image, decideContent(image, situation), situation.facts)
}

function decideContent(image: ImageFacts, situation: DecisionFacts): Decision {
  const { facts, requests, rebuiltParents } = situation
  if (!image.isPublished) return unpublished(image, situation)
  if (rebuiltParents.length > 0) {
    const asked = requests.filter(({ isAskedFor }) => isAskedFor).map(({ reason }) => reason)
    const reasons = rebuiltParents.map((parent): Reason => ({ kind: "parent-rebuilt", parent }))
    return { action: "build", reasons: [...asked, ...reasons, ...contentReasons(image, facts)] }
  }
  const found = matchesOf(image, facts)
  const inOrder = situation.lastBuildFirst ? found.toSorted(candidateFirst) : found
  const matches = inOrder.filter((match) => requests.every((request) => isMet(request, match.image)))
  if (requests.length > 0 && matches.length === 0) {
    return {
      action: "build",
      reasons: [...requests.map(({ reason }) => reason), ...contentReasons(image, facts)],
    }
  }
  return isComparable(image) ? byContent(image, situation, matches) : byGit(image, situation)
}

/**
 * An image that is in no registry is built and tested by each run: the engine may have its layers and passes, but nobody
 * else can say that it is the same, or that it has passed.
 */
function unpublished(image: ImageFacts, { facts, requests, rebuiltParents }: DecisionFacts): Decision {
  const parents = rebuiltParents.map((parent): Reason => ({ kind: "parent-rebuilt", parent }))
  const reasons: Reason[] = [
    ...requests.map(({ reason }) => reason),
    ...parents,
    { kind: "not-published" },
    ...fileReasons(image, facts),
  ]
  return { action: facts.options.unable === undefined ? "build" : "skip", reasons }
}

/** Whether equal keys mean equal content, and different ones a need to build. */
export function isComparable({ registry, unresolvedBases }: ImageFacts): boolean {
  return registry.kind === "known" && unresolvedBases.length === 0
}

/**
 * Whether what is written beside images is taken for true. Whoever may push to the registry may have written it: on main
 * that may be more people than may change main.
 */
function isBelieved({ options }: PlanFacts): boolean {
  return options.trustRegistry || options.branch !== options.mainBranch
}

function matchesOf(image: ImageFacts, facts: PlanFacts): readonly Match[] {
  const { registry } = image
  if (registry.kind === "unknown" || image.unresolvedBases.length > 0 || !isBelieved(facts)) return []
  const found = (place: Match["place"], each: RegistryImage | undefined): readonly Match[] => {
    if (each?.inputKey !== image.inputKey) return []
    // Labels are written before any test runs, and an image without a test is tagged, too: only the tag of a pass tells.
    return [{ image: each, place, passed: passedTagOf(image, each) }]
  }
  return [
    ...found("branch", registry.branchTag),
    ...registry.otherTags.flatMap((each) => found("other", each)),
    ...found("candidate", registry.candidate),
  ]
}

function passedTagOf(
  { inputKey, testKey }: ImageFacts,
  { passed, passedBy = passedTag(inputKey, testKey) }: RegistryImage,
): string | undefined {
  return passed === true ? passedBy : undefined
}

function candidateFirst(a: Match, b: Match): number {
  return Number(b.place === "candidate") - Number(a.place === "candidate")
}

function byContent(image: ImageFacts, situation: DecisionFacts, matches: readonly Match[]): Decision {
  const passed = matches.find((match) => match.passed !== undefined)
  if (passed !== undefined) {
    const { tag } = passed.image
    const witness = `${image.repository}:${passed.passed}`
    const action = passed.place === "branch" ? "reuse" : "retag"
    const reasons: Reason[] = [
      ...metReasons(passed, situation.requests),
      { kind: "same-content", tag },
      { kind: "tests-passed", tag, witness },
    ]
    return { action, reasons, published: passed.image }
  }
  const [untested] = matches
  if (untested === undefined) return { action: "build", reasons: contentReasons(image, situation.facts) }
  const { tag } = untested.image
  const reasons: Reason[] = [
    ...metReasons(untested, situation.requests),
    ...testReasons(image, situation),
    { kind: "same-content", tag },
    { kind: "tests-not-passed", tag },
    ...unprovedReasons([untested.image]),
  ]
  return { action: "retest", reasons, published: untested.image }
}

/** What was to be rebuilt is: said once, whatever asked for it. */
function metReasons({ image }: Match, requests: readonly RebuildRequest[]): readonly Reason[] {
  const commit = requests[0]?.untilBuiltFrom
  return commit === undefined ? [] : [{ kind: "rebuilt-for-this-commit", tag: image.tag, commit }]
}

/** Why the content is not there: what git saw, what moved, and what the registry lacks. */
function contentReasons(image: ImageFacts, facts: PlanFacts): readonly Reason[] {
  const reasons: Reason[] = [...fileReasons(image, facts), ...baseReasons(image)]
  const { registry } = image
  if (registry.kind === "unknown") return [...reasons, { kind: "registry-unknown", why: registry.why }]
  if (image.unresolvedBases.length > 0) return [...reasons, unresolved(image)]
  if (!isBelieved(facts)) return [...reasons, { kind: "registry-not-trusted" }]
  if (matchesOf(image, facts).length > 0) return reasons
  const nothing = registry.branchTag === undefined && registry.otherTags.length === 0
  if (nothing && registry.candidate === undefined) {
    return [...reasons, { kind: "nothing-published", repository: image.repository }]
  }
  const unproved = unprovedReasons(allOf(registry))
  return [...reasons, { kind: "no-image-with-key", inputKey: image.inputKey }, ...unproved]
}

/** All that is published of an image, as far as it was asked for. */
function allOf(registry: RegistryFacts): readonly RegistryImage[] {
  if (registry.kind === "unknown") return []
  return [registry.branchTag, ...registry.otherTags, registry.candidate].filter((each) => each !== undefined)
}

function unprovedReasons(images: readonly RegistryImage[]): readonly Reason[] {
  return images.flatMap(({ tag, unproved: why }) =>
    why === undefined ? [] : [{ kind: "not-proved", tag, why }],
  )
}

function byGit(image: ImageFacts, situation: DecisionFacts): Decision {
  const { facts } = situation
  const { registry } = image
  const unknown: Reason =
    registry.kind === "unknown" ? { kind: "registry-unknown", why: registry.why } : unresolved(image)
  const changes = changesOf(image, facts)
  if (changes === undefined) {
    const why = facts.git.changes.kind === "unknown" ? facts.git.changes.why : facts.git.base.why
    return { action: "build", reasons: [{ kind: "git-unknown", why }, unknown] }
  }
  const inputs = fileReasons(image, facts)
  if (inputs.length > 0) return { action: "build", reasons: [...inputs, unknown] }
  const tests = testReasons(image, situation)
  if (registry.kind === "known") return fromPublished(image, facts, tests)
  // Without an image to test, the tests get one that is built from source.
  if (tests.length > 0) return { action: "build", reasons: [...tests, unknown] }
  return { action: "skip", reasons: [unchanged(facts), unknown] }
}

/** Git found no change of what is built: what is published under the branch's tag is right, else under another one. */
function fromPublished(image: ImageFacts, facts: PlanFacts, tests: readonly Reason[]): Decision {
  const { registry } = image
  if (registry.kind === "unknown") throw new Error(`the registry is unknown for ${image.name}`)
  const candidates = [registry.branchTag, ...registry.otherTags]
  const published = candidates.find((each) => each !== undefined && each.unproved === undefined)
  if (published === undefined) {
    const unproved = unprovedReasons(allOf(registry))
    const nothing: Reason[] =
      unproved.length > 0 ? [] : [{ kind: "nothing-published", repository: image.repository }]
    return { action: "build", reasons: [...nothing, ...unproved, unresolved(image)] }
  }
  if (tests.length > 0) return { action: "retest", reasons: [...tests, unresolved(image)], published }
  const action = published === registry.branchTag ? "reuse" : "retag"
  return { action, reasons: [unchanged(facts), unresolved(image)], published }
}

function fileReasons(image: ImageFacts, facts: PlanFacts): readonly Reason[] {
  const { inputs = [] } = changesOf(image, facts) ?? {}
  const all = facts.changes?.buildAll ?? []
  const reasons: Reason[] = [
    ...(all.length > 0 ? [{ kind: "build-all-file" as const, ...fileList(all) }] : []),
    ...(inputs.length > 0 ? [{ kind: "files-changed" as const, ...fileList(inputs) }] : []),
  ]
  // Where contents can be compared, they say whether the spec concerns this image.
  if (isComparable(image) || facts.changes === undefined || facts.changes.spec.length === 0) return reasons
  return [...reasons, { kind: "spec-changed", path: facts.specPath }]
}

/** The tests of an image are its own, its ancestors' and the common ones. */
function testReasons(image: ImageFacts, { facts }: DecisionFacts): readonly Reason[] {
  const own = [...image.ancestors, image.name].flatMap((name) => facts.changes?.images.get(name)?.tests ?? [])
  const files = [...own, ...(facts.changes?.commonTests ?? [])]
  return files.length === 0 ? [] : [{ kind: "tests-changed", ...fileList(files) }]
}

function baseReasons({ bases, registry }: ImageFacts): readonly Reason[] {
  const before = registry.kind === "known" ? (registry.branchTag ?? registry.otherTags[0]) : undefined
  const { baseName, baseDigest: from } = before ?? {}
  const now = bases.find(({ reference }) => reference === baseName)
  if (from === undefined || now?.digest === undefined || now.digest === from) return []
  return [{ kind: "base-moved", reference: now.reference, from, to: now.digest }]
}

function changesOf(image: ImageFacts, { changes }: PlanFacts): ImageChanges | undefined {
  return changes === undefined ? undefined : (changes.images.get(image.name) ?? { inputs: [], tests: [] })
}

function unresolved({ unresolvedBases }: ImageFacts): Reason {
  return { kind: "base-unknown", references: [...unresolvedBases] }
}

function unchanged({ git }: PlanFacts): Reason {
  return { kind: "unchanged", why: git.base.why }
}
