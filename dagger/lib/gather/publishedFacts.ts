import type { ImageManifest } from "../manifest/manifestData.js"
import type { ImageReference, Repository } from "../reference/reference.js"
import type { RegistryClient } from "../registry/client.js"
import type { ManifestFacts } from "../registry/imageFacts.js"
import { imageFacts } from "../registry/imageFacts.js"
import { RegistryError } from "../registry/registryError.js"

/** What only the registry knows of a published image, for its manifest page. */
export type PublishedFacts = Pick<ImageManifest, "layers" | "platform"> & {
  readonly compressedBytes: number
  /** How it was made, as its labels tell. */
  readonly labels: ReadonlyMap<string, string>
}

/** Layers and sizes of the images that are in the registry. @param platform which image of an index */
export async function publishedFacts(
  client: RegistryClient,
  images: readonly {
    readonly name: string
    readonly repository: Repository
    readonly digest?: string | undefined
  }[],
  platform: string,
): Promise<ReadonlyMap<string, PublishedFacts>> {
  const found = await Promise.all(
    images.map(async ({ name, repository, digest }) => {
      if (digest === undefined) return undefined
      const facts = await factsOf(client, { ...repository, digest }, platform)
      return facts === undefined ? undefined : ([name, facts] as const)
    }),
  )
  return new Map(found.filter((entry) => entry !== undefined))
}

async function factsOf(
  client: RegistryClient,
  image: ImageReference,
  platform: string,
): Promise<PublishedFacts | undefined> {
  try {
    const facts = await imageFacts(client, image, platform)
    if (facts === undefined) return undefined
    const { compressedBytes, platform: own, labels } = facts
    return { compressedBytes, platform: own, layers: manifestLayers(facts), labels }
  } catch (error) {
    // A page without a layer table is better than a run that fails after everything was published.
    if (error instanceof RegistryError) return undefined
    throw error
  }
}

/** An image's history as its manifest page has it. */
export function manifestLayers({ history }: Pick<ManifestFacts, "history">): ImageManifest["layers"] {
  return history.map(({ createdBy, created, layer }) => ({
    command: createdBy,
    size: layer?.size ?? 0,
    ...(created !== undefined && { created }),
  }))
}
