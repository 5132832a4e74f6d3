import { codeCell, link } from "../text/markdown.js"
import { pageName } from "../manifest/pageName.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { cellsOf } from "./tablePage.js"
import type { SourceCommit } from "../manifest/manifestData.js"

/** Where a wiki's links lead. */
export interface WikiLinks {
  /** URL of the repository that the wiki belongs to (`https://github.com/org/repo`); without it links are relative. */
  readonly repository?: string
}

/**
 * A row of `Home.md` in the old pipeline's form: commit, images, manifest pages; several of them in one cell.
 * @param commit the commit's cell
 */
export function formatHomeRow(commit: string, references: readonly string[], links: WikiLinks): string {
  const images = references.map((reference) => codeCell(shownReference(reference)))
  const pages = references.map((reference) => pageLink(reference, links))
  return `|${[commit, images.join("<br>"), pages.join("<br>")].join("|")}|`
}

/** The cell of a commit. @param repository URL of the repository that it is in: `https://github.com/org/repo` */
export function commitCell({ sha }: SourceCommit, repository: string | undefined): string {
  const short = sha.slice(0, 7)
  return repository === undefined ? codeCell(short) : link(codeCell(short), `${repository}/commit/${short}`)
}

/** A link to an image's manifest page that shows the image's name. */
export function pageLink(reference: string, links: WikiLinks): string {
  const parsed = parseReference(reference)
  return link(parsed.path.slice(parsed.path.lastIndexOf("/") + 1), pageAddress(pageName(parsed), links))
}

function pageAddress(page: string, { repository }: WikiLinks): string {
  return repository === undefined ? page : `${repository}/wiki/${page}`
}

/** What a row is about, in its first two cells: two rows with the same key tell of the same run. */
export function rowKey(row: string): string {
  const [commit = "", images = ""] = cellsOf(row)
  const codes = [...images.matchAll(/(?<!`)`+([^`]+)`+/g)].map((match) => match[1] ?? "")
  return [/`([^`]+)`/.exec(commit)?.[1] ?? commit, ...(codes.length > 0 ? codes : [images])].join(" ")
}

/** The commit's cell of the first row that has an image, to be used again when that image is promoted. */
export function commitCellOf(rows: readonly string[], reference: string): string | undefined {
  const row = rows.find((each) => rowKey(each).split(" ").slice(1).includes(shownReference(reference)))
  return row === undefined ? undefined : cellsOf(row)[0]
}

/** `2026.4` of a row's first image with such a tag, whatever tells it from others before; undefined for others. */
export function quarterOf(row: string): string | undefined {
  return /:(?:[\w.-]*[._-])?(\d{4}\.\d{1,2})(?!\d)/.exec(cellsOf(row)[1] ?? "")?.[1]
}

/** A reference without its digest, Docker Hub's without a host, as rows always had them. */
function shownReference(reference: string): string {
  const { registry, path, tag } = parseReference(reference)
  const full = formatReference({ registry, path, ...(tag !== undefined && { tag }) })
  return full.replace(/^docker\.io\/(?:library\/)?/, "")
}
