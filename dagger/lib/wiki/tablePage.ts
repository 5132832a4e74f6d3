/** A page around its table of images: every line kept to the byte, what people wrote around the table included. */
export interface TablePage {
  readonly before: readonly string[]
  /** The line of titles and the line of dashes. */
  readonly header: readonly string[]
  readonly rows: readonly string[]
  readonly after: readonly string[]
  /** What its lines end in: CRLF where all do, as in a page that a browser saved. */
  readonly lineEnd: string
}

const header: readonly string[] = ["| Commit | Image | Manifest |", "|--------|-------|----------|"]

/**
 * Splits a page at its table, the first one with a column of commits outside of code and comments; a page without one
 * gets an empty table.
 */
export function parseTablePage(text: string): TablePage {
  const lineEnd = text.includes("\r\n") && !/(?<!\r)\n/.test(text) ? "\r\n" : "\n"
  const lines = text.split(lineEnd)
  const hidden = hiddenLines(lines)
  const start = lines.findIndex(
    (line, index) => !hidden.has(index) && isHeader(line) && isDivider(lines[index + 1] ?? ""),
  )
  if (start === -1) {
    const prose = text.trimEnd() === "" ? [] : [...text.trimEnd().split(lineEnd), ""]
    return { before: prose, header, rows: [], after: [""], lineEnd }
  }
  const end = lines.findIndex((line, index) => index > start + 1 && !isTableLine(line))
  const last = end === -1 ? lines.length : end
  return {
    before: lines.slice(0, start),
    header: lines.slice(start, start + 2),
    // A page with both line ends: a row is the same with either.
    rows: lines.slice(start + 2, last).map((row) => row.replace(/\r$/, "")),
    after: lines.slice(last),
    lineEnd,
  }
}

/** The text of a page; what `parseTablePage` read comes back to the byte, but for line ends of a page with both. */
export function formatTablePage(page: TablePage): string {
  return [...page.before, ...page.header, ...page.rows, ...page.after].join(page.lineEnd)
}

/**
 * Indexes of the lines within fenced code and comments. What is opened and never closed hides nothing: rows of a table
 * behind it would be written a second time.
 */
function hiddenLines(lines: readonly string[]): ReadonlySet<number> {
  const hidden = new Set<number>()
  for (let index = 0; index < lines.length; index += 1) {
    const isEnd = endOf(lines[index] ?? "")
    if (isEnd === undefined) continue
    const end = lines.findIndex((line, other) => other > index && isEnd(line))
    if (end === -1) continue
    for (let line = index; line <= end; line += 1) hidden.add(line)
    index = end
  }
  return hidden
}

/** Tells the end of what a line opens: of a fence (CommonMark 4.5), or of a comment over several lines. */
function endOf(line: string): ((line: string) => boolean) | undefined {
  const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1]
  if (fence !== undefined) {
    const closing = new RegExp(`^ {0,3}${fence}${fence[0] ?? ""}*\\s*$`)
    return (other) => closing.test(other)
  }
  return /^ {0,3}<!--(?!.*-->)/.test(line) ? (other) => other.includes("-->") : undefined
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
