import { cleanText } from "./cleanText.js"
import type { Screen } from "./screen.js"
import { alignedTable, painted, wrapped } from "./screen.js"

/**
 * A report in Markdown as text for a terminal: tables in columns, headings without marks, folded blocks open, sentences
 * broken at blanks. For the Markdown that this module writes, not for any.
 */
export function markdownForTerminal(markdown: string, screen: Screen): string {
  const out: string[] = []
  const lines = cleanText(markdown).split("\n")
  for (let at = 0; at < lines.length;) {
    const end = endOfBlock(lines, at)
    out.push(...block(lines.slice(at, end), screen))
    at = end
  }
  return `${out
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()}\n`
}

const fence = /^(`{3,})/

/** A table or a fenced text is one block, every other line is one of its own. */
function endOfBlock(lines: readonly string[], at: number): number {
  const opening = fence.exec(lines[at] ?? "")?.[1]
  if (opening !== undefined) {
    const end = lines.indexOf(opening, at + 1)
    return end === -1 ? lines.length : end + 1
  }
  let end = at + 1
  if (isRow(lines[at])) while (isRow(lines[end])) end += 1
  return end
}

function isRow(line: string | undefined): boolean {
  return line?.startsWith("| ") === true
}

function block(lines: readonly string[], screen: Screen): readonly string[] {
  const [first = ""] = lines
  if (fence.test(first)) return lines.slice(1, -1).map((line) => `  ${line}`)
  if (isRow(first)) return tableLines(lines, screen)
  if (/^<\/?details>$/.test(first)) return []
  const heading = /^#+ (.*)$/.exec(first)?.[1]
  if (heading !== undefined) return [painted(screen, "bold", inline(heading))]
  const summary = /^<summary>(.*)<\/summary>$/.exec(first)?.[1]
  return summary === undefined ? wrapped(inline(first), screen) : [painted(screen, "bold", inline(summary))]
}

function tableLines(lines: readonly string[], screen: Screen): readonly string[] {
  const rows = lines.filter((line) => !/^\|(?: :?-{3,}:? \|)+$/.test(line)).map(cellsOf)
  return alignedTable(rows, screen, (cell, row) => (row === 0 ? painted(screen, "faint", cell) : cell))
}

function cellsOf(row: string): readonly string[] {
  return row
    .replace(/^\| /, "")
    .replace(/ ?\|$/, "")
    .split(/ ?(?<!\\)\| ?/)
    .map(inline)
}

/** Text without the marks of code and emphasis, and without escapes. */
function inline(text: string): string {
  return text
    .replaceAll(/(`+)([^`]+)\1/g, (_, __, code: string) => code.trim())
    .replaceAll(/\*\*([^*]+)\*\*/g, "$1")
    .replaceAll(/\\([\\`*_{}[\]<>#|~&$])/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
}
