import { ScannerError } from "../engine/scanner.js"
import { lookInto } from "../gather/lookInto.js"
import type { OpenSource } from "../gather/openSource.js"
import type { RegistrySession } from "../gather/registrySession.js"
import type { ScanTools } from "../gather/vulnerabilityScan.js"
import { scanManifests } from "../gather/vulnerabilityScan.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import type { ImageOutcome } from "../report/report.js"
import { isFailedOutcome } from "../report/report.js"
import { judgeScan } from "../vulnerability/gate.js"
import { InvalidGrypeReport } from "../vulnerability/grypeReport.js"
import type { ImageScan } from "../vulnerability/imageScan.js"
import { imageScanOf, joinedScan } from "../vulnerability/imageScan.js"
import { renderVulnerabilities, wholePagePath } from "../vulnerability/render.js"
import type { ArtifactTexts } from "./artifacts.js"
import type { EndedImage, PlatformEnd } from "./execution.js"
import { jobLabel } from "./execution.js"
import { namedOutcome } from "./joinPlatforms.js"
import type { LookedInto, ManifestContext } from "./manifests.js"
import { inspectedImages } from "./manifests.js"

/** What a run is scanned with. */
export interface RunScan {
  readonly tools: ScanTools
  readonly source: Pick<OpenSource, "spec" | "tree" | "files">
  readonly registry: RegistrySession
  readonly context: Omit<ManifestContext, "published">
}

/** Images after a scan, and what there is to read of it. */
export interface ScannedRun {
  readonly images: readonly EndedImage[]
  readonly texts: ArtifactTexts
}

/**
 * Looks up what is known of the packages of a run's images, before their tags move: of those that it has looked into, and
 * of those that get the tag as they are published, on each platform. One that the policy does not let pass has failed, and
 * so has one that nobody could look into.
 */
export async function scanEnded(images: readonly EndedImage[], run: RunScan): Promise<ScannedRun> {
  const inspected = inspectedImages(images, run.context).filter(
    ({ image }) => !isFailedOutcome(image.outcome),
  )
  const taken = await lookIntoTaken(images, run)
  const found = [...inspected, ...taken.flatMap((each) => ("manifest" in each ? [each] : []))]
  const blind = [
    ...unseenIn(images).map((image) => [image, "no run looked into it"] as const),
    ...taken.flatMap((each) => ("why" in each ? [[each.image, each.why] as const] : [])),
  ]
  const { scans, why, texts } = await scanAll(found, run)
  const failed = new Map([
    ...blind,
    ...(why === undefined ? [] : found.map(({ image }) => [image, why] as const)),
  ])
  return { images: images.map((image) => judged(image, scans, failed)), texts }
}

/** What the run has made, and could not ask for its packages: whatever is in it, no scan would find it. */
function unseenIn(images: readonly EndedImage[]): readonly EndedImage[] {
  const parts = images.flatMap((image) => image.platforms?.map((part) => part.image) ?? [image])
  return parts.filter(({ outcome: { kind }, record }) => {
    return (kind === "passed" || kind === "untested") && record.probes.size === 0
  })
}

/** What came of a scan of all. */
interface ScannedAll extends Pick<ScannedRun, "texts"> {
  readonly scans: ReadonlyMap<EndedImage, ImageScan>
  /** Why there is none. */
  readonly why?: string
}

async function scanAll(found: readonly LookedInto[], { tools, source }: RunScan): Promise<ScannedAll> {
  if (found.length === 0) return { scans: new Map(), texts: new Map() }
  const startedAt = Date.now()
  const named = found.map(({ image, manifest }) => ({ label: jobLabel(image.job), manifest }))
  try {
    const scan = await scanManifests(named, tools, source)
    const times = { startedAt, endedAt: Date.now() }
    const { policy, exceptions } = tools
    const scans = scan.images.flatMap((scanned, index) => {
      const image = found[index]?.image
      return image === undefined
        ? []
        : [[image, imageScanOf(scan, scanned, policy, exceptions, times)] as const]
    })
    const verdict = judgeScan(scan, policy, exceptions, new Date(times.endedAt))
    const page = renderVulnerabilities({ scan, verdict, policy }, "all")
    return { scans: new Map(scans), texts: new Map([[wholePagePath, page]]) }
  } catch (error) {
    if (!(error instanceof ScannerError || error instanceof InvalidGrypeReport)) throw error
    return { scans: new Map(), texts: new Map(), why: error.message }
  }
}

/** An image that gets a tag as it is published, looked into now; or why nobody knows what is in it. */
type TakenImage = LookedInto | { readonly image: EndedImage; readonly why: string }

function lookIntoTaken(
  images: readonly EndedImage[],
  { registry, context }: RunScan,
): Promise<readonly TakenImage[]> {
  const parts = images.flatMap((image): readonly Pick<PlatformEnd, "platform" | "image">[] =>
    image.published ? [] : (image.platforms ?? [{ platform: context.platform, image }]),
  )
  const retagged = parts.filter(({ image }) => image.outcome.kind === "retagged")
  return Promise.all(
    retagged.map(async ({ platform, image }): Promise<TakenImage> => {
      const { job, digest } = image
      if (digest === undefined) return { image, why: "its digest is not known" }
      const reference = { ...job.repository, digest }
      const found: ImageManifest | string = await lookInto(registry, { name: job.name, reference, platform })
      return typeof found === "string" ? { image, why: found } : { image, manifest: found }
    }),
  )
}

function judged(
  image: EndedImage,
  scans: ReadonlyMap<EndedImage, ImageScan>,
  failed: ReadonlyMap<EndedImage, string>,
): EndedImage {
  if (image.platforms === undefined) return withScan(image, scans.get(image), failed.get(image))
  const platforms = image.platforms.map((part) => ({
    ...part,
    image: withScan(part.image, scans.get(part.image), failed.get(part.image)),
  }))
  const scan = joinedScan(platforms.map((part) => part.image.scan))
  const whole = { ...image, platforms, scan }
  if (isFailedOutcome(image.outcome)) return whole
  const bad = platforms.find((part) => isFailedOutcome(part.image.outcome))
  return bad === undefined ? whole : { ...whole, outcome: namedOutcome(bad) }
}

function withScan(image: EndedImage, scan: ImageScan | undefined, why: string | undefined): EndedImage {
  if (why !== undefined)
    return endedBy(image, { kind: "check-failed", message: `it could not be scanned: ${why}` })
  if (scan === undefined) return image
  const { found, failures } = scan
  image.record.say(`scanned: ${found.length} known vulnerabilities`)
  const scanned = { ...image, scan }
  return failures.length === 0
    ? scanned
    : endedBy(scanned, { kind: "vulnerable", message: failures.join("; ") })
}

function endedBy(image: EndedImage, outcome: ImageOutcome): EndedImage {
  if ("message" in outcome) image.record.say(outcome.message)
  return { ...image, outcome }
}
