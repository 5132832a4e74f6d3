import { diffManifests } from "../manifest/diff.js"
import { isInspected, toldOfTheSame, withKnown, withPlatforms } from "../manifest/knownImage.js"
import { formatManifest } from "../manifest/manifestData.js"
import { renderPage } from "../manifest/page.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { listOf } from "../text/format.js"
import { homeProblem, renderHome, rowsOnPages } from "./home.js"
import { commitCell, commitCellOf, formatHomeRow } from "./homeRow.js"
import { baselineOf, manifestsOf } from "./lookup.js"
import { pageNameProblem } from "./ownPages.js"
import { copyOldPages, promotedManifests, retagged } from "./promoted.js"
import { nextStable, renderStableTag, stableTagPath } from "./stableTag.js"
import { renderTrend, renderTrends } from "./trendPicture.js"
import { figuresOf, trendImage, trendOf, trendsOfNewest } from "./trends.js"
import { homeTrendPath, indexPath, manifestPath, pagePath, trendPath, WikiDraft } from "./wikiFiles.js"
import { addRow, adoptRows, formatIndex, parseIndex, WikiProblem } from "./wikiIndex.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import type { PageExtras } from "../manifest/page.js"
import type { ImageReference } from "../reference/reference.js"
import type { PromotedPair, WikiChange } from "./change.js"
import type { WikiLinks } from "./homeRow.js"
import type { WikiFiles } from "./wikiFiles.js"
import type { GlobalStable, WikiIndex, WikiRow } from "./wikiIndex.js"

/** How many rows `Home.md` shows where nothing else is asked for: about what a reader scrolls through. */
export const defaultRecentRows = 100

/** How a wiki is written. */
export interface WikiOptions extends WikiLinks {
  readonly recentRows?: number
}

/** What a change makes of a wiki. */
export interface WikiUpdate {
  /** Files to write, by path: those whose text differs; none when there is nothing to do. */
  readonly files: ReadonlyMap<string, string>
  /** Subject line for the commit. */
  readonly message: string
  /** Pages of the images that the change is about. */
  readonly pages: readonly { readonly reference: string; readonly page: string }[]
}

/**
 * Applies a change to the files of a wiki. Applied twice it changes nothing the second time.
 * @throws WikiProblem when the wiki does not hold what the change needs
 * @throws InvalidImageManifest when a manifest of the wiki cannot be read
 */
export function updateWiki(files: WikiFiles, change: WikiChange, options: WikiOptions = {}): WikiUpdate {
  const references = referencesOf(change)
  const problem = pageNameProblem(files, references) ?? homeProblem(files)
  if (problem !== undefined) throw new WikiProblem(problem)
  const draft = new WikiDraft(files)
  const manifests =
    change.kind === "publish" ? published(files, change) : promotedManifests(files, change.images)
  const before = parseIndex(files.text(indexPath), indexPath)
  const adopted = { ...before, rows: [...adoptRows(before.rows, rowsOnPages(files))] }
  const index = nextIndex(adopted, change, manifests, options)
  const others = retagged(files, manifests, change.kind === "publish" ? change.manifests : [])
  writeManifests(draft, [...manifests, ...others], index)
  if (change.kind !== "publish") copyOldPages(draft, change.images)
  writeIndex(draft, index, options)
  return {
    files: draft.changes(),
    message: messageOf(change),
    pages: references.map((reference) => ({ reference, page: pagePath(parseReference(reference)) })),
  }
}

function referencesOf(change: WikiChange): readonly string[] {
  return change.kind === "publish"
    ? change.manifests.map(({ reference }) => reference)
    : change.images.map(({ to }) => to)
}

/** The manifests of a run; what the wiki has on the same images, under whatever tag, is kept. */
function published(files: WikiFiles, { manifests }: PagesToPublish): readonly ImageManifest[] {
  return manifests.map((manifest) => {
    const all = manifestsOf(files, parseReference(manifest.reference))
    // The same index tells more than another one that has the same image in it.
    const exact = all.filter(({ digest }) => digest !== undefined && digest === manifest.digest)
    const own = exact.find(({ reference }) => reference === manifest.reference)
    const told = (each: ImageManifest) => toldOfTheSame(manifest, each)
    const known = [...(own === undefined ? [] : [own]), ...exact, ...all].filter((each) => told(each))
    const best = known.find((each) => isInspected(told(each) ?? each)) ?? known[0]
    return withPlatforms(best === undefined ? manifest : withKnown(manifest, best), all)
  })
}

type PagesToPublish = Extract<WikiChange, { kind: "publish" }>

