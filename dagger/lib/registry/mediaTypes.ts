/** Media types of manifests: OCI image specification, and Docker's image manifest version 2, schema 2. */
export const mediaTypes = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const

/** All types that are accepted: with one of them missing, an existing image looks missing to the registry. */
export const acceptedManifests: readonly string[] = Object.values(mediaTypes)

/** Whether a manifest of this type lists manifests of several platforms. */
export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList
}

/** The configuration of a manifest that is no image (OCI image specification 1.1, "Guidance for an empty descriptor"). */
export const emptyConfig = "application/vnd.oci.empty.v1+json"
