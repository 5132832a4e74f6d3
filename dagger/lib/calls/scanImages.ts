import type { Directory, File } from "@dagger.io/dagger"
import type { ScannerDatabase } from "../engine/scanner.js"
import { ScannerError } from "../engine/scanner.js"
import type { OpenSource } from "../gather/openSource.js"
import { openSource } from "../gather/openSource.js"
import { requireNamed } from "../gather/secretHosts.js"
import type { SigningOptions } from "../gather/signing.js"
import { signerOf } from "../gather/signing.js"
import type { ScanTools } from "../gather/vulnerabilityScan.js"
import {
  databaseFile,
  labelledImages,
  scanManifests,
  scannableParts,
  scanToolsOf,
} from "../gather/vulnerabilityScan.js"
import type { PlatformManifest } from "../manifest/platformManifests.js"
import { InputError, atOption } from "../problems.js"
import { globalStable, stableTagOf } from "../promote/tags.js"
import { scannerProblem } from "../spec/vulnerabilityRules.js"
import { plainText } from "../text/markdown.js"
import type { VulnerabilityScan } from "../vulnerability/gate.js"
import { judgeScan } from "../vulnerability/gate.js"
import { InvalidGrypeReport } from "../vulnerability/grypeReport.js"
import { renderVulnerabilities, wholePagePath } from "../vulnerability/render.js"
import type { ActionOutcome } from "./actionOutcome.js"
import type { ImageSet, ManifestSources } from "./imageSets.js"
import { imageSet, knownSets } from "./imageSets.js"
import type { SignedScan } from "./signScan.js"

/** What a caller asks: the images of a tag, of the artifacts of a run, or those that the stable tags name. */
export interface ScanRequest extends ManifestSources, SigningOptions {
  readonly tag?: string | undefined
  readonly artifacts?: Directory | undefined
  /** Reference of grype's image; the spec's where not given. */
  readonly scanner?: string | undefined
  readonly database?: File | undefined
  readonly databaseImage?: string | undefined
  readonly databaseUrl?: string | undefined
}

/**
 * Looks the packages of images up in a database of vulnerabilities, and judges what is found by the spec's policy.
 * @throws InputError for mistakes in the options or the source
 */
export async function scanImages(request: ScanRequest): Promise<ActionOutcome> {
  const { wikiToken, wiki } = request
  requireNamed([{ option: "--wiki-token", secret: wikiToken, namedBy: { "--wiki": wiki } }])
  const database = await databaseOf(request)
  const source = await openSource(request.source)
  const tools = await scanToolsOf(request.source, source.spec, { scanner: request.scanner, database })
  const signer = await signerOf(request)
  const { images, notices, why } = await chosenImages(request, source)
  if (images.length === 0) return nothingScanned(why)
  const startedAt = Date.now()
  try {
    const scan = await scanManifests(labelledImages(images), tools, source)
    const times = { startedAt, endedAt: Date.now() }
    const judged = { scan, tools, notices, why }
    if (signer === undefined) return outcomeOf(judged)
    const { signScan } = await import("./signScan.js")
    return outcomeOf(judged, await signScan(images, { scan, tools, times, signer, request, source }))
  } catch (error) {
    if (error instanceof ScannerError || error instanceof InvalidGrypeReport)
      return nothingScanned([error.message])
    throw error
  }
}

async function databaseOf({ database, databaseImage, databaseUrl }: ScanRequest): Promise<ScannerDatabase> {
  const given = [database, databaseImage, databaseUrl].filter((each) => each !== undefined)
  if (given.length !== 1) {
    const message = "give one of --database, --database-image and --database-url"
    const hint = "what is known of vulnerabilities is always an input: see docs/vulnerabilities.md"
    throw new InputError([{ location: atOption("--database"), message, hint }])
  }
  if (database !== undefined) return databaseFile(database, "--database")
  if (databaseImage !== undefined) {
    const problem = scannerProblem(databaseImage)
    if (problem !== undefined) {
      throw new InputError([{ location: atOption("--database-image"), message: problem.message }])
    }
    return { kind: "image", reference: databaseImage }
  }
  const url = databaseUrl ?? ""
  if (!/^https?:\/\/[^\s@]+$/.test(url)) {
    const hint = "such as https://grype.anchore.io/databases"
    throw new InputError([
      { location: atOption("--database-url"), message: "it must be a URL without a login", hint },
    ])
  }
  return { kind: "url", url }
}

interface ChosenImages {
  /** One of each digest, each image on each of its platforms. */
  readonly images: readonly PlatformManifest[]
  readonly notices: readonly string[]
  /** Sentences on images that are asked for and were not looked into. */
  readonly why: readonly string[]
}

async function chosenImages(request: ScanRequest, { spec }: OpenSource): Promise<ChosenImages> {
  const { tag, artifacts } = request
  const stable = tag === undefined && artifacts === undefined
  const sets: readonly ImageSet[] = stable
    ? [globalStable, stableTagOf(spec.tags.prefix, spec.tags.form)].map((each) => ({
        kind: "tag",
        tag: each,
      }))
    : [imageSet({ tag: "--tag", artifacts: "--artifacts" }, tag, artifacts)]
  const known = await knownSets(sets, request)
  const unknown = known.filter((set) => typeof set === "string")
  const manifests = known.flatMap((set) => (typeof set === "string" ? [] : set.manifests))
  const left = known.flatMap((set) => (typeof set === "string" ? [] : set.notices))
  const { parts, blind } = scannableParts(manifests)
  // In the first weeks of a quarter there is no stable tag of it.
  const someMissing = stable && unknown.length < sets.length
  return {
    images: parts,
    notices: someMissing ? unknown : [],
    why: [...(someMissing ? [] : unknown), ...left, ...blind],
  }
}

interface JudgedScan extends Pick<ChosenImages, "notices" | "why"> {
  readonly scan: VulnerabilityScan
  readonly tools: ScanTools
}

/** Images that nobody looked into are as good as ones that fail: what is in them is not known. */
function outcomeOf(
  { scan, tools: { policy, exceptions }, notices, why }: JudgedScan,
  signed?: SignedScan,
): ActionOutcome {
  const judged = judgeScan(scan, policy, exceptions, new Date())
  const verdict = {
    ...judged,
    ok: judged.ok && why.length === 0,
    failures: [...judged.failures, ...why],
    notices: [...judged.notices, ...notices, ...(signed?.notices ?? [])],
  }
  const page = { scan, verdict, policy }
  const { scanner, databaseBuilt } = scan
  const images = scan.images.map(({ name, reference, packages }) => ({ name, reference, packages }))
  return {
    ok: verdict.ok && signed?.ok !== false,
    report: { version: 1, kind: "scanned", scanner, databaseBuilt, policy, images, ...verdict },
    markdown: renderVulnerabilities(page, "failing"),
    files: new Map([[wholePagePath, renderVulnerabilities(page, "all")]]),
  }
}

function nothingScanned(why: readonly string[]): ActionOutcome {
  const report = { version: 1, kind: "failed", why }
  const sentences = why.map((each) => `${plainText(each)}.`).join("\n\n")
  return { ok: false, report, markdown: `# Nothing was scanned\n\n${sentences}\n` }
}
