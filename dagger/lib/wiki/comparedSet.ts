import type { ImageManifest } from "../manifest/manifestData.js"
import type { SetDiff } from "../manifest/diff.js"
import { diffSets } from "../manifest/diff.js"
import type { WikiEntry } from "./lookup.js"

/** One side of a comparison: what is known of a set of images. */
export interface ComparedSet {
  readonly manifests: readonly ImageManifest[]
  /** Names of images that are there, but whose packages nobody wrote down: the old pipeline's pages have no data. */
  readonly undescribed: readonly string[]
  /** What to know about the set, in sentences. */
  readonly notices: readonly string[]
}

/**
 * The images of a tag, out of what a wiki has on each image of the stack.
 * @returns why there is nothing to compare, where that is so
 */
export function taggedSet(
  tag: string,
  found: readonly { readonly name: string; readonly entry: WikiEntry }[],
): ComparedSet | string {
  const manifests = found.flatMap(({ entry }) => (entry.kind === "manifest" ? [entry.manifest] : []))
  const undescribed = found.filter(({ entry }) => entry.kind === "page-only")
  if (manifests.length === 0) {
    return undescribed.length === 0
      ? `the wiki has no page of an image tagged ${tag}`
      : `the wiki's pages of ${tag} were written by the old pipeline, without data`
  }
  const notices = undescribed.map(({ entry }) => withoutData(entry))
  return { manifests, undescribed: undescribed.map(({ name }) => name), notices }
}

/** Tells that an image cannot be compared: the old pipeline wrote its page. */
export function withoutData({ reference, page }: Pick<WikiEntry, "reference" | "page">): string {
  return `${reference} is left out: its page ${page} has no data`
}

/** The differences of two sets; an image that one of them cannot describe is neither new nor removed. */
export function compareSets(from: ComparedSet, to: ComparedSet): SetDiff {
  const skipped = new Set([...from.undescribed, ...to.undescribed])
  const [before, after] = [from, to].map(({ manifests }) =>
    manifests.filter(({ name }) => !skipped.has(name)),
  )
  return diffSets(before ?? [], after ?? [])
}
