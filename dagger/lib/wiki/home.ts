import { link } from "../text/markdown.js"
import { quarterOf } from "./homeRow.js"
import { formatTablePage, parseTablePage } from "./tablePage.js"
import type { WikiFiles } from "./wikiFiles.js"
import type { WikiRow } from "./wikiIndex.js"

/** Page that a wiki opens with, where it has none yet. */
const newHome = "Home.md"
/** Endings of what Gollum and GitHub show as a page; a wiki names its pages without regard to case. */
const homePattern =
  /^home\.(?:(md|mkdn?|mdown|markdown)|textile|rdoc|org|creole|re?st(?:\.txt)?|asc|adoc|asciidoc|pod|(?:media)?wiki|txt)$/i

const emptyHome = `Images of this stack, newest first. What production uses now: [Stable Tag](Stable_Tag).
`
const archiveBlock = ["<!-- archive: written by the pipeline -->", "<!-- end of archive -->"] as const
const trendBlock = ["<!-- trends: written by the pipeline -->", "<!-- end of trends -->"] as const
const archivePattern = /^Archive-(?:(\d{4}\.\d+)|other)\.md$/

/** Path of the page with the older rows of a quarter, or with those (`other`) whose tags name none. */
function archivePath(quarter: string): string {
  return `Archive-${quarter}.md`
}

/**
 * Why rows cannot be written on the page that the wiki opens with; undefined where they can. Two of them are no problem
 * where one is `Home.md`.
 */
export function homeProblem(files: WikiFiles): string | undefined {
  const { chosen, markdown, others } = homesOf(files)
  if (chosen !== undefined) return undefined
  if (markdown.length > 1) {
    return `the wiki has two home pages, ${markdown.slice(0, 2).join(" and ")}: remove one of them`
  }
  const [other] = others
  if (other === undefined) return undefined
  return `the home page of the wiki is ${other}, and rows are written as Markdown: rename it to ${newHome}`
}

interface Homes {
  /** The one that is continued. */
  readonly chosen: string | undefined
  readonly markdown: readonly string[]
  readonly others: readonly string[]
}

function homesOf(files: WikiFiles): Homes {
  const homes = files.paths.filter((path) => homePattern.test(path))
  const markdown = homes.filter((path) => homePattern.exec(path)?.[1] !== undefined)
  const others = homes.filter((path) => !markdown.includes(path))
  const only = markdown.length === 1 ? markdown[0] : undefined
  return { chosen: markdown.includes(newHome) ? newHome : only, markdown, others }
}

function homePathOf(files: WikiFiles): string {
  return homesOf(files).chosen ?? newHome
}

/** All rows that stand on the wiki's pages, of its home page first. */
export function rowsOnPages(files: WikiFiles): readonly string[] {
  const archives = files.paths.filter((path) => archivePattern.test(path)).sort(byQuarter)
  return [homePathOf(files), ...archives].flatMap((path) => parseTablePage(files.text(path) ?? "").rows)
}

/**
 * The home page with the newest rows, and an archive page for each quarter that has older ones. What stands around the
 * tables stays as it is.
 * @param recent how many rows Home shows
 * @param picture of how images went, in Markdown, above the rows
 */
export function renderHome(
  rows: readonly WikiRow[],
  files: WikiFiles,
  recent: number,
  picture?: string,
): ReadonlyMap<string, string> {
  const older = byArchive(rows.slice(recent))
  const linked = [...older.keys()].sort(byQuarter)
  const homePath = homePathOf(files)
  const home = parseTablePage(files.text(homePath) ?? emptyHome)
  const before = withPicture(home.before, picture)
  const after = withArchiveLinks(home.after, linked)
  const pages = new Map([
    [homePath, formatTablePage({ ...home, before, rows: linesOf(rows.slice(0, recent)), after })],
  ])
  // A page that has no older rows any more (Home shows more than before) must not repeat those on Home.
  const emptied = files.paths.filter((path) => archivePattern.test(path) && !older.has(path))
  for (const path of [...linked, ...emptied]) {
    const page = parseTablePage(files.text(path) ?? emptyArchive(path, homePath))
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

function emptyArchive(path: string, homePath: string): string {
  const quarter = quarterOn(path)
  const title = quarter === undefined ? "Older images" : `Older images of ${quarter}`
  return `${title}, newest first. The newest are on ${link("Home", homePath.replace(/\..*$/, ""))}.\n`
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
  const links = archives.map((path) => link(quarterOn(path) ?? "others", path.replace(/\.md$/, "")))
  const replaced = withBlock(
    after,
    archiveBlock,
    links.length === 0 ? [] : [`Older images: ${links.join(", ")}`],
  )
  if (replaced !== undefined) return replaced
  if (archives.length === 0) return after
  const [start, end] = archiveBlock
  const block = [start, `Older images: ${links.join(", ")}`, end]
  // The empty line ends the table; a file that had no line break at its end gets one.
  return ["", ...block, ...(after.length === 0 ? [""] : after)]
}

/** The empty line keeps the table one. */
function withPicture(before: readonly string[], picture: string | undefined): readonly string[] {
  const replaced = withBlock(before, trendBlock, picture === undefined ? [] : ["", picture, ""])
  if (replaced !== undefined || picture === undefined) return replaced ?? before
  const [start, end] = trendBlock
  return [...before, start, "", picture, "", end, ""]
}

/** Lines with other content between the two marks of a block; undefined where there is no such block. */
function withBlock(
  lines: readonly string[],
  [first, last]: readonly [string, string],
  content: readonly string[],
): readonly string[] | undefined {
  const marks = lines.map((line) => line.trimEnd())
  const start = marks.indexOf(first)
  const end = marks.indexOf(last, start)
  if (start === -1 || end === -1) return undefined
  return [...lines.slice(0, start), first, ...content, last, ...lines.slice(end + 1)]
}
