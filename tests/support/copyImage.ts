import type { ImageReference, Repository } from "../../dagger/lib/reference/reference.js"
import type { ManifestStore } from "../../dagger/lib/registry/client.js"
import { readManifest } from "../../dagger/lib/registry/manifest.js"

/**
 * Copies an image with all its platforms into another repository of the same registry, which asks for no login. Layers
 * are mounted.
 * @returns the digest
 */
export async function copyImage(
  store: Pick<ManifestStore, "manifest" | "putManifest">,
  source: ImageReference,
  target: Repository,
  tag: string | undefined,
): Promise<string> {
  const manifest = await store.manifest(source)
  if (manifest === undefined) throw new Error("there is no image to copy")
  const document = readManifest(manifest)
  const { registry, path } = source
  if (document.kind === "index") {
    for (const { digest } of document.manifests) {
      await copyImage(store, { registry, path, digest }, target, undefined)
    }
  } else {
    const blobs = new Set([document.config, ...document.layers].map(({ digest }) => digest))
    await Promise.all([...blobs].map((digest) => mountBlob(source, target, digest)))
  }
  return store.putManifest(target, tag, manifest)
}

/** A registry takes a manifest only when everything that it names is there. */
async function mountBlob(from: Repository, to: Repository, digest: string): Promise<void> {
  const query = new URLSearchParams({ mount: digest, from: from.path }).toString()
  const answer = await fetch(`http://${to.registry}/v2/${to.path}/blobs/uploads/?${query}`, {
    method: "POST",
  })
  if (answer.status !== 201) throw new Error(`${digest} was not mounted: ${answer.status}`)
}
