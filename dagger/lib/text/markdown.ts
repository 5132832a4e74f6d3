import { trimEnd } from "./trim.js"

/**
 * Text that renders as itself in GitHub's Markdown, HTML and wiki links included.
 * @returns one line: line breaks become spaces
 */
export function plainText(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`*_{}[\]<>#|~&$]/g, "\\$&")
    .replace(/^(\d*)([-+.)])(?=\s)/, "$1\\$2")
}

/**
 * Text for a cell or a line of a page that is read in terminals too: only what would break the table, or become HTML,
 * code, a link or an image, is escaped.
 */
export function escapeCell(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`[|]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
}

/** A code span of one line; empty text gives an empty text, as Markdown has no empty code span. */
export function codeSpan(text: string): string {
  const line = oneLine(text)
  if (line === "") return ""
  const fence = "`".repeat(longestRun(line) + 1)
  const padding = line.startsWith("`") || line.endsWith("`") ? " " : ""
  return `${fence}${padding}${line}${padding}${fence}`
}

/**
 * A code span in a table's cell. A pipe ends a cell even inside of code, unless a backslash escapes it; after a
 * backslash of the text's own that would escape the backslash, so such text is written as HTML.
 */
export function codeCell(text: string): string {
  const line = oneLine(text)
  if (!line.includes("\\|")) return codeSpan(line).replaceAll("|", "\\|")
  return `<code>${line.replaceAll(/[^A-Za-z0-9 ,./=-]/g, (character) => `&#${character.codePointAt(0) ?? 0};`)}</code>`
}

/** A fenced block: the fence is longer than any run of backticks in the text, which is shown as it is. */
export function fenced(text: string, language = ""): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1))
  return `${fence}${language}\n${trimEnd(text, "\n")}\n${fence}`
}

/** A block that is closed until it is clicked on. */
export function folded(summary: string, body: string): string {
  // The lines of tags are HTML, in which Markdown's escapes do not count; the empty lines end it.
  return `<details>\n<summary>${htmlText(summary)}</summary>\n\n${body}\n\n</details>`
}

/** A table; cells are Markdown already. Without rows it has a header only. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align?: string,
): string {
  const rule = header.map((_, column) => (align?.[column] === "r" ? "---:" : "---"))
  return [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}

/** A link; the text is Markdown already, the address is taken as it is. */
export function link(text: string, address: string): string {
  return `[${text}](${address.replaceAll(/[()\s<>|]/g, percentEncoded)})`
}

/** `encodeURIComponent` leaves parentheses, which would end a link. */
function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
}

function htmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}

function oneLine(text: string): string {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ")
    .replaceAll("\t", " ")
    .trim()
}

function longestRun(text: string): number {
  // Not Math.max of them all: an argument each, and the stack has no room for those of a long text.
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0)
}
