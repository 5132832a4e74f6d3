import { parseManifest } from "../manifest/manifestData.js"
import { parseReference, sameRepository } from "../reference/reference.js"
import { manifestPath, pagePath } from "./wikiFiles.js"
import type { WikiFiles } from "./wikiFiles.js"

/**
 * Why images cannot have pages of their own; undefined where they can.
 * @throws InvalidImageManifest, InvalidReference
 */
export function pageNameProblem(files: WikiFiles, references: readonly string[]): string | undefined {
  return sharedPage(files, references) ?? sameButForCase(files, references)
}

/** Two repositories can have one page name (`a/b-c:1` and `a-b/c:1`): neither page may replace the other. */
function sharedPage(files: WikiFiles, references: readonly string[]): string | undefined {
  const owners = new Map<string, string>()
  for (const reference of references) {
    const parsed = parseReference(reference)
    const page = pagePath(parsed)
    const json = files.text(manifestPath(parsed))
    const owner =
      owners.get(page) ??
      (json === undefined ? reference : parseManifest(json, manifestPath(parsed)).reference)
    if (!sameRepository(parseReference(owner), parsed)) {
      return `${reference} and ${owner} would have the same page, ${page}: rename one of them`
    }
    owners.set(page, reference)
  }
  return undefined
}

/** A wiki finds pages without regard to case, and so do the file systems of many clones: one would hide the other. */
function sameButForCase(files: WikiFiles, references: readonly string[]): string | undefined {
  const known = new Set(files.paths)
  const pages = new Map(files.paths.map((path) => [path.toLowerCase(), path]))
  for (const reference of references) {
    const page = pagePath(parseReference(reference))
    if (known.has(page)) continue
    const other = pages.get(page.toLowerCase()) ?? page
    if (other !== page) {
      return `${reference} would have the page ${page}, and the wiki has ${other}: names of pages differ in more than their case; choose another tag, or remove that page`
    }
    pages.set(page.toLowerCase(), page)
  }
  return undefined
}
