import type { Directory, File } from "@dagger.io/dagger"
import type { ScannerDatabase } from "../engine/scanner.js"
import { databaseEndings, ScannerError, scanBills } from "../engine/scanner.js"
import type { OpenSource } from "../gather/openSource.js"
import { openSource } from "../gather/openSource.js"
import { requireNamed } from "../gather/secretHosts.js"
import { isInspected } from "../manifest/knownImage.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { InputError, atOption } from "../problems.js"
import { globalStable, stableTagOf } from "../promote/tags.js"
import { componentsOf, imageComponent, missingLists } from "../sbom/components.js"
import { renderSbom } from "../sbom/sbom.js"
import { scannerProblem } from "../spec/vulnerabilityRules.js"
import { plainText } from "../text/markdown.js"
import { selectImages } from "../tree/tree.js"
import type { ScannedImage, VulnerabilityScan } from "../vulnerability/gate.js"
import { judgeScan } from "../vulnerability/gate.js"
import { exceptionsOf } from "../vulnerability/exceptions.js"
import type { GrypeReport } from "../vulnerability/grypeReport.js"
import { InvalidGrypeReport, readGrypeReport } from "../vulnerability/grypeReport.js"
import type { VexStatement } from "../vulnerability/openVex.js"
import { InvalidOpenVex, readOpenVex } from "../vulnerability/openVex.js"
import { pinsIn } from "../vulnerability/pins.js"
import type { VulnerabilityPolicy } from "../vulnerability/policy.js"
import { noPolicy } from "../vulnerability/policy.js"
import { renderVulnerabilities, wholePagePath } from "../vulnerability/render.js"
import type { ActionResult } from "./actionResult.js"
import { actionResult } from "./actionResult.js"
import type { ImageSet, ManifestSources } from "./imageSets.js"
import { imageSet, knownSets } from "./imageSets.js"

