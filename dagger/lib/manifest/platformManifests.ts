import { withoutVariant } from "../registry/imageFacts.js"
import { platformLabel } from "../spec/platforms.js"
import type { ImageManifest, ManifestPlatform } from "./manifestData.js"

/** What an image's manifest tells of it on one platform. */
export interface PlatformManifest {
  /** Which of several platforms: `linux/arm64`; absent where the image is for one. */
  readonly platform?: string
  /** Whether it is the one that the document tells all of: its files have the usual names. */
  readonly isShown: boolean
  /** With packages, system, digest and sizes of this platform, and without `platforms`. */
  readonly manifest: ImageManifest
}

/**
 * What a manifest tells of its image on each platform, in the order of the index. Of the platforms that the document does
 * not show it knows no more than packages, system, digest and sizes; packages are missing where no run looked into one.
 */
export function manifestsByPlatform(manifest: ImageManifest): readonly PlatformManifest[] {
  const { platforms } = manifest
  if (platforms === undefined) return [{ isShown: true, manifest }]
  return platforms.map((each) => {
    const isShown = isShownOf(manifest, each)
    const own = isShown ? shownManifest(manifest, each) : otherManifest(manifest, each)
    return { platform: each.platform, isShown, manifest: own }
  })
}

/** Says that nobody can tell what is in an image, or in it on one of several platforms. */
export function leftOut({ platform, manifest }: PlatformManifest): string {
  return `${platformLabel(manifest.reference, platform)} is left out: no run looked into it`
}

/** What a manifest says of its image on one platform, as an entry of the manifest of all. */
export function platformEntry(
  platform: string,
  { digest, size, os, packages }: Pick<ImageManifest, "digest" | "size" | "os" | "packages">,
  isShown: boolean,
): ManifestPlatform {
  return {
    platform,
    ...(digest !== undefined && { digest }),
    size,
    ...(!isShown && os !== undefined && { os }),
    ...(!isShown && Object.keys(packages).length > 0 && { packages }),
  }
}

/** Whether an entry is the platform that the rest of the document tells of: images may name a variant of it. */
export function isShownOf(
  { platform: shown }: Pick<ImageManifest, "platform">,
  { platform }: Pick<ManifestPlatform, "platform">,
): boolean {
  return withoutVariant(platform) === withoutVariant(shown)
}

function shownManifest(manifest: ImageManifest, { digest, size }: ManifestPlatform): ImageManifest {
  return { ...manifest, platforms: undefined, digest, size: { ...manifest.size, ...size } }
}

/** How it was made, its layers, its tests and what commands print in it: the document tells that of another one. */
function otherManifest(
  manifest: ImageManifest,
  { platform, digest, size, os, packages = {} }: ManifestPlatform,
): ImageManifest {
  const unknown = {
    ...{ commit: undefined, base: undefined, buildSeconds: undefined, tests: undefined },
    ...{ layers: [], sections: [] },
  }
  return { ...manifest, ...unknown, platforms: undefined, platform, digest, size, os, packages }
}
