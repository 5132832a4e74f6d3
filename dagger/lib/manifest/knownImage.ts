import type { ImageManifest } from "./manifestData.js"

/** Whether somebody looked into the image; else its manifest has only what the registry tells. */
export function isInspected({ packages, sections }: ImageManifest): boolean {
  return Object.keys(packages).length > 0 || sections.length > 0
}

/** Whether a manifest tells what is in an image: by its own digest, or by that of an index whose image it tells of. */
export function tellsOf(manifest: ImageManifest, digest: string): boolean {
  return manifest.digest === digest || shownDigest(manifest) === digest
}

/** Whether two manifests tell of one image; the indexes that it is in may be others. */
export function tellOfTheSame(one: ImageManifest, other: ImageManifest): boolean {
  const digest = shownDigest(one) ?? one.digest
  return digest !== undefined && tellsOf(other, digest)
}

/** Digest of the platform that a manifest tells of, where its own is that of an index. */
function shownDigest({ platform, platforms = [] }: ImageManifest): string | undefined {
  return platforms.find((each) => each.platform === platform)?.digest
}

/**
 * What is known of an image after another run had to do with it. The digest is the same, so the image is: how it was
 * made stays as it was told first, and what a run that did not look into it could not see is taken from before.
 */
export function withKnown(seen: ImageManifest, known: ImageManifest): ImageManifest {
  const { created, base = seen.base, platform, layers } = known
  // Tags name the index that the image is in.
  const tags = seen.digest === known.digest ? known.tags : []
  const inspected = isInspected(seen) ? seen : known
  const tests = seen.tests ?? known.tests
  const buildSeconds = known.buildSeconds ?? seen.buildSeconds
  return {
    ...seen,
    created,
    ...(buildSeconds !== undefined && { buildSeconds }),
    ...commitOf(seen, known),
    ...(base !== undefined && { base }),
    platform,
    size: { ...known.size, ...seen.size },
    tags: [...new Set([...seen.tags, ...tags])],
    layers: seen.layers.length > 0 ? seen.layers : layers,
    ...(tests !== undefined && { tests }),
    sections: inspected.sections,
    ...(inspected.os !== undefined && { os: inspected.os }),
    packages: inspected.packages,
  }
}

/** A manifest with the sizes of its platforms, as far as others tell more of the same digests. */
export function withSizes(manifest: ImageManifest, others: readonly ImageManifest[]): ImageManifest {
  if (manifest.platforms === undefined) return manifest
  const platforms = manifest.platforms.map(({ platform, digest, size }) => {
    const known = digest === undefined ? [] : others.map((other) => sizeOf(other, digest))
    const all = [...known, size].reduce((sum, each) => ({ ...sum, ...each }), {})
    return { platform, ...(digest !== undefined && { digest }), size: all }
  })
  return { ...manifest, platforms }
}

function sizeOf({ digest: own, size, platforms = [] }: ImageManifest, digest: string): ImageManifest["size"] {
  return own === digest ? size : (platforms.find((each) => each.digest === digest)?.size ?? {})
}

/** Manifests of images that their run took as they were, completed by those of runs that looked into the same images. */
export function completed(
  manifests: readonly ImageManifest[],
  others: readonly ImageManifest[],
): readonly ImageManifest[] {
  const inspected = others.filter(isInspected)
  return manifests.map((manifest) => {
    const sized = withSizes(manifest, others)
    if (isInspected(manifest)) return sized
    const known =
      inspected.find(({ digest }) => digest !== undefined && digest === manifest.digest) ??
      inspected.find((other) => tellOfTheSame(manifest, other))
    return known === undefined ? sized : withKnown(sized, known)
  })
}

/** The same commit may be told with less. */
function commitOf(seen: ImageManifest, known: ImageManifest): Pick<ImageManifest, "commit" | "source"> {
  const { commit = seen.commit, source = seen.source } = known
  return { ...(commit !== undefined && { commit }), ...(source !== undefined && { source }) }
}
