import type { Location, Problem } from "../problems.js"
import type { LogicalLine } from "./lines.js"
import { blanksAt, isBlank, separators, trimBlanks } from "./blanks.js"
import { jsonWords, locationAt } from "./lines.js"

/** One instruction, split as far as linking needs it. */
export interface Instruction {
  /** In capitals. */
  readonly keyword: string
  readonly line: LogicalLine
  /** Where the keyword ends in the line's text. */
  readonly keywordEnd: number
  /** `--name=value` before the arguments, in order. */
  readonly flags: readonly Flag[]
  /** What follows the flags, without blanks around it. */
  readonly args: string
  /** Where `args` starts in the line's text. */
  readonly argsStart: number
  /** The arguments where they are written as a JSON array. */
  readonly json?: readonly string[]
}

export interface Flag {
  readonly name: string
  /** Without quotes; undefined in `--link`. */
  readonly value?: string
  /** Its place in the line's text. */
  readonly start: number
  readonly end: number
}

/** A word of the arguments with its place in the line's text. */
export interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Every instruction of the Dockerfile reference. */
export const keywords: readonly string[] = [
  ..."ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL".split(
    " ",
  ),
  ..."USER VOLUME WORKDIR".split(" "),
]

/** Instructions that take a JSON array in place of text. */
const jsonKeywords = new Set(["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"])

/** Splits a line into keyword, flags and arguments (`parser/split_command.go` of BuildKit). */
export function parseInstruction(line: LogicalLine): Instruction {
  const { text } = line
  const start = blanksAt(text)
  const whole = trimBlanks(text)
  const length = separators.exec(whole)?.index ?? whole.length
  const keywordEnd = start + length
  const keyword = whole.slice(0, length).toUpperCase()
  const { flags, end } = readFlags(text.slice(0, start + whole.length), keywordEnd)
  const argsStart = end + blanksAt(text, end)
  const args = trimBlanks(text.slice(argsStart))
  const json = jsonKeywords.has(keyword) ? jsonWords(args) : undefined
  return { keyword, line, keywordEnd, flags, args, argsStart, ...(json !== undefined && { json }) }
}

/** A problem at a position of an instruction's text, or at its start. */
export function problemIn(
  { line }: Instruction,
  message: string,
  { offset = 0, hint }: { readonly offset?: number; readonly hint?: string } = {},
): Problem {
  return { location: locationAt(line, offset), message, ...(hint !== undefined && { hint }) }
}

/** Where the instruction stands. */
export function locationOf({ line }: Instruction): Location {
  return locationAt(line)
}

/** The arguments split at blanks, quotes or not: how FROM, COPY and ADD are split. */
export function wordsOf({ args, argsStart }: Instruction): readonly Word[] {
  return [...args.matchAll(/[^\t\v\f\r ]+/g)].map((match) => ({
    text: match[0],
    start: argsStart + match.index,
    end: argsStart + match.index + match[0].length,
  }))
}

/**
 * The arguments split at blanks outside quotes, quotes kept: how ARG, ENV and LABEL are split
 * (`parseWords` in `parser/line_parsers.go` of BuildKit).
 */
export function assignmentsOf({ args, argsStart }: Instruction): readonly Word[] {
  const words: Word[] = []
  let start: number | undefined
  let quote = ""
  for (let index = 0; index <= args.length; index += 1) {
    const char = args.charAt(index)
    if (quote === "" && (char === "" || isBlank(char))) {
      if (start !== undefined) words.push(wordBetween(args, start, index, argsStart))
      start = undefined
      continue
    }
    start ??= index
    if (char === "\\" && quote !== "'") index += 1
    else if (char === quote) quote = ""
    else if (quote === "" && (char === '"' || char === "'")) quote = char
  }
  if (start !== undefined) words.push(wordBetween(args, start, args.length, argsStart))
  return words
}

/** The names that an ARG, ENV or LABEL sets, without quotes; variables in them stay as they are. */
export function assignedNames(instruction: Instruction): readonly string[] {
  const words = assignmentsOf(instruction)
  const isOldForm = words[0]?.text.includes("=") === false && instruction.keyword !== "ARG"
  return (isOldForm ? words.slice(0, 1) : words).map(({ text }) =>
    (text.split("=")[0] ?? "").replaceAll(/["']/g, ""),
  )
}

function wordBetween(text: string, start: number, end: number, offset: number): Word {
  return { text: text.slice(start, end), start: offset + start, end: offset + end }
}

interface FlagWord {
  readonly text: string
  readonly end: number
}

function readFlags(text: string, from: number): { readonly flags: readonly Flag[]; readonly end: number } {
  const flags: Flag[] = []
  let position = from
  for (;;) {
    const start = position + blanksAt(text, position)
    if (!text.startsWith("--", start)) return { flags, end: position }
    const word = readFlagWord(text, start)
    // A lone "--" ends the flags.
    if (word.text === "--") return { flags, end: word.end }
    const [name = "", ...value] = word.text.slice(2).split("=")
    flags.push({ name, start, end: word.end, ...(value.length > 0 && { value: value.join("=") }) })
    position = word.end
  }
}

/** A flag's text up to a blank; quotes are removed, and a backslash takes the next character literally. */
function readFlagWord(text: string, start: number): FlagWord {
  let word = ""
  let quote = ""
  let index = start
  for (; index < text.length; index += 1) {
    const char = text.charAt(index)
    if (char === "\\") {
      index += 1
      word += text.charAt(index)
    } else if (char === quote) quote = ""
    else if (quote !== "") word += char
    else if (char === '"' || char === "'") quote = char
    else if (isBlank(char)) break
    else word += char
  }
  return { text: word, end: Math.min(index, text.length) }
}
