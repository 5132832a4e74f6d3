import type { ImageManifest } from "./manifestData.js"
import { isShownOf, manifestsByPlatform, platformEntry } from "./platformManifests.js"

/** Whether somebody looked into the image; else its manifest has only what the registry tells. */
export function isInspected({ packages, sections }: ImageManifest): boolean {
  return Object.keys(packages).length > 0 || sections.length > 0
}

/**
 * What a manifest tells of the image with this digest: of one of its platforms, or all of it where the digest is its own.
 * @returns undefined where it tells nothing of it
 */
export function toldOf(manifest: ImageManifest, digest: string): ImageManifest | undefined {
  if (manifest.digest === digest) return manifest
  return manifestsByPlatform(manifest).find((part) => part.manifest.digest === digest)?.manifest
}

/** What another manifest tells of the image that this one shows; the indexes that it is in may be others. */
export function toldOfTheSame(one: ImageManifest, other: ImageManifest): ImageManifest | undefined {
  const digest = shownDigest(one)
  const told = digest === undefined ? undefined : toldOf(other, digest)
  if (told !== undefined) return told
  const isSame = one.digest !== undefined && one.digest === other.digest && isShownOf(one, other)
  return isSame ? other : undefined
}

/** Digest of the platform that a manifest shows, where its own is that of an index. */
function shownDigest(manifest: ImageManifest): string | undefined {
  return manifestsByPlatform(manifest).find(({ isShown }) => isShown)?.manifest.digest
}

/**
 * What is known of an image after another run had to do with it. The digest is the same, so the image is: how it was
 * made stays as it was told first, and what a run that did not look into it could not see is taken from before.
 */
export function withKnown(seen: ImageManifest, known: ImageManifest): ImageManifest {
  const told = toldOfTheSame(seen, known) ?? known
  const { created, base = seen.base, platform, layers } = told
  // Tags name the index that the image is in.
  const tags = seen.digest === known.digest ? known.tags : []
  const inspected = isInspected(seen) ? seen : told
  const tests = seen.tests ?? told.tests
  const buildSeconds = told.buildSeconds ?? seen.buildSeconds
  return {
    ...seen,
    created,
    ...(buildSeconds !== undefined && { buildSeconds }),
    ...commitOf(seen, told),
    ...(base !== undefined && { base }),
    platform,
    size: { ...told.size, ...seen.size },
    tags: [...new Set([...seen.tags, ...tags])],
    layers: seen.layers.length > 0 ? seen.layers : layers,
    ...(tests !== undefined && { tests }),
    sections: inspected.sections,
    ...(inspected.os !== undefined && { os: inspected.os }),
    packages: inspected.packages,
  }
}

/**
 * A manifest with the sizes of its platforms, and with what is in those that it does not show, as far as others tell more
 * of the same digests.
 */
export function withPlatforms(manifest: ImageManifest, others: readonly ImageManifest[]): ImageManifest {
  if (manifest.platforms === undefined) return manifest
  const platforms = manifest.platforms.map((own) => {
    const { platform, digest, packages = {} } = own
    const known = digest === undefined ? [] : others.flatMap((other) => toldOf(other, digest) ?? [])
    const size = [...known, own].reduce((sum, each) => ({ ...sum, ...each.size }), {})
    const listed = [{ ...own, packages }, ...known].find((each) => Object.keys(each.packages).length > 0)
    const { os, packages: lists = {} } = listed ?? {}
    return platformEntry(platform, { digest, size, os, packages: lists }, isShownOf(manifest, own))
  })
  return { ...manifest, platforms }
}

/**
 * Manifests of images that their run took as they were, completed by those of runs that looked into the same images on
 * the same platforms.
 */
export function completed(
  manifests: readonly ImageManifest[],
  others: readonly ImageManifest[],
): readonly ImageManifest[] {
  return manifests.map((manifest) => {
    const whole = withPlatforms(manifest, others)
    if (isInspected(manifest)) return whole
    const known = bestKnown(manifest, others)
    return known === undefined ? whole : withKnown(whole, known)
  })
}

/** The manifest that tells most of an image that somebody looked into: of the same index before another one. */
function bestKnown(manifest: ImageManifest, others: readonly ImageManifest[]): ImageManifest | undefined {
  const telling = others.filter((other) => {
    const told = toldOfTheSame(manifest, other)
    return told !== undefined && isInspected(told)
  })
  return telling.find(({ digest }) => digest === manifest.digest) ?? telling[0]
}

/** The same commit may be told with less. */
function commitOf(seen: ImageManifest, known: ImageManifest): Pick<ImageManifest, "commit" | "source"> {
  const { commit = seen.commit, source = seen.source } = known
  return { ...(commit !== undefined && { commit }), ...(source !== undefined && { source }) }
}
