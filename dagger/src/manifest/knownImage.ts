import type { ImageManifest } from "./manifestData.js"

/** Whether somebody looked into the image; else its manifest has only what the registry tells. */
export function isInspected({ packages, sections }: ImageManifest): boolean {
  return Object.keys(packages).length > 0 || sections.length > 0
}

/**
 * What is known of an image after another run had to do with it. The digest is the same, so the image is: how it was
 * made stays as it was told first, and what a run that did not look into it could not see is taken from before.
 */
export function withKnown(seen: ImageManifest, known: ImageManifest): ImageManifest {
  const { created, base = seen.base, platform, layers } = known
  const inspected = isInspected(seen) ? seen : known
  const tests = seen.tests ?? known.tests
  return {
    ...seen,
    created,
    ...commitOf(seen, known),
    ...(base !== undefined && { base }),
    platform,
    size: { ...known.size, ...seen.size },
    tags: [...new Set([...seen.tags, ...known.tags])],
    layers: seen.layers.length > 0 ? seen.layers : layers,
    ...(tests !== undefined && { tests }),
    sections: inspected.sections,
    ...(inspected.os !== undefined && { os: inspected.os }),
    packages: inspected.packages,
  }
}

/** Manifests of images that their run took as they were, completed by those of runs that looked into the same digests. */
export function completed(
  manifests: readonly ImageManifest[],
  others: readonly ImageManifest[],
): readonly ImageManifest[] {
  const inspected = new Map(
    others.filter(isInspected).flatMap((each) => (each.digest === undefined ? [] : [[each.digest, each]])),
  )
  return manifests.map((manifest) => {
    const digests = [manifest.digest ?? [], shownDigest(manifest) ?? []].flat()
    const [known] = digests.flatMap((digest) => inspected.get(digest) ?? [])
    return known === undefined || isInspected(manifest) ? manifest : withKnown(manifest, known)
  })
}

/** Digest of the platform that a manifest tells of, where it is that of an index. */
function shownDigest({ platform, platforms = [] }: ImageManifest): string | undefined {
  return platforms.find((each) => each.platform === platform)?.digest
}

/** The same commit may be told with less. */
function commitOf(seen: ImageManifest, known: ImageManifest): Pick<ImageManifest, "commit" | "source"> {
  const { commit = seen.commit, source = seen.source } = known
  return { ...(commit !== undefined && { commit }), ...(source !== undefined && { source }) }
}
