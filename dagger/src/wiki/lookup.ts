import { parseManifest } from "../manifest/manifestData.js"
import { parseReference, sameRepository } from "../reference/reference.js"
import { manifestPath, manifestPathsOf, pagePath } from "./wikiFiles.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import type { ImageReference } from "../reference/reference.js"
import type { WikiFiles } from "./wikiFiles.js"

/** What a wiki has on an image. A page of the old pipeline has no data. */
export type WikiEntry =
  | {
      readonly kind: "manifest"
      readonly reference: string
      readonly page: string
      readonly manifest: ImageManifest
    }
  | { readonly kind: "page-only"; readonly reference: string; readonly page: string }
  | { readonly kind: "missing"; readonly reference: string; readonly page: string }

/** Looks an image up by its reference. @throws InvalidImageManifest, InvalidReference */
export function lookUp(files: WikiFiles, reference: string): WikiEntry {
  const parsed = parseReference(reference)
  const page = pagePath(parsed)
  const manifest = readManifest(files, manifestPath(parsed))
  if (manifest !== undefined && names(manifest, parsed))
    return { kind: "manifest", reference, page, manifest }
  return { kind: files.text(page) === undefined ? "missing" : "page-only", reference, page }
}

/** All manifests of a repository, whatever their tags. @throws InvalidImageManifest */
export function manifestsOf(files: WikiFiles, repository: ImageReference): readonly ImageManifest[] {
  return manifestPathsOf(files, repository)
    .map((path) => readManifest(files, path))
    .filter((manifest) => manifest !== undefined)
    .filter(({ reference }) => sameRepository(parseReference(reference), repository))
}

/**
 * The manifest that an image's page is compared with: the newest `<year>.<quarter>-stable` image of its repository;
 * for a stable image, that of an earlier quarter.
 */
export function baselineOf(files: WikiFiles, manifest: ImageManifest): ImageManifest | undefined {
  const own = parseReference(manifest.reference)
  const named = own.tag === "stable" ? parseReference(manifest.promotedFrom ?? manifest.reference) : own
  const quarter = quarterNumber(named.tag ?? "")
  if (quarter === undefined) return undefined
  const isStable = named.tag?.endsWith("-stable") === true
  return manifestsOf(files, own)
    .map((candidate) => ({ candidate, at: stableQuarter(candidate) ?? Infinity }))
    .filter(({ at }) => (isStable ? at < quarter : at <= quarter))
    .sort((a, b) => b.at - a.at)[0]?.candidate
}

function readManifest(files: WikiFiles, path: string): ImageManifest | undefined {
  const json = files.text(path)
  return json === undefined ? undefined : parseManifest(json, `${path} of the wiki`)
}

function names({ reference }: ImageManifest, expected: ImageReference): boolean {
  const named = parseReference(reference)
  return sameRepository(named, expected) && named.tag === expected.tag
}

function stableQuarter({ reference }: ImageManifest): number | undefined {
  const tag = parseReference(reference).tag ?? ""
  return tag.endsWith("-stable") ? quarterNumber(tag) : undefined
}

/** `2026.4-main` as a number that orders quarters. */
function quarterNumber(tag: string): number | undefined {
  const match = /^(\d{4})\.(\d+)-/.exec(tag)
  return match === null ? undefined : Number(match[1]) * 100 + Number(match[2])
}
