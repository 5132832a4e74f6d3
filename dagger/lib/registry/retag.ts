import type { ImageReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { ManifestStore } from "./client.js"
import type { Manifest } from "./manifest.js"
import { RegistryError } from "./registryError.js"

/**
 * Gives an image another tag in its repository: two requests, the same bytes, so the same digest.
 * @returns the digest
 * @throws RegistryError not-found, where the source names nothing, and others
 */
export async function retag(
  store: Pick<ManifestStore, "manifest" | "putManifest">,
  source: ImageReference,
  tag: string,
): Promise<string> {
  return store.putManifest(source, tag, await existing(store, source))
}

async function existing(store: Pick<ManifestStore, "manifest">, source: ImageReference): Promise<Manifest> {
  const manifest = await store.manifest(source)
  if (manifest !== undefined) return manifest
  throw new RegistryError({ kind: "not-found", message: `there is no image ${formatReference(source)}` })
}
