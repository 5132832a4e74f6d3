import type { ImageManifest, InfoSection } from "../manifest/manifestData.js"
import { ecosystems, formatManifest, manifestVersion } from "../manifest/manifestData.js"
import { isInspected } from "../manifest/knownImage.js"
import { pageName } from "../manifest/pageName.js"
import { manifestsByPlatform, platformEntry } from "../manifest/platformManifests.js"
import { readOsRelease, readProbes } from "../manifest/packageProbes.js"
import { renderPage } from "../manifest/page.js"
import { webAddress } from "../git/webAddress.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { labels } from "../registry/labels.js"
import type { SourceFacts } from "../report/report.js"
import { platformInPaths } from "../spec/platforms.js"
import type { Spec } from "../spec/spec.js"
import { renderSbom, sbomPath } from "../sbom/sbom.js"
import { countTests } from "../testing/testRun.js"
import type { PublishedFacts } from "../gather/publishedFacts.js"
import { infoProbe } from "./checkTags.js"
import type { EndedImage, ImageJob } from "./execution.js"
import type { ImageRecord } from "./record.js"

/** What all manifests of a run share. */
export interface ManifestContext {
  readonly spec: Spec
  readonly tag: string
  readonly platform: string
  /** When the run started, milliseconds since 1970. */
  readonly startedAt: number
  readonly source: SourceFacts
  readonly remoteUrl?: string | undefined
  /** What the registry knows of an image that was published: layers and sizes. */
  readonly published: ReadonlyMap<string, PublishedFacts>
}

/**
 * Manifest pages with their data, by path in the artifacts: of the images that this run looked into, and of those that
 * it took from the registry as they are, with what is known there. Of the former a software bill of materials, too.
 */
export function renderManifests(
  images: readonly EndedImage[],
  context: ManifestContext,
): readonly (readonly [string, string])[] {
  const shown = images.map(shownImage)
  return shown
    .filter(({ job }) => job.isPublished)
    .filter(({ record, digest }) => record.probes.size > 0 || digest !== undefined)
    .flatMap((image) => {
      const manifest = manifestOf(image, shown, context)
      const page = pageName(underTag(image.job.repository, context.tag))
      return [
        [`manifests/${page}.md`, renderPage(manifest)] as const,
        [`manifests/${page}.json`, formatManifest(manifest)] as const,
        ...shownBill(manifest),
        ...otherPlatforms(image, shown, context, page),
      ]
    })
}

/** The bill of materials of the platform that a page shows. */
function shownBill(manifest: ImageManifest): readonly (readonly [string, string])[] {
  return manifestsByPlatform(manifest)
    .filter((part) => part.isShown && isInspected(part.manifest))
    .map(({ manifest: own }) => [sbomPath(own, "spdx"), renderSbom(own, "spdx")] as const)
}

/** What a run has looked into: an image, or what it is on one of several platforms. */
export interface LookedInto {
  readonly image: EndedImage
  readonly manifest: ImageManifest
}

/** What a run has looked into, as its manifests tell before anything is asked of the registry. */
export function inspectedImages(
  images: readonly EndedImage[],
  context: Omit<ManifestContext, "published">,
): readonly LookedInto[] {
  const shown = images.map(shownImage)
  return images
    .flatMap((image) => image.platforms?.map((part) => part.image) ?? [image])
    .map((image) => ({ image, manifest: manifestOf(image, shown, { ...context, published: new Map() }) }))
    .filter(({ manifest }) => isInspected(manifest))
}

/**
 * An image as its page shows it: of several platforms the first tells what is in it. Where nothing of it is published, it
 * is the first that the run looked into: the others may be as they are published.
 */
function shownImage(image: EndedImage): EndedImage {
  const { digest, published, furtherTags, platforms = [] } = image
  const seen = digest === undefined ? platforms.find((each) => each.image.record.probes.size > 0) : undefined
  const shown = seen ?? platforms[0]
  if (shown === undefined) return image
  return { ...shown.image, digest, published, ...(furtherTags && { furtherTags }), platforms }
}

