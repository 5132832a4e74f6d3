import type { Problem } from "../problems.js"
import { parseInstruction } from "./instruction.js"
import type { LogicalLine } from "./lines.js"
import { jsonWords, locationAt } from "./lines.js"

/** Instructions in whose arguments the builder itself removes escapes; the others hand them on as they are. */
const expanded = new Set([..."ADD ARG COPY ENV EXPOSE FROM LABEL STOPSIGNAL USER VOLUME WORKDIR".split(" ")])

/**
 * Rewrites a line of a Dockerfile with ``# escape=` `` for the linked file, whose escape character is a backslash,
 * as one line without continuations.
 */
export function withBackslashes(line: LogicalLine, problems: Problem[]): LogicalLine {
  const { keyword, args, argsStart } = parseInstruction(line)
  if (!expanded.has(keyword)) {
    if (line.text.endsWith("\\")) {
      problems.push({
        location: locationAt(line),
        message: `this ${keyword} ends with a backslash, which continues a line in the linked Dockerfile`,
        hint: "write it without the backslash at its end",
      })
    }
    return { ...line, segments: line.segments.slice(0, 1) }
  }
  const json = jsonWords(args)
  const rewritten = json === undefined ? swapEscapes(args) : JSON.stringify(json.map(swapEscapes))
  return { ...line, text: line.text.slice(0, argsStart) + rewritten, segments: line.segments.slice(0, 1) }
}

function swapEscapes(text: string): string {
  let swapped = ""
  let quote = ""
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index)
    if (quote === "'") swapped += char
    else if (char === "`") {
      index += 1
      swapped += escapedBy(text.charAt(index), quote)
      continue
    } else swapped += char === "\\" ? "\\\\" : char
    if (char === quote) quote = ""
    else if (quote === "" && (char === '"' || char === "'")) quote = char
  }
  return swapped
}

/** What a backquote and the character after it become. */
function escapedBy(char: string, quote: string): string {
  // Inside double quotes only these are escaped; elsewhere the backquote is text.
  const isEscape = quote === "" || char === '"' || char === "$" || char === "`"
  if (!isEscape) return `\`${char === "\\" ? "\\\\" : char}`
  if (quote === '"' && char === "`") return "`"
  return `\\${char}`
}
