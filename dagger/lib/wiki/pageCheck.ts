import type { SetDiff, SetDiffEntry } from "../manifest/diff.js"
import { diffManifests } from "../manifest/diff.js"
import type { CheckedPair } from "./change.js"
import { withoutData } from "./comparedSet.js"
import { homeProblem } from "./home.js"
import { baselineOf, lookUp } from "./lookup.js"
import { pageNameProblem } from "./ownPages.js"
import { pageProblems } from "./promoted.js"
import type { WikiFiles } from "./wikiFiles.js"

/** What manifest pages tell before images are promoted. */
export interface PageCheck {
  /** Why the images cannot be promoted as far as their pages are concerned. */
  readonly problems: readonly string[]
  /** What changes for those who use the tag; absent where no page could be asked. */
  readonly differences?: PromotedDifferences
}

/** Packages and sizes that change under a tag. */
export interface PromotedDifferences {
  /** Image by image, as far as their pages have data. */
  readonly images: SetDiff
  /** What to know about the comparison, in sentences. */
  readonly notices: readonly string[]
}

/**
 * Checks the pages of images that are to be promoted, and compares the images with what their new tag names so far:
 * where it names nothing, with the stable image of the quarter before. To be asked before a tag moves.
 * @throws InvalidImageManifest, InvalidReference
 */
export function checkPages(files: WikiFiles, images: readonly CheckedPair[]): PageCheck {
  const compared = images.map((image) => compare(files, image))
  const differences = {
    images: compared.flatMap(({ entry }) => entry ?? []),
    notices: compared.flatMap(({ notice }) => notice ?? []),
  }
  const targets = images.map(({ to }) => to)
  const unwritable = [pageNameProblem(files, targets), homeProblem(files)].flatMap((each) => each ?? [])
  return { problems: [...pageProblems(files, images), ...unwritable], differences }
}

interface Comparison {
  readonly entry?: SetDiffEntry
  readonly notice?: string
}

function compare(files: WikiFiles, { from, to, previous }: CheckedPair): Comparison {
  const promoted = lookUp(files, from)
  // A missing page is a problem of its own.
  if (promoted.kind === "missing") return {}
  if (promoted.kind === "page-only") return { notice: withoutData(promoted) }
  const { manifest } = promoted
  const { name } = manifest
  const current = lookUp(files, to)
  if (current.kind === "page-only") return { notice: withoutData(current) }
  if (current.kind === "missing") {
    const baseline = baselineOf(files, { ...manifest, reference: to, promotedFrom: from })
    if (baseline === undefined) return { entry: { kind: "added", name, manifest } }
    return { entry: { kind: "compared", name, diff: diffManifests(baseline, manifest) } }
  }
  const entry = { kind: "compared", name, diff: diffManifests(current.manifest, manifest) } as const
  const { digest } = current.manifest
  if (digest === undefined || digest === previous) return { entry }
  const named = previous === undefined ? "names no image" : `names ${previous}`
  return { entry, notice: `${to} ${named}, but is compared as its page ${current.page} has it: ${digest}` }
}
