import { link } from "../text/markdown.js"
import { quarterOf } from "./homeRow.js"
import { formatTablePage, parseTablePage } from "./tablePage.js"
import type { WikiFiles } from "./wikiFiles.js"
import type { WikiRow } from "./wikiIndex.js"

/** Page that a wiki opens with. */
export const homePath = "Home.md"

const emptyHome = `Images of this stack, newest first. What production uses now: [Stable Tag](Stable_Tag).
`
const blockStart = "<!-- archive: written by the pipeline -->"
const blockEnd = "<!-- end of archive -->"
const archivePattern = /^Archive-(?:(\d{4}\.\d+)|other)\.md$/

/** Path of the page with the older rows of a quarter, or with those (`other`) whose tags name none. */
function archivePath(quarter: string): string {
  return `Archive-${quarter}.md`
}

/** All rows that stand on the wiki's pages, of `Home.md` first. */
export function rowsOnPages(files: WikiFiles): readonly string[] {
  const archives = files.paths.filter((path) => archivePattern.test(path)).sort(byQuarter)
  return [homePath, ...archives].flatMap((path) => parseTablePage(files.text(path) ?? "").rows)
}

/**
 * `Home.md` with the newest rows, and an archive page for each quarter that has older ones. What stands around the
 * tables stays as it is.
 * @param recent how many rows Home shows
 */
export function renderHome(
  rows: readonly WikiRow[],
  files: WikiFiles,
  recent: number,
): ReadonlyMap<string, string> {
  const older = byArchive(rows.slice(recent))
  const linked = [...older.keys()].sort(byQuarter)
  const home = parseTablePage(files.text(homePath) ?? emptyHome)
  const after = withArchiveLinks(home.after, linked)
  const pages = new Map([
    [homePath, formatTablePage({ ...home, rows: linesOf(rows.slice(0, recent)), after })],
  ])
  // A page that has no older rows any more (Home shows more than before) must not repeat those on Home.
  const emptied = files.paths.filter((path) => archivePattern.test(path) && !older.has(path))
  for (const path of [...linked, ...emptied]) {
    const page = parseTablePage(files.text(path) ?? emptyArchive(path))
    pages.set(path, formatTablePage({ ...page, rows: linesOf(older.get(path) ?? []) }))
  }
  return pages
}

function byArchive(rows: readonly WikiRow[]): ReadonlyMap<string, readonly WikiRow[]> {
  const pages = new Map<string, WikiRow[]>()
  for (const row of rows) {
    const path = archivePath(quarterOf(row.line) ?? "other")
    const page = pages.get(path) ?? []
    page.push(row)
    pages.set(path, page)
  }
  return pages
}

function linesOf(rows: readonly WikiRow[]): readonly string[] {
  return rows.map(({ line }) => line)
}

function emptyArchive(path: string): string {
  const quarter = quarterOn(path)
  const title = quarter === undefined ? "Older images" : `Older images of ${quarter}`
  return `${title}, newest first. The newest are on [Home](Home).\n`
}

/** `2026.4` before `2026.3` before `other`. */
function byQuarter(a: string, b: string): number {
  return quarterNumber(b) - quarterNumber(a)
}

function quarterNumber(path: string): number {
  const [year = 0, quarter = 0] = quarterOn(path)?.split(".").map(Number) ?? []
  return year * 1000 + quarter
}

function quarterOn(path: string): string | undefined {
  return archivePattern.exec(path)?.[1]
}

function withArchiveLinks(after: readonly string[], archives: readonly string[]): readonly string[] {
  const start = after.indexOf(blockStart)
  const end = after.indexOf(blockEnd, start)
  const hasBlock = start !== -1 && end !== -1
  if (archives.length === 0 && !hasBlock) return after
  const links = archives.map((path) => link(quarterOn(path) ?? "others", path.replace(/\.md$/, "")))
  const block = [blockStart, ...(links.length === 0 ? [] : [`Older images: ${links.join(", ")}`]), blockEnd]
  if (hasBlock) return [...after.slice(0, start), ...block, ...after.slice(end + 1)]
  // The empty line ends the table; a file that had no line break at its end gets one.
  return ["", ...block, ...(after.length === 0 ? [""] : after)]
}
