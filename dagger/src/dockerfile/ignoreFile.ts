import { posix } from "node:path"
import type { Problem } from "../spec/spec.js"
import { matchEnds } from "../text/wildcards.js"
import { trimBlanks } from "./blanks.js"
import { goPatternParts, isPlain } from "./goPattern.js"

/**
 * A `.dockerignore`, by the rules of moby's `patternmatcher` 0.6 and its `ignorefile`: the last pattern that matches a
 * path or one of its parents decides. (@balena/dockerignore follows a version of 2019, in which `**.pyc` matches only
 * a file of that very name, and takes `+`, `(` and `{` of a file name for operators.)
 */
export interface IgnoreFile {
  readonly patterns: readonly IgnorePattern[]
}

export interface IgnorePattern {
  /** Cleaned: no leading slash, no `./`, no `..` inside. */
  readonly pattern: string
  /** A leading `!`: what matches is not ignored. */
  readonly negated: boolean
  /** Whether it matches the path or one of its parents. */
  readonly matches: (path: string) => boolean
}

/** @param problems a pattern that no builder accepts is added to it */
export function parseIgnoreFile(file: string, source: string, problems: Problem[]): IgnoreFile {
  const patterns: IgnorePattern[] = []
  for (const [index, raw] of source
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const written = trimBlanks(raw)
    if (raw.startsWith("#") || written === "") continue
    const parsed = parsePattern(written)
    if (typeof parsed !== "string") patterns.push(parsed)
    else {
      const location = { file, line: index + 1, column: raw.indexOf(written) + 1 }
      problems.push({ location, message: `the pattern "${written}" is not valid: ${parsed}` })
    }
  }
  return { patterns }
}

/** Whether a path below the context is left out of it. */
export function isIgnored({ patterns }: IgnoreFile, path: string): boolean {
  let ignored = false
  for (const { negated, matches } of patterns) {
    // A pattern that could not change the answer is not tried.
    if (negated === ignored && matches(path)) ignored = !negated
  }
  return ignored
}

/** The same patterns for the same files one level up, where the context is the folder `directory`. */
export function patternsBelow(directory: string, { patterns }: IgnoreFile): readonly string[] {
  return patterns.flatMap(({ pattern, negated }) => {
    // Neither the context itself nor what is outside of it can match anything.
    if (pattern === "." || pattern === "/" || pattern === ".." || pattern.startsWith("../")) return []
    return `${negated ? "!" : ""}${directory}/${anchored(pattern)}`
  })
}

/** A leading `**` followed by plain text means "ends with"; not so behind a folder's name. */
function anchored(pattern: string): string {
  const rest = pattern.slice(2)
  return pattern.startsWith("**") && isPlain(rest) && !rest.startsWith("/") && rest !== ""
    ? `**/*${rest}`
    : pattern
}

/** The pattern, or why it is none. */
function parsePattern(written: string): IgnorePattern | string {
  const bare = written.startsWith("!") ? trimBlanks(written.slice(1)) : written
  const rooted = bare === "" ? "" : cleanPath(bare)
  const relative = rooted.length > 1 && rooted.startsWith("/") ? rooted.slice(1) : rooted
  // Cleaned once more with its "!", as docker does: "/!x" is a negation too, and "!/" is none.
  const whole = cleanPath(trimBlanks(written.startsWith("!") ? `!${relative}` : relative))
  const negated = whole.startsWith("!")
  const pattern = negated ? whole.slice(1) : whole
  if (pattern === "") return '"!" stands before a pattern'
  const matches = matcherOf(pattern)
  if (matches === undefined) return 'a "[" is not closed, or a "\\" ends it'
  const misread = misreadBy(pattern)
  return misread ?? { pattern, negated, matches }
}

/** Go's `filepath.Clean`: `posix.normalize` without the slash that it keeps at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal
}

/**
 * What builders take for something else than Go's `filepath.Match` does, as they make a regular expression of a
 * pattern without regard to all of its grammar.
 */
function misreadBy(pattern: string): string | undefined {
  const letter = escapedLetter.exec(pattern)?.[1]
  if (letter !== undefined) return `"${letter}" is not that character for builders: write it without "\\"`
  if (starInClass.test(pattern)) return "builders take a * or ? for a wildcard even between [ and ]"
  if (!isPlain(pattern) && caret.test(pattern))
    return 'builders take a "^" beside wildcards for the start of the path'
  return undefined
}

const escapedLetter = /^(?:[^\\]|\\[^A-Za-z0-9\x80-\u{10ffff}])*(\\[A-Za-z0-9\x80-\u{10ffff}])/su

const starInClass = /^(?:[^\\[]|\\.)*\[(?:[^\\\]*?]|\\.)*[*?]/su
const caret = /^(?:[^\\[^]|\\.|\[(?:[^\\\]]|\\.)*\])*\^/su

/** Whether a pattern matches a path or one of its parents; undefined where it is none. */
function matcherOf(pattern: string): ((path: string) => boolean) | undefined {
  const suffix = pattern.slice(2)
  if (pattern.startsWith("**") && isPlain(suffix)) {
    return (path) => `/${path}/`.slice(suffix.startsWith("/") ? 0 : 1).includes(`${suffix}/`)
  }
  if (isPlain(pattern)) return (path) => `${path}/`.startsWith(`${pattern}/`)
  const start = pattern.slice(0, -2)
  if (pattern.endsWith("**") && isPlain(start)) return (path) => path.startsWith(start)
  const parts = goPatternParts(pattern, true)
  if (parts === undefined) return undefined
  const isName = (path: string, end: number): boolean => end === path.length || path.charAt(end) === "/"
  return (path) => matchEnds(parts, path).some((end) => isName(path, end))
}
