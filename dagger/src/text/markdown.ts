/** Text for one cell of a Markdown table or one line of a list: no line breaks, no pipes, no HTML. */
export function escapeCell(text: string): string {
  return text
    .replace(/\s*\n\s*/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("|", "\\|")
}

/** A fenced code block whose fence is longer than any run of backquotes in it (CommonMark, "Fenced code blocks"). */
export function fenced(text: string, language = ""): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = "`".repeat(Math.max(3, longest + 1))
  return `${fence}${language}\n${text.replace(/\n+$/, "")}\n${fence}`
}

/** A block that GitHub shows folded, under a title that may hold Markdown of one line. */
export function folded(title: string, text: string): string {
  return `<details>\n<summary>${title}</summary>\n\n${fenced(text)}\n\n</details>`
}
