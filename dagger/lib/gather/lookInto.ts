import { dag, Platform } from "@dagger.io/dagger"
import { engineMessage } from "../engine/engineError.js"
import { inspectImage } from "../engine/inspectImage.js"
import type { RunnablePlatforms } from "../engine/platform.js"
import { ofPlatform, runnablePlatforms, thisEngine } from "../engine/platform.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { ecosystems, manifestVersion } from "../manifest/manifestData.js"
import { platformEntry } from "../manifest/platformManifests.js"
import { osProbe, packageProbes, readOsRelease, readProbes } from "../manifest/packageProbes.js"
import type { ImageReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { ManifestFacts } from "../registry/imageFacts.js"
import { imageFacts, listedImages, withoutVariant } from "../registry/imageFacts.js"
import type { PlatformDigest } from "../registry/joinIndex.js"
import { labels } from "../registry/labels.js"
import { RegistryError } from "../registry/registryError.js"
import { listOf } from "../text/format.js"
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

/** What a published image is on each platform that somebody wants to know of, as one manifest. */
export interface LookedIntoEach {
  readonly manifest: ImageManifest
  /** Sentences on platforms that could not be looked into. */
  readonly notices: readonly string[]
}

/**
 * The same of each image of an index: of those platforms whose programs the engine runs. An image that is in no index, or
 * in one with only one of the wanted platforms, is told of as `lookInto` does.
 * @param image with the platform that is told of first @param wanted platforms, that one among them
 * @returns why that one is not known, where it is not
 */
export async function lookIntoEach(
  session: RegistrySession,
  image: LookedAt,
  wanted: readonly string[],
  engine = thisEngine,
): Promise<LookedIntoEach | string> {
  const parts = await wantedParts(session, image.reference, wanted)
  if (typeof parts === "string") return parts
  if (parts.length < 2) {
    const found = await lookInto(session, image)
    return typeof found === "string" ? found : { manifest: found, notices: [] }
  }
  const runnable = await runnablePlatforms(
    parts.map(({ platform }) => platform),
    engine,
  )
  const looked = await Promise.all(
    parts.map(async (part) => {
      const found = runnable.able.includes(part.platform)
        ? await lookInto(session, { ...image, platform: part.platform })
        : undefined
      return { ...part, found }
    }),
  )
  return joinedManifest(image, looked, leftOutOf(image, runnable))
}

/** The images of an index that are for the wanted platforms, in its order; none of what is no index. */
async function wantedParts(
  session: RegistrySession,
  reference: ImageReference,
  wanted: readonly string[],
): Promise<readonly PlatformDigest[] | string> {
  if (wanted.length < 2) return []
  try {
    session.expect([reference])
    const listed = await listedImages(session.client, reference)
    return listed
      .map(({ platform, digest }) => ({ platform: withoutVariant(platform), digest }))
      .filter(({ platform }) => wanted.includes(platform))
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return `${formatReference(reference)}: ${error.message}`
  }
}

/** One platform of an index: what is in it, why that is not known, or nothing where nobody has looked. */
export interface LookedPart extends PlatformDigest {
  readonly found: ImageManifest | string | undefined
}

function leftOutOf({ reference }: LookedAt, { own, unable }: RunnablePlatforms): readonly string[] {
  if (unable.length === 0) return []
  const written = formatReference(reference)
  return [
    `${written} is not looked into for ${listOf(unable)}, whose programs this engine of ${own} does not run`,
  ]
}

/** The images of an index as one manifest, which shows the platform that is asked for, else the first that is known. */
export function joinedManifest(
  { reference, platform: first }: LookedAt,
  looked: readonly LookedPart[],
  notices: readonly string[],
): LookedIntoEach | string {
  const known = looked.flatMap(({ platform, found }) =>
    typeof found === "object" ? [{ platform, found }] : [],
  )
  const failed = looked.flatMap(({ found }) => (typeof found === "string" ? [found] : []))
  const shown = known.find(({ platform }) => platform === first) ?? known[0]
  if (shown === undefined) return failed[0] ?? notices[0] ?? `${formatReference(reference)} lists nothing`
  const platforms = looked.map(({ platform, digest, found }) => {
    const { size, os, packages } =
      typeof found === "object" ? found : { size: {}, os: undefined, packages: {} }
    return platformEntry(platform, { digest, size, os, packages }, platform === shown.platform)
  })
  return {
    manifest: { ...shown.found, platform: shown.platform, platforms },
    notices: [...notices, ...failed],
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
