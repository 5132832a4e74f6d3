import type { ImageReference, Repository } from "../reference/reference.js"
import { formatReference, sameRepository } from "../reference/reference.js"
import type { ManifestStore, RegistryClient } from "./client.js"
import type { Manifest } from "./manifest.js"
import { readManifest } from "./manifest.js"
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

/**
 * Copies an image with all its platforms into another repository of the same registry. Layers are mounted.
 * @returns the digest
 * @throws RegistryError not-found, where the source names nothing; protocol, where the registry does not mount
 */
export async function copyImage(
  client: Pick<RegistryClient, "manifest" | "putManifest" | "mountBlob">,
  source: ImageReference,
  target: Repository,
  tag: string,
): Promise<string> {
  if (sameRepository(source, target)) return retag(client, source, tag)
  return copyManifest(client, source, target, tag)
}

/** A registry takes a manifest only when everything that it names is there. */
async function copyManifest(
  client: Pick<RegistryClient, "manifest" | "putManifest" | "mountBlob">,
  source: ImageReference,
  target: Repository,
  tag: string | undefined,
): Promise<string> {
  const manifest = await existing(client, source)
  const document = readManifest(manifest)
  const { registry, path } = source
  if (document.kind === "index") {
    for (const { digest } of document.manifests) {
      await copyManifest(client, { registry, path, digest }, target, undefined)
    }
  } else {
    const blobs = new Set([document.config, ...document.layers].map(({ digest }) => digest))
    await Promise.all([...blobs].map((digest) => client.mountBlob(source, target, digest)))
  }
  return client.putManifest(target, tag, manifest)
}

async function existing(store: Pick<ManifestStore, "manifest">, source: ImageReference): Promise<Manifest> {
  const manifest = await store.manifest(source)
  if (manifest !== undefined) return manifest
  throw new RegistryError({ kind: "not-found", message: `there is no image ${formatReference(source)}` })
}
