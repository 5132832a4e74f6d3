import type { Problem } from "../problems.js"
import { posix } from "node:path"
import { PatternSet } from "../text/patternSet.js"
import type { PatternPart } from "../text/wildcards.js"
import { literally } from "../text/wildcards.js"
import { trimBlanks } from "./blanks.js"
import { goPatternParts, isPlain } from "./goPattern.js"

/**
 * A `.dockerignore`, by the rules of moby's `patternmatcher` 0.6 and its `ignorefile`: the last pattern that matches a
 * path or one of its parents decides. (@balena/dockerignore follows a version of 2019, in which `**.pyc` matches only
 * a file of that very name, and takes `+`, `(` and `{` of a file name for operators.)
 */
export interface IgnoreFile {
  readonly patterns: readonly IgnorePattern[]
  /** All of them, in the same order. */
  readonly set: PatternSet
}

/** No pattern at all. */
export const noIgnoreFile: IgnoreFile = { patterns: [], set: new PatternSet([]) }

export interface IgnorePattern {
  /** Cleaned: no leading slash, no `./`, no `..` inside. */
  readonly pattern: string
  /** A leading `!`: what matches is not ignored. */
  readonly negated: boolean
}

interface ParsedPattern extends IgnorePattern {
  readonly parts: readonly PatternPart[]
}

/** @param problems a pattern that no builder accepts is added to it */
export function parseIgnoreFile(file: string, source: string, problems: Problem[]): IgnoreFile {
  const patterns: ParsedPattern[] = []
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
  return { patterns, set: new PatternSet(patterns.map(({ parts }) => parts)) }
}

/** Whether a path below the context is left out of it: the last pattern that matches it or a parent decides. */
export function isIgnored({ patterns, set }: IgnoreFile, path: string): boolean {
  return patterns[set.lastMatch(path)]?.negated === false
}

/** The same patterns for the same files one level up, where the context is the folder `directory`. */
export function patternsBelow(directory: string, { patterns }: IgnoreFile): readonly string[] {
  return patterns.flatMap(({ pattern, negated }) => {
    // Neither the context itself nor what is outside of it can match anything.
    if (pattern === "." || pattern === "/" || pattern === ".." || pattern.startsWith("../")) return []
    return `${negated ? "!" : ""}${directory}/${anchored(pattern)}`
  })
}

/**
 * Patterns that each name one path. One with a line break, or a blank at its end, has none.
 * @param paths of a source, folders with a slash at the end
 */
export function patternsOf(paths: readonly string[]): readonly string[] {
  return paths
    .map(cleanPath)
    .filter((path) => !path.includes("\n") && trimBlanks(path) === path)
    .map((path) => path.replaceAll(/[*?[\\]/g, "\\$&"))
}

/** A leading `**` followed by plain text means "ends with"; not so behind a folder's name. */
function anchored(pattern: string): string {
  const rest = pattern.slice(2)
  return pattern.startsWith("**") && isPlain(rest) && !rest.startsWith("/") && rest !== ""
    ? `**/*${rest}`
    : pattern
}

/** The pattern, or why it is none. */
function parsePattern(written: string): ParsedPattern | string {
  const bare = written.startsWith("!") ? trimBlanks(written.slice(1)) : written
  const rooted = bare === "" ? "" : cleanPath(bare)
  const relative = rooted.length > 1 && rooted.startsWith("/") ? rooted.slice(1) : rooted
  // Cleaned once more with its "!", as docker does: "/!x" is a negation too, and "!/" is none.
  const whole = cleanPath(trimBlanks(written.startsWith("!") ? `!${relative}` : relative))
  const negated = whole.startsWith("!")
  const pattern = negated ? whole.slice(1) : whole
  if (pattern === "") return '"!" stands before a pattern'
  const parts = partsOf(pattern)
  if (parts === undefined) return 'a "[" is not closed, or a "\\" ends it'
  const misread = misreadBy(pattern)
  return misread ?? { pattern, negated, parts }
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

/** The parts of a pattern; undefined where it is none. */
function partsOf(pattern: string): readonly PatternPart[] | undefined {
  const suffix = pattern.slice(2)
  // Before plain text that starts no folder, two stars mean "ends with".
  const isSuffix = pattern.startsWith("**") && isPlain(suffix) && !suffix.startsWith("/")
  if (isSuffix) return [{ kind: "many", accepts: () => true }, ...literally(suffix)]
  return isPlain(pattern) ? literally(pattern) : goPatternParts(pattern, true)
}
