import { isTag, sameRepository } from "./reference.js"
import type { ImageReference, Repository } from "./reference.js"

/** Where an image is published: a repository, and what tells its tags from those of other images in it. */
export interface ImagePlace extends Repository {
  /** What all of its tags begin with: `cuda12-`. Absent where they need not be told apart. */
  readonly tagPrefix?: string | undefined
}

/** An image's own form of a tag that a run or a promotion gives to all images: `cuda12-2026.4-main`. */
export function ownTag({ tagPrefix = "" }: Pick<ImagePlace, "tagPrefix">, tag: string): string {
  return `${tagPrefix}${tag}`
}

/** What a tag of all images names of one of them. */
export function underTag(place: ImagePlace, tag: string): ImageReference & { readonly tag: string } {
  const { registry, path } = place
  return { registry, path, tag: ownTag(place, tag) }
}

/** Whether two images are published to the same place: no tag of theirs could be told apart. */
export function samePlace(a: ImagePlace, b: ImagePlace): boolean {
  return sameRepository(a, b) && ownTag(a, "") === ownTag(b, "")
}

/**
 * Whose a tag is, of the images in one repository: the one with the longest prefix that it begins with.
 * @returns undefined where it begins with no prefix of theirs, or is nothing but the prefix
 */
export function ownerOfTag<Place extends Pick<ImagePlace, "tagPrefix">>(
  places: readonly Place[],
  tag: string,
): Place | undefined {
  const own = places.filter((place) => tag.startsWith(ownTag(place, "")) && tag !== ownTag(place, ""))
  return own.toSorted((a, b) => ownTag(b, "").length - ownTag(a, "").length)[0]
}

/** Whether a text may stand before all tags of an image. */
export function isTagPrefix(text: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[._-])$/.test(text) && text.length <= longestPrefix && isTag(text)
}

/** Tags have 128 characters, of which most are left to the names of branches. */
const longestPrefix = 40
