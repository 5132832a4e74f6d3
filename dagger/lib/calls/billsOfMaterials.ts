import type { Directory } from "@dagger.io/dagger"
import { requireNamed } from "../gather/secretHosts.js"
import { isInspected } from "../manifest/knownImage.js"
import type { PlatformManifest } from "../manifest/platformManifests.js"
import { leftOut, manifestsByPlatform } from "../manifest/platformManifests.js"
import { InputError, atOption } from "../problems.js"
import { componentsOf, missingLists } from "../sbom/components.js"
import type { SbomFormat } from "../sbom/sbom.js"
import { formatTitle, renderSbom, sbomFormats, sbomPath } from "../sbom/sbom.js"
import { platformLabel } from "../spec/platforms.js"
import { plural } from "../text/format.js"
import { codeCell, plainText, table } from "../text/markdown.js"
import type { ActionOutcome } from "./actionOutcome.js"
import type { ManifestSources } from "./imageSets.js"
import { imageSet, knownSets } from "./imageSets.js"

/** What a caller asks: the images of a tag, or of the artifacts of a run. */
export interface SbomRequest extends ManifestSources {
  readonly tag?: string | undefined
  readonly artifacts?: Directory | undefined
  /** One of `sbomFormats`. */
  readonly format: string
}

/**
 * A software bill of materials of each image of a set.
 * @throws InputError for mistakes in the options or the source
 */
export async function billsOfMaterials(request: SbomRequest): Promise<ActionOutcome> {
  const { wikiToken, wiki } = request
  requireNamed([{ option: "--wiki-token", secret: wikiToken, namedBy: { "--wiki": wiki } }])
  const format = formatOf(request.format)
  const set = imageSet({ tag: "--tag", artifacts: "--artifacts" }, request.tag, request.artifacts)
  const [known = ""] = await knownSets([set], request)
  if (typeof known === "string") return nothingKnown(known)
  const parts = known.manifests.flatMap(manifestsByPlatform)
  return parts.some(({ manifest }) => isInspected(manifest))
    ? billsOf(parts, known.notices, format)
    : nothingKnown("no run looked into these images")
}

function formatOf(text: string): SbomFormat {
  const format = sbomFormats.find((each) => each === text)
  if (format !== undefined) return format
  const hint = `accepted: ${sbomFormats.join(", ")}`
  throw new InputError([{ location: atOption("--format"), message: `"${text}" is no format`, hint }])
}

function nothingKnown(why: string): ActionOutcome {
  const report = { version: 1, kind: "failed", why }
  return { ok: false, report, markdown: `# No bill of materials\n\n${why}.\n` }
}

/** A bill for each of those that a run looked into. @param parts of all images, each on each of its platforms */
export function billsOf(
  parts: readonly PlatformManifest[],
  notices: readonly string[],
  format: SbomFormat,
): ActionOutcome {
  const described = parts.filter(({ manifest }) => isInspected(manifest))
  const bills = described.map((part) => ({
    image: part.manifest.name,
    ...(part.platform !== undefined && { platform: part.platform }),
    reference: part.manifest.reference,
    path: pathOf(part, format),
    packages: componentsOf(part.manifest).length,
    missing: missingLists(part.manifest),
  }))
  const said = [
    ...notices,
    ...parts.filter(({ manifest }) => !isInspected(manifest)).map(leftOut),
    ...bills.flatMap(({ image, platform, missing }) =>
      missing.map((why) => `${platformLabel(image, platform)}: ${why}`),
    ),
  ]
  const images = new Set(bills.map(({ reference }) => reference))
  const packages = bills.reduce((sum, bill) => sum + bill.packages, 0)
  const rows = bills.map((bill) => [
    plainText(platformLabel(bill.image, bill.platform)),
    String(bill.packages),
    codeCell(bill.path),
  ])
  const lists = said.map((notice) => `- ${plainText(notice)}`).join("\n")
  return {
    ok: true,
    report: { version: 1, kind: "written", format, images: bills, notices: said },
    markdown: [
      `# Bills of materials (${formatTitle(format)})`,
      `${plural(images.size, "image")}, ${plural(packages, "package")}.`,
      table(["Image", "Packages", "File"], rows, "-r-"),
      ...(lists === "" ? [] : [lists]),
      "",
    ].join("\n\n"),
    files: new Map(described.map((part) => [pathOf(part, format), renderSbom(part.manifest, format)])),
  }
}

function pathOf({ platform, isShown, manifest }: PlatformManifest, format: SbomFormat): string {
  return sbomPath(manifest, format, isShown ? undefined : platform)
}