/** What a caller asks: the images of a tag, of the artifacts of a run, or those that the stable tags name. */
export interface ScanRequest extends ManifestSources {
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
export async function scanImages(request: ScanRequest): Promise<ActionResult> {
  const { wikiToken, wiki } = request
  requireNamed([{ option: "--wiki-token", secret: wikiToken, namedBy: { "--wiki": wiki } }])
  const database = await databaseOf(request)
  const source = await openSource(request.source)
  const policy = source.spec.vulnerabilities ?? noPolicy
  const scanner = scannerOf(request.scanner, policy)
  const statements = await readStatements(request.source, policy)
  const { images, notices, why } = await chosenImages(request, source)
  if (images.length === 0) return nothingScanned(why)
  try {
    const scan = await scanned(images, { scanner, database, source })
    return await outcomeOf({ scan, policy, statements, notices, why })
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
  if (database !== undefined) return databaseFile(database)
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

async function databaseFile(file: File): Promise<ScannerDatabase> {
  const name = await file.name()
  if (databaseEndings.some((ending) => name.endsWith(ending))) return { kind: "file", file, name }
  const message = `"${name}" is no database: its name ends with none of ${databaseEndings.join(", ")}`
  throw new InputError([{ location: atOption("--database"), message }])
}

function scannerOf(option: string | undefined, policy: VulnerabilityPolicy): string {
  const scanner = option ?? policy.scanner
  const location = atOption("--scanner")
  if (scanner === undefined) {
    const message = "neither given nor in the spec (vulnerabilities.scanner)"
    const hint = "the image of grype with its digest, such as anchore/grype:v0.121.2@sha256:..."
    throw new InputError([{ location, message, hint }])
  }
  const problem = scannerProblem(scanner)
  if (problem !== undefined) throw new InputError([{ location, ...problem }])
  return scanner
}

async function readStatements(
  source: Directory,
  policy: VulnerabilityPolicy,
): Promise<ReadonlyMap<string, readonly VexStatement[]>> {
  const read = policy.vex.map(async ({ path, location }) => {
    const text = (await source.exists(path)) ? await source.file(path).contents() : undefined
    if (text === undefined)
      throw new InputError([{ location, message: `there is no file "${path}" in the source` }])
    try {
      return [path, readOpenVex(text)] as const
    } catch (error) {
      if (!(error instanceof InvalidOpenVex)) throw error
      throw new InputError([{ location: { file: path, line: 1, column: 1 }, message: error.message }])
    }
  })
  return new Map(await Promise.all(read))
}

interface ChosenImages {
  /** One of each digest. */
  readonly images: readonly ImageManifest[]
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
  const blind = manifests
    .filter((manifest) => !isInspected(manifest))
    .map(({ reference }) => `${reference} is left out: no run looked into it`)
  // In the first weeks of a quarter there is no stable tag of it.
  const someMissing = stable && unknown.length < sets.length
  return {
    images: distinct(manifests.filter(isInspected)),
    notices: someMissing ? unknown : [],
    why: [...(someMissing ? [] : unknown), ...left, ...blind],
  }
}

/** A promoted image has the digest of the one that it was. */
function distinct(manifests: readonly ImageManifest[]): readonly ImageManifest[] {
  const byContent = manifests.map((each) => [`${each.name} ${each.digest ?? each.reference}`, each] as const)
  return [...new Map(byContent.toReversed()).values()].reverse()
}

interface ScanTools {
  readonly scanner: string
  readonly database: ScannerDatabase
  readonly source: OpenSource
}

async function scanned(
  images: readonly ImageManifest[],
  { scanner, database, source }: ScanTools,
): Promise<VulnerabilityScan> {
  const bills = new Map(images.map((manifest) => [manifest.reference, renderSbom(manifest, "spdx")]))
  const texts = await scanBills(scanner, database, bills)
  const reports = images.map((manifest) => {
    const { reference } = manifest
    const report = readGrypeReport(texts.get(reference) ?? "", `the report on ${reference}`)
    return { manifest, report }
  })
  const [first] = reports
  if (first === undefined) throw new ScannerError("there was nothing to scan")
  const names = images.map(({ name }) => name)
  return {
    scanner: first.report.scanner,
    databaseBuilt: first.report.databaseBuilt,
    images: reports.map(({ manifest, report }) => {
      const isTwice = names.indexOf(manifest.name) !== names.lastIndexOf(manifest.name)
      return scannedImage(manifest, report, source, isTwice)
    }),
  }
}

/** @param isTwice whether there are other images of the name, under another tag */
function scannedImage(
  manifest: ImageManifest,
  { findings }: GrypeReport,
  { spec, tree, files }: OpenSource,
  isTwice: boolean,
): ScannedImage {
  const { name, reference } = manifest
  const { purl, version } = imageComponent(manifest)
  // An image that is gone from the spec may be published all the same.
  const made = spec.images.has(name) ? selectImages(tree, [name]).toReversed() : []
  return {
    name: isTwice ? `${name}:${version ?? reference}` : name,
    reference,
    ...(purl !== undefined && { purl }),
    packages: componentsOf(manifest).length,
    missing: missingLists(manifest),
    findings,
    pins: pinsIn(
      files,
      made.map(({ image }) => image.directory),
    ),
  }
}

interface JudgedScan extends Pick<ChosenImages, "notices" | "why"> {
  readonly scan: VulnerabilityScan
  readonly policy: VulnerabilityPolicy
  readonly statements: ReadonlyMap<string, readonly VexStatement[]>
}

/** Images that nobody looked into are as good as ones that fail: what is in them is not known. */
function outcomeOf({ scan, policy, statements, notices, why }: JudgedScan): Promise<ActionResult> {
  const judged = judgeScan(scan, policy, exceptionsOf(policy, statements), new Date())
  const verdict = {
    ...judged,
    ok: judged.ok && why.length === 0,
    failures: [...judged.failures, ...why],
    notices: [...judged.notices, ...notices],
  }
  const page = { scan, verdict, policy }
  const { scanner, databaseBuilt } = scan
  const images = scan.images.map(({ name, reference, packages }) => ({ name, reference, packages }))
  return actionResult({
    ok: verdict.ok,
    report: { version: 1, kind: "scanned", scanner, databaseBuilt, policy, images, ...verdict },
    markdown: renderVulnerabilities(page, "failing"),
    files: new Map([[wholePagePath, renderVulnerabilities(page, "all")]]),
  })
}

function nothingScanned(why: readonly string[]): Promise<ActionResult> {
  const report = { version: 1, kind: "failed", why }
  const sentences = why.map((each) => `${plainText(each)}.`).join("\n\n")
  return actionResult({ ok: false, report, markdown: `# Nothing was scanned\n\n${sentences}\n` })
}