/** What a run has seen in an image on its other platforms: for each a page, its data and a bill of materials. */
function otherPlatforms(
  { job, platforms = [] }: EndedImage,
  all: readonly EndedImage[],
  context: ManifestContext,
  page: string,
): readonly (readonly [string, string])[] {
  const others = platforms.filter(({ image }) => image.job !== job)
  return others.flatMap(({ platform, image }) => {
    const facts = context.published.get(factsName(job.name, platform))
    const manifest = { ...manifestOf(image, all, context, facts), platform }
    if (!isInspected(manifest)) return []
    const folder = platformInPaths(platform)
    return [
      [`manifests/${folder}/${page}.md`, renderPage(manifest)] as const,
      [`manifests/${folder}/${page}.json`, formatManifest(manifest)] as const,
      [sbomPath(manifest, "spdx", platform), renderSbom(manifest, "spdx")] as const,
    ]
  })
}

/** What an image is on each of several platforms; what is in the one that the page shows, stands in its own place. */
function platformsOf(
  { job, platforms }: EndedImage,
  { published }: ManifestContext,
): Pick<ImageManifest, "platforms"> {
  if (platforms === undefined || platforms.length < 2) return {}
  const found = platforms.map(({ platform, image }) => {
    const { digest, record } = image
    const compressed = published.get(factsName(job.name, platform))?.compressedBytes
    const { unpackedBytes: unpacked } = record.outside
    const size = {
      ...(compressed !== undefined && { compressed }),
      ...(unpacked !== undefined && { unpacked }),
    }
    const told = { digest, size, ...osOf(record), packages: packagesOf(record) }
    return platformEntry(platform, told, image.job === job)
  })
  return { platforms: found }
}

/** What facts of an image's part are called, beside those of the image. */
export function factsName(image: string, platform: string): string {
  return `${image} ${platform}`
}

function manifestOf(
  image: EndedImage,
  all: readonly EndedImage[],
  context: ManifestContext,
  registry = context.published.get(image.job.name),
): ImageManifest {
  const { job, digest, record, published } = image
  const { unpackedBytes } = record.outside
  const { platform } = context
  const reference = underTag(job.repository, context.tag)
  const { tagPrefix } = job.repository
  return {
    version: manifestVersion,
    name: job.name,
    reference: formatReference(reference),
    ...(tagPrefix !== undefined && { tagPrefix }),
    ...(digest !== undefined && { digest }),
    ...(job.action === "build" ? madeNow(context) : madeEarlier(context, registry?.labels)),
    ...buildTime(image),
    ...builtOn(image, all, context, registry?.labels),
    // What it is there, whatever its Dockerfile made of the platform that it was built for.
    platform: registry?.platform ?? job.platform ?? platform,
    ...platformsOf(image, context),
    size: {
      ...(registry !== undefined && { compressed: registry.compressedBytes }),
      ...(unpackedBytes !== undefined && { unpacked: unpackedBytes }),
    },
    tags: [...(published ? [reference.tag] : []), ...(image.furtherTags ?? [])],
    layers: layersOf(image, all, context.spec, registry),
    ...testsOf(record),
    sections: sectionsOf(image, context.spec),
    ...osOf(record),
    packages: packagesOf(record),
  }
}

/** When an image was made, and from what. */
type Making = Pick<ImageManifest, "created" | "commit" | "source">

function madeNow({ source, remoteUrl, startedAt }: ManifestContext): Making {
  const { commit: sha, message, committedAt: time } = source
  const address = remoteUrl === undefined ? undefined : webAddress(remoteUrl)
  return {
    created: timeText(startedAt),
    ...(sha !== undefined && {
      commit: { sha, ...(message !== undefined && { message }), ...(time !== undefined && { time }) },
    }),
    ...(address !== undefined && { source: address }),
  }
}

/** Of an image that this run took from the registry its labels know; the commit's time is the nearest to its own. */
function madeEarlier({ startedAt }: ManifestContext, found: ReadonlyMap<string, string> = new Map()): Making {
  const [sha, time, address] = [labels.revision, labels.created, labels.source].map((name) => found.get(name))
  return {
    created: time ?? timeText(startedAt),
    ...(sha !== undefined && { commit: { sha, ...(time !== undefined && { time }) } }),
    ...(address !== undefined && { source: address }),
  }
}

/** In whole seconds: less is noise, and other bytes for each run. */
function buildTime({ record }: EndedImage): Pick<ImageManifest, "buildSeconds"> {
  const build = record.steps.find(({ name }) => name === "build")
  return build === undefined ? {} : { buildSeconds: Math.round(build.milliseconds / 1000) }
}

