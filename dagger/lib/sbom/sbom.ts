import type { ImageManifest } from "../manifest/manifestData.js"
import { pageName } from "../manifest/pageName.js"
import { parseReference } from "../reference/reference.js"
import { platformInPaths } from "../spec/platforms.js"
import { renderCycloneDx } from "./cyclonedx.js"
import { renderSpdx } from "./spdx.js"

/** Formats of a software bill of materials: SPDX 2.3 and CycloneDX 1.6, both in JSON. */
export const sbomFormats = ["spdx", "cyclonedx"] as const
export type SbomFormat = (typeof sbomFormats)[number]

interface FormatFacts {
  /** Name and version. */
  readonly title: string
  readonly suffix: string
  readonly render: (manifest: ImageManifest) => string
}

const formats: Readonly<Record<SbomFormat, FormatFacts>> = {
  spdx: { title: "SPDX 2.3", suffix: "spdx.json", render: renderSpdx },
  cyclonedx: { title: "CycloneDX 1.6", suffix: "cdx.json", render: renderCycloneDx },
}

/** A format's name and version. */
export function formatTitle(format: SbomFormat): string {
  return formats[format].title
}

/** A bill of materials of what an image's manifest lists. */
export function renderSbom(manifest: ImageManifest, format: SbomFormat): string {
  return formats[format].render(manifest)
}

/**
 * Path of a bill of materials in the artifacts, by the name of the image's page.
 * @param platform that it is of, where it is another one than the page shows
 */
export function sbomPath({ reference }: ImageManifest, format: SbomFormat, platform?: string): string {
  const other = platform === undefined ? "" : `.${platformInPaths(platform)}`
  return `sbom/${pageName(parseReference(reference))}${other}.${formats[format].suffix}`
}
