import type { ImageReference, Repository } from "../../dagger/lib/reference/reference.js"
import { digestOf } from "../../dagger/lib/registry/client.js"
import type { ManifestStore } from "../../dagger/lib/registry/client.js"
import type { Descriptor, Manifest } from "../../dagger/lib/registry/manifest.js"
import { mediaTypes } from "../../dagger/lib/registry/mediaTypes.js"

/**
 * Manifests in memory, for properties over very many interleavings; what a registry does with them is tested with a
 * real one. Every call waits for `turn` first, and then happens at once.
 */
export class MemoryStore implements ManifestStore {
  private readonly manifests = new Map<string, Manifest>()
  private readonly tags = new Map<string, string>()

  /** The same content, reached by somebody with other turns. */
  seenBy(turn: () => Promise<unknown>): ManifestStore {
    return {
      resolve: async (reference) => {
        await turn()
        return this.find(reference)
      },
      manifest: async (reference) => {
        await turn()
        return this.find(reference)
      },
      putManifest: async (repository, tag, manifest) => {
        await turn()
        return this.put(repository, tag, manifest)
      },
    }
  }

  resolve(reference: ImageReference): Promise<Descriptor | undefined> {
    return Promise.resolve(this.find(reference))
  }

  manifest(reference: ImageReference): Promise<Manifest | undefined> {
    return Promise.resolve(this.find(reference))
  }

  putManifest(
    repository: Repository,
    tag: string | undefined,
    manifest: Pick<Manifest, "bytes" | "mediaType">,
  ): Promise<string> {
    return Promise.resolve(this.put(repository, tag, manifest))
  }

  /** Puts an image that is nothing but its name. */
  image(repository: Repository, tag: string, content: string): string {
    const bytes = Buffer.from(JSON.stringify({ content }))
    return this.put(repository, tag, { bytes, mediaType: mediaTypes.ociManifest })
  }

  private find({ registry, path, tag, digest }: ImageReference): Manifest | undefined {
    const place = `${registry}/${path}`
    const found = digest ?? this.tags.get(`${place}:${tag ?? "latest"}`)
    return found === undefined ? undefined : this.manifests.get(`${place}@${found}`)
  }

  private put(
    { registry, path }: Repository,
    tag: string | undefined,
    { bytes, mediaType }: Pick<Manifest, "bytes" | "mediaType">,
  ): string {
    const digest = digestOf(bytes)
    this.manifests.set(`${registry}/${path}@${digest}`, { bytes, mediaType, digest, size: bytes.length })
    if (tag !== undefined) this.tags.set(`${registry}/${path}:${tag}`, digest)
    return digest
  }
}
