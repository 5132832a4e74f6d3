/**
 * Text of images, servers and builds as it may reach a terminal, a log or a page: what a terminal would show, of a
 * progress line its last state, in valid Unicode. No escape sequence, control character or change of direction is
 * left, and no line is a command to GitHub's runner.
 */
export function cleanText(text: string): string {
  return withoutCommands(
    text
      .replaceAll(escapeSequences, "")
      .replaceAll("\r\n", "\n")
      .replaceAll(/[\u2028\u2029]/g, "\n")
      .replaceAll(/^.*\r(?=[^\r\n])/gm, "")
      .replaceAll("\r", "")
      .replaceAll(controls, "")
      .replaceAll(/\p{Cs}/gu, "\uFFFD"),
  )
}

/** The same as one line: for names, and for sentences in lists. */
export function cleanLine(text: string): string {
  return withoutCommands(
    cleanText(text)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join(" ")
      .replaceAll("\t", " "),
  )
}

/** Every text of a document, however deep, cleaned; names of properties stay. */
export function cleanDocument<T>(document: T): T {
  return cleaned(document) as T
}

function cleaned(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value)
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cleaned(inner)]))
}

/**
 * Breaks what GitHub's runner takes for a command: `##[name]` anywhere, `::name::` at the start of a line
 * (actions/runner, ActionCommand.cs: the older form is looked for in the whole line, the newer one behind blanks).
 */
function withoutCommands(text: string): string {
  return text.replaceAll("##[", "# #[").replaceAll(/^([^\S\n]*):(?=:)/gm, "$1: ")
}

const escape = String.fromCodePoint(0x1b)
const bell = String.fromCodePoint(0x07)
/** Escape sequences of ECMA-48: CSI (colours, cursor), OSC (titles, links), DCS and the other strings, single ones. */
const escapeSequences = new RegExp(
  `${escape}(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^${bell}${escape}]*(?:${bell}|${escape}\\\\)|[ -/]*[0-~])`,
  "g",
)
/** Controls but tab and line break, and the marks that change the direction of what follows (Unicode's UAX 9). */
const controls = /[^\P{Cc}\t\n]|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu
