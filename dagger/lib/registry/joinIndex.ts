import type { Repository } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { ManifestStore } from "./client.js"
import { mediaTypes } from "./mediaTypes.js"
import { RegistryError } from "./registryError.js"

/** One platform's image, as it is in the registry. */
export interface PlatformDigest {
  /** `linux/arm64` */
  readonly platform: string
  readonly digest: string
}

/**
 * Joins the images of several platforms under one tag, as an index (OCI image specification, "Image Index"): a HEAD for
 * each and one PUT; nothing of the images moves. The same images, annotations and order give the same digest.
 * @returns the digest of the index
 * @throws RegistryError not-found, where one of them is not in the repository, and others
 */
export async function joinIndex(
  store: Pick<ManifestStore, "resolve" | "putManifest">,
  repository: Repository,
  images: readonly PlatformDigest[],
  annotations: ReadonlyMap<string, string>,
  tag: string,
): Promise<string> {
  const manifests = await Promise.all(
    images.map(async ({ platform, digest }) => {
      const image = { ...repository, digest }
      const found = await store.resolve(image)
      if (found === undefined) {
        throw new RegistryError({ kind: "not-found", message: `there is no image ${formatReference(image)}` })
      }
      const [os, architecture, variant] = platform.split("/")
      const { mediaType, size } = found
      return {
        mediaType,
        digest,
        size,
        platform: { architecture, os, ...(variant !== undefined && { variant }) },
      }
    }),
  )
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests,
    ...(annotations.size > 0 && { annotations: Object.fromEntries([...annotations].toSorted()) }),
  }
  const bytes = Buffer.from(JSON.stringify(document))
  return store.putManifest(repository, tag, { bytes, mediaType: mediaTypes.ociIndex })
}
