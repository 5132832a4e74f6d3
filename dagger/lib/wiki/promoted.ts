import { formatReference, parseReference } from "../reference/reference.js"
import { lookUp, manifestsOf } from "./lookup.js"
import { pagePath } from "./wikiFiles.js"
import { WikiProblem } from "./wikiIndex.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import type { PromotedPair } from "./change.js"
import type { WikiDraft, WikiFiles } from "./wikiFiles.js"

/**
 * The manifests of images under their new references. Images whose page the old pipeline wrote have none: their
 * page is copied by `copyOldPages`.
 * @throws WikiProblem naming every image whose page is missing or describes another digest
 */
export function promotedManifests(
  files: WikiFiles,
  images: readonly PromotedPair[],
): readonly ImageManifest[] {
  const problems = pageProblems(files, images)
  if (problems.length > 0) throw new WikiProblem(problems.join("\n"))
  return images.flatMap(({ from, to, digest }) => {
    const entry = lookUp(files, from)
    if (entry.kind !== "manifest") return []
    const tags = [...new Set([tagOf(to), ...entry.manifest.tags])]
    return [
      { ...entry.manifest, reference: plainReference(to), promotedFrom: plainReference(from), digest, tags },
    ]
  })
}

/** Why images cannot be promoted as far as the wiki is concerned; to be asked before a tag moves. */
export function pageProblems(files: WikiFiles, images: readonly PromotedPair[]): readonly string[] {
  return images.flatMap(({ from, digest }) => {
    const entry = lookUp(files, from)
    if (entry.kind === "missing")
      return [`the wiki has no page ${entry.page} for ${from}: publish its manifest first`]
    if (entry.kind === "page-only" || entry.manifest.digest === undefined) return []
    if (entry.manifest.digest === digest) return []
    return [
      `the wiki's page ${entry.page} describes ${entry.manifest.digest}, but ${from} is ${digest}: publish its manifest again`,
    ]
  })
}

/** Copies the pages that have no data, as the old pipeline did. */
export function copyOldPages(draft: WikiDraft, images: readonly PromotedPair[]): void {
  for (const { from, to } of images) {
    if (lookUp(draft, from).kind !== "page-only") continue
    draft.write(pagePath(parseReference(to)), draft.text(pagePath(parseReference(from))) ?? "")
  }
}

/**
 * Manifests of the same repositories whose list of tags is no longer right, as the given ones took a tag or got one.
 * @param given what a run or a promotion says of its images: of tags that they had before, nobody knows
 */
export function retagged(
  files: WikiFiles,
  current: readonly ImageManifest[],
  given: readonly Pick<ImageManifest, "reference" | "tags">[],
): readonly ImageManifest[] {
  const tagsOf = new Map(given.map(({ reference, tags }) => [plainReference(reference), tags]))
  const rewritten = new Set(current.map(({ reference }) => plainReference(reference)))
  return current.flatMap((manifest) => {
    const { digest, reference } = manifest
    if (digest === undefined) return []
    const tags = new Set([tagOf(reference), ...(tagsOf.get(plainReference(reference)) ?? [])])
    return manifestsOf(files, parseReference(reference))
      .filter((other) => !rewritten.has(plainReference(other.reference)))
      .flatMap((other) => {
        const left = other.tags.filter((tag) => !tags.has(tag) || other.digest === digest)
        const now = other.digest === digest ? [...new Set([...left, ...tags])] : left
        return now.length === other.tags.length ? [] : [{ ...other, tags: now }]
      })
  })
}

/** Without a digest, in the one form that documents keep. */
function plainReference(reference: string): string {
  const { registry, path, tag } = parseReference(reference)
  return formatReference({ registry, path, ...(tag !== undefined && { tag }) })
}

function tagOf(reference: string): string {
  return parseReference(reference).tag ?? "latest"
}
