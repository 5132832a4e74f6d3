import { pageName } from "../manifest/pageName.js"
import { joinedKey, publishedIndex } from "../plan/platforms.js"
import { parseReference } from "../reference/reference.js"
import type { PlatformDigest } from "../registry/joinIndex.js"
import type { ManifestDocument } from "../registry/manifest.js"
import { indexAnnotationsOf } from "../registry/writtenLabels.js"
import { joinedScan } from "../vulnerability/imageScan.js"
import type { Builder, RunClaims, RunImage } from "./claims.js"
import { filesLike, imagesOfRun, repositoryOf } from "./claims.js"
import type { InTotoStatement } from "./statement.js"
import { statementAbout } from "./statement.js"
import { vulnerabilityStatement } from "./vulnerabilityClaim.js"
import { imageDependency, provenancePredicate, testsPredicate } from "./writtenPredicates.js"
import type { ClaimedKeys } from "./writtenPredicates.js"

/** An image on one platform, with the run that tells of it. */
export interface IndexedImage extends RunImage {
  readonly digest: string
  readonly run: RunClaims
}

/** An image of several platforms, as one run tells of all or several of one each. */
export interface ClaimedIndex extends ClaimedKeys {
  readonly image: string
  /** Digest of the index, where a run has joined them. */
  readonly digest?: string | undefined
  /** In the order of the spec; at least two. */
  readonly parts: readonly [IndexedImage, ...IndexedImage[]]
}

/**
 * The images of several platforms of which runs tell all. Not those that stay in the index that they are published in:
 * whoever has joined that has said so.
 * @param platforms of each image
 */
export function claimedIndexes(
  runs: readonly RunClaims[],
  platforms: ReadonlyMap<string, readonly string[]>,
): readonly ClaimedIndex[] {
  const found = runs.flatMap((run) => imagesOfRun(run).flatMap((image) => partOfIndex(image, run)))
  return [...platforms].flatMap(([image, wanted]) => {
    const parts = wanted.flatMap(
      (platform) => found.find((each) => each.step.image === image && each.platform === platform) ?? [],
    )
    const [first, ...others] = parts
    if (first === undefined || others.length === 0 || parts.length < wanted.length) return []
    if (publishedIndex(parts.map(({ step }) => step)) !== undefined) return []
    const joined = runs.flatMap(({ report }) => report.images.find(({ name }) => name === image) ?? [])
    const digest = joined.find((each) => (each.platforms ?? []).length > 1)?.digest
    const [inputKey, testKey] = [
      joinedKey(parts.map(({ step }) => step.inputKey)),
      joinedKey(parts.map(({ step }) => step.testKey)),
    ]
    return [{ image, digest, inputKey, testKey, parts: [first, ...others] as const }]
  })
}

/** What failed is in no index, and neither is what nobody has pushed. */
function partOfIndex(image: RunImage, run: RunClaims): readonly IndexedImage[] {
  const { digest, outcome } = image.report
  const isThere = image.hasPassed || outcome.kind === "untested"
  return digest !== undefined && isThere ? [{ ...image, digest, run }] : []
}

/** What an index lists, as whoever joins it has to. */
export function partsOfIndex({ parts }: Pick<ClaimedIndex, "parts">): readonly PlatformDigest[] {
  return parts.map(({ platform, digest }) => ({ platform, digest }))
}

/** The annotations of an index: the same as those of a run of the same commit, so that its digest is the same, too. */
export function annotationsOfIndex({ image, parts: [first] }: ClaimedIndex): ReadonlyMap<string, string> {
  const { report, source } = first.run
  const { tag: version = "" } = parseReference(first.step.reference)
  const { commit: revision, committedAt: created } = report.source
  return indexAnnotationsOf({ title: image, version, source, revision, created })
}

/**
 * Where the registry contradicts what is said of an index: it must list these images, each once, and nothing else, as
 * programs choose by more than the platform.
 * @returns a sentence; undefined where it does not
 */
export function contradictionOfIndex(claimed: ClaimedIndex, found: ManifestDocument): string | undefined {
  const told = found.kind === "index" ? found.manifests : []
  const wanted = partsOfIndex(claimed)
  const isSame =
    told.length === wanted.length &&
    wanted.every(({ platform, digest }, index) => {
      const entry = told[index]
      return entry?.digest === digest && entry.platform === platform
    })
  return isSame ? undefined : `the index of ${claimed.image} does not list what the run says`
}

/** The statements about an index: that it was joined of these images, and that each has passed its tests. */
export function statementsOfIndex(
  claimed: ClaimedIndex & { readonly digest: string },
  builder: Builder,
): readonly InTotoStatement[] {
  const { image, digest, parts } = claimed
  const [{ run, step }] = parts
  const subject = { name: repositoryOf(step), digest }
  const page = pageName(parseReference(step.reference))
  const isOwn = (path: string) =>
    path === "plan.json" || path.startsWith(`junit/${image}.`) || path.startsWith(`sbom/${page}.`)
  const files = [...new Set(parts.map((part) => part.run))].flatMap((each) => filesLike(each, isOwn))
  const dependencies = parts.map((part) => ({
    ...imageDependency(repositoryOf(part.step), part.digest),
    name: part.platform,
  }))
  const about = { image, platforms: parts.map(({ platform }) => platform) }
  const made = { dependencies, files }
  const isTested = parts.every(({ hasPassed }) => hasPassed)
  const ends = parts.map(({ report }) => report)
  const scan = joinedScan(ends.map(({ vulnerabilities }) => vulnerabilities))
  return [
    statementAbout("provenance", subject, provenancePredicate(about, claimed, made, run, builder)),
    ...(isTested
      ? [statementAbout("tests", subject, testsPredicate(ends, claimed, files, run.report.startedAt))]
      : []),
    ...(scan === undefined ? [] : [vulnerabilityStatement(subject, scan)]),
  ]
}
