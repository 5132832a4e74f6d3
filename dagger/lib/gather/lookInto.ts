import { dag, Platform } from "@dagger.io/dagger"
import { engineMessage } from "../engine/engineError.js"
import { inspectImage } from "../engine/inspectImage.js"
import { ofPlatform } from "../engine/platform.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { ecosystems, manifestVersion } from "../manifest/manifestData.js"
import { osProbe, packageProbes, readOsRelease, readProbes } from "../manifest/packageProbes.js"
import type { ImageReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { ManifestFacts } from "../registry/imageFacts.js"
import { imageFacts } from "../registry/imageFacts.js"
import { labels } from "../registry/labels.js"
import { RegistryError } from "../registry/registryError.js"
import { manifestLayers } from "./publishedFacts.js"
import type { RegistrySession } from "./registrySession.js"

/** A published image that somebody wants to know all of. */
export interface LookedAt {
  /** What it is called in what comes of it. */
  readonly name: string
  readonly reference: ImageReference
  /** `linux/amd64`, which of an index's images. */
  readonly platform: string
}

/**
 * What a published image is and has in it: from its registry, and from a container of it, which pulls it where the engine
 * does not have it yet.
 * @returns why that is not known, where it is not
 */
export async function lookInto(session: RegistrySession, image: LookedAt): Promise<ImageManifest | string> {
  const written = formatReference(image.reference)
  try {
    session.expect([image.reference])
    const facts = await imageFacts(session.client, image.reference, image.platform)
    if (facts === undefined) return `there is no ${written}`
    await session.loginEngine([image.reference])
    return await described(image, facts)
  } catch (error) {
    return `${written}: ${error instanceof RegistryError ? error.message : engineMessage(error)}`
  }
}

async function described(
  { name, reference, platform }: LookedAt,
  facts: ManifestFacts,
): Promise<ImageManifest> {
  const { registry, path } = reference
  const pinned = formatReference({ registry, path, digest: facts.digest })
  const container = await ofPlatform(dag.container({ platform: platform as Platform }).from(pinned), platform)
  const probes = packageProbes.map(({ ecosystem, command }) => ({ key: ecosystem, command }))
  const found = await inspectImage(container, [{ key: "os", command: osProbe }, ...probes], true)
  if (found.results.size === 0) throw new Error(found.notices.join("; "))
  const answers = ecosystems.flatMap((ecosystem) => {
    const answer = found.results.get(ecosystem)
    return answer === undefined ? [] : [[ecosystem, answer] as const]
  })
  const osAnswer = found.results.get("os")
  const os = osAnswer === undefined ? undefined : readOsRelease(osAnswer)
  return {
    version: manifestVersion,
    name,
    reference: formatReference(reference),
    ...fromRegistry(facts),
    size: {
      compressed: facts.compressedBytes,
      ...(found.unpackedBytes !== undefined && { unpacked: found.unpackedBytes }),
    },
    tags: reference.tag === undefined ? [] : [reference.tag],
    sections: [],
    ...(os !== undefined && { os }),
    packages: readProbes(new Map(answers)),
  }
}

function fromRegistry(
  facts: ManifestFacts,
): Pick<ImageManifest, "digest" | "created" | "commit" | "platform" | "layers"> {
  const sha = facts.labels.get(labels.revision)
  return {
    digest: facts.digest,
    created: facts.created ?? "",
    ...(sha !== undefined && { commit: { sha } }),
    platform: facts.platform,
    layers: manifestLayers(facts),
  }
}
