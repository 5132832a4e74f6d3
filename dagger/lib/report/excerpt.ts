import { cleanText } from "../text/cleanText.js"

/** Lines that are shown of a failure where nobody has asked for more: what a screen has room for. */
export const excerptLines = 15
/** Lines before the line that failed. */
const context = 3
/** Lines of what pytest makes of an assertion; a comparison of long values has hundreds. */
const explanation = 7
/**
 * Of a longer line these many characters of its start and of its end are kept: one of a minified script would fill the
 * screen, and an engine's error says at the end what went wrong.
 */
const longestLine = { start: 120, end: 80 }

/** What is known of a failure, as pytest has written it. */
export interface FailureText {
  /** Traceback and assertion; pytest marks the line that failed with `>` and what went wrong with `E`. */
  readonly message: string
  /** What the test printed. */
  readonly output: string
}

/**
 * The lines of a failed test that matter, at most `excerptLines`: the line that failed with those before it, what
 * pytest says of it, where it is, and the end of what the test printed where there is room. Of a text that is none of
 * pytest's, its end.
 */
export function excerptOfTest({ message, output }: FailureText): readonly string[] {
  const lines = linesOf(message)
  const last = lines.findLastIndex(isExplanation)
  if (last === -1) return endOf([...lines, ...linesOf(output)])
  const first = firstOfBlock(lines, last)
  const failed = first - 1
  const above = lines.slice(Math.max(0, failed - context), Math.max(0, failed))
  // A rule of underscores ends a level of the traceback.
  const before = above
    .slice(above.findLastIndex((line) => /^_ (?:_ )+_/.test(line)) + 1)
    .filter((line) => line !== "")
  const marked = lines.slice(Math.max(0, failed), first)
  const said = lines.slice(first, last + 1)
  const shown = said.length > explanation ? [...said.slice(0, explanation - 1), "E     [...]"] : said
  const place = lines.slice(last + 1).find(isPlace)
  const kept = [
    ...before,
    ...marked,
    ...shown,
    ...(place === undefined ? [] : [place.replace(/^\/stack\/tests\//, "")]),
  ]
  const room = excerptLines - kept.length - 1
  const printed = linesOf(output).filter((line) => line !== "")
  return room < 1 || printed.length === 0 ? kept : [...kept, "printed:", ...printed.slice(-room)]
}

/** The end of a build's or a push's output, at most `excerptLines`: it says what went wrong. */
export function excerptOfOutput(message: string): readonly string[] {
  return endOf(linesOf(message))
}

/** What a failed step said: its first two lines, which name it, and at most a hundred at its end. */
export function outputOfStep(message: string): readonly string[] {
  const lines = linesOf(message)
  return lines.length > 103 ? [...lines.slice(0, 2), "[...]", ...lines.slice(-100)] : lines
}

/** Where a test failed. */
export interface FailurePlace {
  /** Path below the folder of images. */
  readonly file: string
  readonly line?: number
}

/**
 * The last line of the test's own file that its traceback names, else the file alone.
 * @param id pytest's node id
 */
export function placeOfTest(id: string, message: string): FailurePlace {
  const file = id.split("::", 1)[0] ?? id
  const line = linesOf(message)
    .map((text) => placePattern.exec(text))
    .findLast((match) => match?.[1] === file)?.[2]
  return line === undefined ? { file } : { file, line: Number(line) }
}

/** `left/test/test_sum.py:15: AssertionError`; pytest ends each level of a traceback with such a line. */
const placePattern = /^(?:\/stack\/tests\/)?([^\s:]+\.py):(\d{1,7}): ?/

function isPlace(line: string): boolean {
  return placePattern.test(line)
}

function isExplanation(line: string): boolean {
  return /^E(?: |$)/.test(line)
}

function firstOfBlock(lines: readonly string[], last: number): number {
  let first = last
  while (first > 0 && isExplanation(lines[first - 1] ?? "")) first -= 1
  return first
}

function endOf(lines: readonly string[]): readonly string[] {
  return lines.length > excerptLines ? ["[...]", ...lines.slice(1 - excerptLines)] : lines
}

function linesOf(text: string): readonly string[] {
  const trimmed = cleanText(text).trimEnd()
  if (trimmed === "") return []
  return trimmed.split("\n").map(shortLine)
}

function shortLine(line: string): string {
  const { start, end } = longestLine
  return line.length > start + end ? `${line.slice(0, start)}…${line.slice(-end)}` : line
}