/** All data first: pages compare with other manifests. */
function writeManifests(draft: WikiDraft, manifests: readonly ImageManifest[], index: WikiIndex): void {
  for (const manifest of manifests) {
    draft.write(manifestPath(parseReference(manifest.reference)), formatManifest(manifest))
  }
  for (const manifest of manifests) {
    const reference = parseReference(manifest.reference)
    const baseline = baselineOf(draft, manifest)
    const since = baseline === undefined ? {} : { since: diffManifests(baseline, manifest) }
    const trend = writeTrend(draft, index, reference)
    draft.write(pagePath(reference), renderPage(manifest, { ...since, ...trend }))
  }
}

/** Draws how an image went from run to run, where there is something to draw. */
function writeTrend(
  draft: WikiDraft,
  index: WikiIndex,
  reference: ImageReference,
): Pick<PageExtras, "trend"> {
  const trend = trendOf(index, formatReference(reference))
  if (trend === undefined) return {}
  const path = trendPath(reference)
  draft.write(path, renderTrend(trend))
  return { trend: trendImage([trend], path) }
}

function writeIndex(draft: WikiDraft, index: WikiIndex, options: WikiOptions): void {
  const recent = options.recentRows ?? defaultRecentRows
  const trends = trendsOfNewest(index)
  if (trends.length > 0) draft.write(homeTrendPath, renderTrends(trends))
  const picture = trends.length === 0 ? undefined : trendImage(trends, homeTrendPath)
  for (const [path, text] of renderHome(index.rows, draft, recent, picture)) draft.write(path, text)
  if (index.stable !== undefined) draft.write(stableTagPath, renderStableTag(index.stable, options))
  draft.write(indexPath, formatIndex(index))
}

function nextIndex(
  index: WikiIndex,
  change: WikiChange,
  manifests: readonly ImageManifest[],
  links: WikiLinks,
): WikiIndex {
  if (change.kind === "globalStable") {
    return { ...index, stable: nextStable(index.stable, stableOf(change.images, change.at)) }
  }
  return { ...index, rows: [...addRow(index.rows, rowOf(index, change, manifests, links))] }
}

function rowOf(
  index: WikiIndex,
  change: Exclude<WikiChange, { kind: "globalStable" }>,
  manifests: readonly ImageManifest[],
  links: WikiLinks,
): WikiRow {
  const commit = change.commit ?? manifests.find((manifest) => manifest.commit !== undefined)?.commit
  const source = manifests.find((manifest) => manifest.source !== undefined)?.source ?? links.repository
  const cell = commit === undefined ? knownCommit(index, change) : commitCell(commit, source)
  const figures = new Map(manifests.map((manifest) => [manifest.reference, figuresOf(manifest)]))
  const digests = new Map(
    change.kind === "publish"
      ? change.manifests.map(({ reference, digest }) => [reference, digest])
      : change.images.map(({ to, digest }) => [to, digest]),
  )
  return {
    line: formatHomeRow(cell, referencesOf(change), links),
    kind: change.kind,
    at: change.at,
    ...(commit !== undefined && { commit }),
    images: [...digests].map(([reference, digest]) => ({
      reference,
      ...(digest !== undefined && { digest }),
      ...(figures.has(reference) && { figures: figures.get(reference) }),
    })),
  }
}

/** The commit of images without data, as their row has it. */
function knownCommit(index: WikiIndex, change: Exclude<WikiChange, { kind: "globalStable" }>): string {
  const [first] = change.kind === "promote" ? change.images : []
  const lines = index.rows.map(({ line }) => line)
  return first === undefined ? "" : (commitCellOf(lines, first.from) ?? "")
}

function stableOf(images: readonly PromotedPair[], at: string): GlobalStable {
  return { at, images: images.map(({ from, to, digest }) => ({ reference: to, from, digest })) }
}

function messageOf(change: WikiChange): string {
  const paths = referencesOf(change).map((reference) => parseReference(reference).path.replace(/^.*\//, ""))
  const names = listOf([...new Set(paths)])
  const tags = [...new Set(referencesOf(change).map(tagOf))].join(", ")
  if (change.kind === "publish") {
    const commit = change.commit === undefined ? "" : ` of ${change.commit.sha.slice(0, 7)}`
    return `Publish ${tags}${commit}: ${names}`
  }
  const from = [...new Set(change.images.map((image) => tagOf(image.from)))].join(", ")
  return `Promote ${from} to ${tags}: ${names}`
}

function tagOf(reference: string): string {
  return parseReference(reference).tag ?? "latest"
}