/** What an image is built on: the nearest published one of the tree, else the image that its Dockerfile or its labels name. */
function builtOn(
  { job }: EndedImage,
  all: readonly EndedImage[],
  { spec, tag }: ManifestContext,
  found: ReadonlyMap<string, string> = new Map(),
): Pick<ImageManifest, "base"> {
  const parentOf = (name: string) => all.find((other) => other.job.name === spec.images.get(name)?.parent)
  let bottom: ImageJob = job
  let parent = parentOf(job.name)
  while (parent !== undefined && !parent.job.isPublished) {
    bottom = parent.job
    parent = parentOf(parent.job.name)
  }
  if (parent !== undefined) {
    const reference = formatReference(underTag(parent.job.repository, tag))
    return { base: parent.digest === undefined ? { reference } : { reference, digest: parent.digest } }
  }
  if (job.action === "build") return bottom.base === undefined ? {} : { base: bottom.base }
  const [reference, digest] = [found.get(labels.baseName), found.get(labels.baseDigest)]
  return reference === undefined ? {} : { base: { reference, ...(digest !== undefined && { digest }) } }
}

/** As the engine describes a layer that it took from a registry; the second where it had the layer already. */
const pulledFrom = /^(?:pulled from (\S+)|created by buildkit$)/

/**
 * The layers of an image. The engine keeps a layer once, described by the image that brought it first: where that one
 * is not in the lineage of this image, it merely shares layers with what this one is built on, which is named instead.
 */
function layersOf(
  { job }: EndedImage,
  all: readonly EndedImage[],
  spec: Spec,
  { layers = [] }: Partial<PublishedFacts> = {},
): ImageManifest["layers"] {
  const lineage: ImageJob[] = [job]
  for (const { name } of lineage) {
    const parent = all.find((other) => other.job.name === spec.images.get(name)?.parent)
    if (parent !== undefined) lineage.push(parent.job)
  }
  const base = lineage.flatMap((each) => each.base ?? [])[0]
  if (base === undefined) return [...layers]
  const { registry, path } = parseReference(base.reference)
  const names = [...lineage.map(({ repository }) => repository), { registry, path }].map(formatReference)
  const first = layers.findIndex(({ command }) => !pulledFrom.test(command))
  return layers.map((layer, index) => {
    if (first !== -1 && index >= first) return layer
    const [, brought = ""] = pulledFrom.exec(layer.command) ?? []
    // With a tag, a digest or both behind the name.
    if (names.includes(brought.split(/:[^/]*$|@/)[0] ?? "")) return layer
    const { reference, digest } = base
    return { ...layer, command: `pulled from ${reference}${digest === undefined ? "" : `@${digest}`}` }
  })
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function testsOf({ suites }: ImageRecord): Pick<ImageManifest, "tests"> {
  if (suites.length === 0) return {}
  const tests = suites.flatMap(({ run }) => run.tests)
  const { passed, failed, skipped } = countTests(tests)
  const errors = tests.filter((test) => test.outcome === "error").length
  const seconds = suites.reduce((sum, { run }) => sum + run.seconds, 0)
  return { tests: { passed, failed: failed - errors, skipped, errors, seconds } }
}

function sectionsOf({ record, job }: EndedImage, spec: Spec): InfoSection[] {
  return (spec.images.get(job.name)?.infoCommands ?? []).flatMap((key) => {
    const info = spec.infoCommands.get(key)
    const answer = record.probes.get(infoProbe(key))
    if (info === undefined || answer === undefined) return []
    const output = answer.exitCode === 0 ? answer.stdout : `${answer.stdout}${answer.stderr}`
    return [{ key, description: info.description, command: info.command, output, exitCode: answer.exitCode }]
  })
}

function osOf({ probes }: ImageRecord): Pick<ImageManifest, "os"> {
  const answer = probes.get("os")
  const os = answer === undefined ? undefined : readOsRelease(answer)
  return os === undefined ? {} : { os }
}

function packagesOf({ probes }: ImageRecord): ImageManifest["packages"] {
  const answers = ecosystems.flatMap((ecosystem) => {
    const answer = probes.get(`packages:${ecosystem}`)
    return answer === undefined ? [] : [[ecosystem, answer] as const]
  })
  return readProbes(new Map(answers))
}
