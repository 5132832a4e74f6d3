/** A page around its table of images: every line kept to the byte, what people wrote around the table included. */
export interface TablePage {
  readonly before: readonly string[]
  /** The line of titles and the line of dashes. */
  readonly header: readonly string[]
  readonly rows: readonly string[]
  readonly after: readonly string[]
}

const header: readonly string[] = ["| Commit | Image | Manifest |", "|--------|-------|----------|"]

/** Splits a page at its table, the first one with a column of commits; a page without one gets an empty table. */
export function parseTablePage(text: string): TablePage {
  const lines = text.split("\n")
  const start = lines.findIndex((line, index) => isHeader(line) && isDivider(lines[index + 1] ?? ""))
  if (start === -1) {
    const prose = text.trimEnd() === "" ? [] : [...text.trimEnd().split("\n"), ""]
    return { before: prose, header, rows: [], after: [""] }
  }
  const end = lines.findIndex((line, index) => index > start + 1 && !isTableLine(line))
  const last = end === -1 ? lines.length : end
  return {
    before: lines.slice(0, start),
    header: lines.slice(start, start + 2),
    rows: lines.slice(start + 2, last),
    after: lines.slice(last),
  }
}

/** The text of a page; what `parseTablePage` read comes back to the byte. */
export function formatTablePage(page: TablePage): string {
  return [...page.before, ...page.header, ...page.rows, ...page.after].join("\n")
}

/** The cells of a table's row, trimmed. */
export function cellsOf(row: string): readonly string[] {
  return row
    .trim()
    .replace(/^\|/, "")
    .replace(/\|$/, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}

function isTableLine(line: string): boolean {
  return line.trimStart().startsWith("|")
}

function isHeader(line: string): boolean {
  return isTableLine(line) && /^commit/i.test(cellsOf(line)[0] ?? "")
}

function isDivider(line: string): boolean {
  return isTableLine(line) && /^[\s|:-]+$/.test(line)
}
