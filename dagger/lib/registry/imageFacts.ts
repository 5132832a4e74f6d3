import * as z from "zod"
import type { ImageReference, Repository } from "../reference/reference.js"
import type { ManifestStore } from "./client.js"
import type { PlatformDigest } from "./joinIndex.js"
import { labels } from "./labels.js"
import type { Descriptor, IndexEntry, Manifest, ManifestDocument } from "./manifest.js"
import { mapOf, readManifest, shaped } from "./manifest.js"
import { parseJson, RegistryError } from "./registryError.js"

/** One step of an image's history, oldest first. */
export interface HistoryStep {
  readonly createdBy: string
  /** RFC 3339. */
  readonly created?: string
  /** The layer that it made; absent for a step that changes the configuration only. */
  readonly layer?: Descriptor
}

/** What the registry knows of an image: from its manifest and configuration, without its layers. */
export interface ManifestFacts {
  /** Of what the reference names: an index where there is one. */
  readonly digest: string
  /** Of the platform's own manifest; equal to `digest` where there is no index. */
  readonly manifestDigest: string
  /** `linux/amd64` */
  readonly platform: string
  /** RFC 3339. */
  readonly created?: string
  /** Labels of the configuration. */
  readonly labels: ReadonlyMap<string, string>
  /** Annotations of the manifest, and over them those of its index: that may be newer than what it lists. */
  readonly annotations: ReadonlyMap<string, string>
  /** Bytes of configuration and layers, as they are transferred. */
  readonly compressedBytes: number
  readonly layers: readonly Descriptor[]
  readonly history: readonly HistoryStep[]
}

/** The part of a registry that tells about images. */
export interface ImageStore extends Pick<ManifestStore, "manifest"> {
  blob(repository: Repository, descriptor: Pick<Descriptor, "digest">): Promise<Uint8Array>
}

const configDocument = z.object({
  created: z.string().nullish(),
  os: z.string().nullish(),
  architecture: z.string().nullish(),
  variant: z.string().nullish(),
  config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
  history: z
    .array(
      z.object({
        created: z.string().nullish(),
        created_by: z.string().nullish(),
        empty_layer: z.boolean().nullish(),
      }),
    )
    .nullish(),
})

/**
 * Everything about an image but its layers' content: two requests, three where there is an index.
 * @param platform which of an index's images; else one of another variant, else its first
 * @returns undefined where the reference names nothing
 * @throws RegistryError
 */
export async function imageFacts(
  store: ImageStore,
  reference: ImageReference,
  platform = "linux/amd64",
): Promise<ManifestFacts | undefined> {
  const named = await store.manifest(reference)
  return named === undefined ? undefined : factsOf(store, reference, named, platform)
}

/** Digest, and labels with annotations over them. */
export interface LabelledImage {
  readonly digest: string
  readonly labels: ReadonlyMap<string, string>
}

/**
 * An image's labels by as few requests as possible: this pipeline's images carry them as annotations too, so their
 * manifest says it all; others need their configuration.
 * @returns undefined where the reference names nothing
 * @throws RegistryError
 */
export async function imageLabels(
  store: ImageStore,
  reference: ImageReference,
): Promise<LabelledImage | undefined> {
  const named = await store.manifest(reference)
  return named === undefined ? undefined : labelledImage(store, reference, named)
}

/** The configuration of an image as it stands in the registry. */
export interface ConfigDocument {
  readonly digest: string
  readonly document: unknown
}

/**
 * An image's configuration, whole.
 * @returns undefined where the reference names nothing
 * @throws RegistryError
 */
export async function configDocumentOf(
  store: ImageStore,
  reference: ImageReference,
  platform: string,
): Promise<ConfigDocument | undefined> {
  const named = await store.manifest(reference)
  if (named === undefined) return undefined
  const { digest } = (await ownManifest(store, reference, named, platform)).document.config
  return { digest, document: parseJson(await store.blob(reference, { digest })) }
}

/** An image as a stack of some platforms sees it. */
export interface PlatformImage extends LabelledImage {
  /** Digest of the index that it is in, where that lists what was wanted and nothing else. */
  readonly index?: string
  /** Whether it is in an index of other platforms than were wanted. */
  readonly isPart: boolean
}

/**
 * One platform's image with its labels, and the index that it is in.
 * @param wanted the platforms that the image should be for
 * @returns undefined where the reference names nothing, or an index without the platform
 * @throws RegistryError
 */
export async function platformImage(
  store: ImageStore,
  reference: ImageReference,
  platform: string,
  wanted: readonly string[],
): Promise<PlatformImage | undefined> {
  const named = await store.manifest(reference)
  if (named === undefined) return undefined
  const document = readManifest(named)
  if (document.kind === "image") return { ...(await labelledImage(store, reference, named)), isPart: false }
  const images = document.manifests.filter((entry) => entry.platform !== undefined)
  const entry = images.find((each) => withoutVariant(each.platform ?? "") === platform)
  if (entry === undefined) return undefined
  const { registry, path } = reference
  const child = await store.manifest({ registry, path, digest: entry.digest })
  if (child === undefined) throw broken(named.digest, `its image ${entry.digest} is missing`)
  const image = await labelledImage(store, reference, child)
  const listed = new Set(images.map((each) => withoutVariant(each.platform ?? "")))
  const isExact = listed.size === wanted.length && wanted.every((each) => listed.has(each))
  return { ...image, isPart: !isExact, ...(isExact && { index: named.digest }) }
}

