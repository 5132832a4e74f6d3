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
 * The manifest that an image's page is compared with: its newest stable image of a quarter, or of a version; for a stable
 * image, that of an earlier one.
 */
export function baselineOf(files: WikiFiles, manifest: ImageManifest): ImageManifest | undefined {
  const { reference, promotedFrom = reference, tagPrefix = "" } = manifest
  const isGlobal = setTagOf(manifest) === "stable"
  const tag = isGlobal ? setTagOf({ reference: promotedFrom, tagPrefix }) : setTagOf(manifest)
  const own = tagStartOf(tag)
  if (own === undefined) return undefined
  return manifestsOf(files, parseReference(reference))
    .filter((candidate) => (candidate.tagPrefix ?? "") === tagPrefix)
    .flatMap((candidate) => {
      const start = tagStartOf(setTagOf(candidate))
      return start?.isStable === true ? [{ candidate, numbers: start.numbers }] : []
    })
    .filter(({ numbers }) => compareNumbers(numbers, own.numbers) < (own.isStable ? 0 : 1))
    .sort((a, b) => compareNumbers(b.numbers, a.numbers))[0]?.candidate
}

function readManifest(files: WikiFiles, path: string): ImageManifest | undefined {
  const json = files.text(path)
  return json === undefined ? undefined : parseManifest(json, `${path} of the wiki`)
}

function names({ reference }: ImageManifest, expected: ImageReference): boolean {
  const named = parseReference(reference)
  return sameRepository(named, expected) && named.tag === expected.tag
}

/** The tag of a manifest's image without what tells it from other images of its repository. */
function setTagOf({ reference, tagPrefix = "" }: Pick<ImageManifest, "reference" | "tagPrefix">): string {
  const tag = parseReference(reference).tag ?? ""
  return tag.startsWith(tagPrefix) ? tag.slice(tagPrefix.length) : tag
}

/** What a tag begins with. */
interface TagStartNumbers {
  /** `2026.4-main` as a list that orders quarters, or versions. */
  readonly numbers: readonly number[]
  /** Whether it is the stable one of its quarter or version. */
  readonly isStable: boolean
}

function tagStartOf(tag: string): TagStartNumbers | undefined {
  const [, start, rest] = /^v?(\d+(?:\.\d+){1,3})(?:-(.*))?$/.exec(tag) ?? []
  if (start === undefined) return undefined
  const isStable = rest === undefined || rest === "stable" || rest.endsWith("-stable")
  return { numbers: start.split(".").map(Number), isStable }
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((number, position) => number !== b[position])
  return index === -1 ? a.length - b.length : (a[index] ?? 0) - (b[index] ?? 0)
}
