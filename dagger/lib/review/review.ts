import type { ImageDiff } from "../manifest/diff.js"
import { diffManifests } from "../manifest/diff.js"
import type { ImageManifest, ManifestTests } from "../manifest/manifestData.js"

/** What a run makes of one image, against what is published of the branch that it is for. */
export type ReviewedImage =
  | { readonly kind: "same"; readonly name: string }
  | {
      readonly kind: "compared"
      readonly name: string
      /** Of an image of several platforms: which image and platform the row is about. */
      readonly part?: ReviewedPlatform
      readonly diff: ImageDiff
      /** Layers of both sides, where both are in a registry. */
      readonly layers?: LayerChange
      readonly tests: TestChange
      /** What this run took for it. */
      readonly milliseconds: number
    }
  /** The other branch has no such image. */
  | { readonly kind: "new"; readonly name: string; readonly milliseconds: number }
  | { readonly kind: "unknown"; readonly name: string; readonly why: string }

/** One of several platforms of an image. */
export interface ReviewedPlatform {
  readonly image: string
  /** `linux/arm64` */
  readonly platform: string
}

/** How many layers an image has, before and after. */
export interface LayerChange {
  readonly from: number
  readonly to: number
}

/** Tests of an image, before and after; a side that nobody has told is missing. */
export interface TestChange {
  readonly from?: ManifestTests
  readonly to?: ManifestTests
}

/** What a run changes in the images of the branch that it is for. */
export interface Review {
  readonly version: 1
  /** Tag of that branch's images: `2026.4-main`. */
  readonly against: string
  readonly images: readonly ReviewedImage[]
}

/** Both sides of one image. */
export interface ReviewedSides {
  readonly before: ImageManifest
  readonly after: ImageManifest
  /** Which of several platforms both are of. */
  readonly part?: ReviewedPlatform
  /** What the run took for it. */
  readonly milliseconds: number
}

/** Compares an image with what is published of it. */
export function reviewedImage({ before, after, part, milliseconds }: ReviewedSides): ReviewedImage {
  const { name } = after
  const isSame = before.digest !== undefined && before.digest === after.digest
  if (isSame) return { kind: "same", name }
  return {
    kind: "compared",
    name,
    ...(part !== undefined && { part }),
    diff: diffManifests(before, after),
    ...layersOf(before, after),
    tests: {
      ...(before.tests !== undefined && { from: before.tests }),
      ...(after.tests !== undefined && { to: after.tests }),
    },
    milliseconds,
  }
}

function layersOf(before: ImageManifest, after: ImageManifest): { readonly layers?: LayerChange } {
  const [from, to] = [before, after].map(({ layers }) => layers.filter(({ size = 0 }) => size > 0).length)
  return from === undefined || to === undefined || from === 0 || to === 0 ? {} : { layers: { from, to } }
}