/**
 * What an index has for a platform: else for another variant of it, else its first.
 * @returns undefined where the reference names nothing, or an image
 * @throws RegistryError
 */
export async function indexedImage(
  store: Pick<ImageStore, "manifest">,
  reference: ImageReference,
  platform: string,
): Promise<PlatformDigest | undefined> {
  const named = await store.manifest(reference)
  const document = named && readManifest(named)
  if (named === undefined || document?.kind !== "index") return undefined
  const entry = chosen(document.manifests, platform, named.digest)
  return { platform: entry.platform ?? platform, digest: entry.digest }
}

/**
 * Everything that an index lists; nothing where the reference names an image, or nothing.
 * @returns each with its platform, `unknown` where the index does not say
 * @throws RegistryError
 */
export async function listedImages(
  store: Pick<ImageStore, "manifest">,
  reference: ImageReference,
): Promise<readonly PlatformDigest[]> {
  const named = await store.manifest(reference)
  const document = named && readManifest(named)
  if (document?.kind !== "index") return []
  return document.manifests.map(({ platform = "unknown", digest }) => ({ platform, digest }))
}

async function labelledImage(
  store: ImageStore,
  repository: Repository,
  named: Manifest,
): Promise<LabelledImage> {
  const { annotations } = readManifest(named)
  if (annotations.has(labels.inputKey)) return { digest: named.digest, labels: annotations }
  const facts = await factsOf(store, repository, named, undefined)
  return { digest: facts.digest, labels: new Map([...facts.labels, ...facts.annotations]) }
}

async function factsOf(
  store: ImageStore,
  repository: Repository,
  named: Manifest,
  platform: string | undefined,
): Promise<ManifestFacts> {
  const { manifest, document: own } = await ownManifest(store, repository, named, platform)
  const config = await readConfig(store, repository, own.config)
  const sizes = [own.config, ...own.layers].map(({ size }) => size)
  return {
    digest: named.digest,
    manifestDigest: manifest.digest,
    platform: platformOf(config),
    ...(typeof config.created === "string" && { created: config.created }),
    labels: mapOf(config.config?.Labels),
    annotations: new Map([...own.annotations, ...readManifest(named).annotations]),
    compressedBytes: sizes.reduce((sum, size) => sum + size, 0),
    layers: own.layers,
    history: historyOf(config, own.layers),
  }
}

/** Goes down from an index to the image of a platform. */
async function ownManifest(
  store: ImageStore,
  { registry, path }: Repository,
  manifest: Manifest,
  platform: string | undefined,
): Promise<{ readonly manifest: Manifest; readonly document: ManifestDocument & { kind: "image" } }> {
  const document = readManifest(manifest)
  if (document.kind === "image") return { manifest, document }
  const { digest } = chosen(document.manifests, platform, manifest.digest)
  const child = await store.manifest({ registry, path, digest })
  if (child === undefined) throw broken(manifest.digest, `its image ${digest} is missing`)
  const inner = readManifest(child)
  if (inner.kind === "index") throw broken(manifest.digest, "it lists another index")
  return { manifest: child, document: inner }
}

function chosen(entries: readonly IndexEntry[], platform: string | undefined, index: string): IndexEntry {
  const images = entries.filter((entry) => entry.platform !== undefined)
  const family = platform === undefined ? undefined : withoutVariant(platform)
  const entry =
    images.find((each) => each.platform === platform) ??
    images.find((each) => withoutVariant(each.platform ?? "") === family) ??
    images[0] ??
    entries[0]
  if (entry === undefined) throw broken(index, "it lists no image")
  return entry
}

/** `linux/amd64` of `linux/amd64/v2`; `linux/arm64/v8`, as all of the 64 bit are, is `linux/arm64`. */
export function withoutVariant(platform: string): string {
  return platform.split("/").slice(0, 2).join("/")
}

type Config = z.infer<typeof configDocument>

async function readConfig(store: ImageStore, repository: Repository, config: Descriptor): Promise<Config> {
  return shaped(configDocument, parseJson(await store.blob(repository, config)), config.digest)
}

function platformOf({ os, architecture, variant }: Config): string {
  return [os, architecture, variant].filter((part) => (part ?? "") !== "").join("/")
}

/** History steps that are not marked as empty made the layers, in the same order. */
function historyOf({ history }: Config, layers: readonly Descriptor[]): readonly HistoryStep[] {
  let next = 0
  return (history ?? []).map((step) => {
    const layer = step.empty_layer === true ? undefined : layers[next++]
    return {
      createdBy: step.created_by ?? "",
      ...(typeof step.created === "string" && { created: step.created }),
      ...(layer !== undefined && { layer }),
    }
  })
}

function broken(digest: string, why: string): RegistryError {
  return new RegistryError({ kind: "protocol", message: `the index ${digest} is broken: ${why}` })
}
