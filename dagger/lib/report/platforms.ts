import type { ImageReport, PlatformReport, StackReport } from "./report.js"
import { isFailed } from "./report.js"

/** What a run was for, in words. */
export function platformsOfReport({
  platform,
  platforms,
}: Pick<StackReport, "platform" | "platforms">): readonly string[] {
  return platforms ?? (platform === undefined ? [] : [platform])
}

/** An image on one of several platforms, as an image of its own. */
export interface ImagePart extends ImageReport {
  /** None where the run was for one platform. */
  readonly part?: PlatformReport
}

/** An image on each of its platforms, each named by it; of a run of one platform the image itself. */
export function partsOf(image: ImageReport): readonly ImagePart[] {
  const { platforms, name, reference, published } = image
  if (platforms === undefined) return [image]
  return platforms.map((part) => ({
    ...part,
    name: `${name} (${part.platform})`,
    reference,
    published,
    part,
  }))
}

/**
 * An image's rows of a table: its own, and below it what it is on each of several platforms.
 * @param mark stands before the names of these
 */
export function imageRows(image: ImageReport, mark: string): readonly ImageReport[] {
  const parts = partsOf(image).flatMap((part) =>
    part.part === undefined ? [] : [{ ...part, name: `${mark}${platformTitle(part.part)}` }],
  )
  return [image, ...parts]
}

/** What failed of an image: on platforms, or where all of them are well, the image that they are together. */
export function failedParts(image: ImageReport): readonly ImagePart[] {
  const parts = partsOf(image).filter(isFailed)
  return parts.length === 0 && isFailed(image) ? [image] : parts
}

/** The name of a platform's row below its image's, with what the reader must know of it. */
function platformTitle({ platform, emulated, tests }: PlatformReport): string {
  if (!emulated) return platform
  return tests === "full"
    ? `${platform}, emulated`
    : `${platform}, emulated, ${tests === "none" ? "no" : "smoke"} tests`
}
