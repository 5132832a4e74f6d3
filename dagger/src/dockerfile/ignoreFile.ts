import { posix } from "node:path"
import type { Problem } from "../spec/spec.js"

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
  readonly matcher: RegExp
}

/** @param problems a pattern that no builder accepts is added to it */
export function parseIgnoreFile(file: string, source: string, problems: Problem[]): IgnoreFile {
  const patterns: IgnorePattern[] = []
  for (const [index, raw] of source
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const written = raw.trim()
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
  const candidates = [path, ...parentsOf(path)]
  let ignored = false
  for (const { negated, matcher } of patterns) {
    // A pattern that could not change the answer is not tried.
    if (negated === ignored && candidates.some((candidate) => matcher.test(candidate))) ignored = !negated
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
  return pattern.startsWith("**") && isSuffix(rest) && !rest.startsWith("/") && rest !== ""
    ? `**/*${rest}`
    : pattern
}

function isSuffix(text: string): boolean {
  return !/[*?[\]\\]/.test(text)
}

function parentsOf(path: string): readonly string[] {
  const parents: string[] = []
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    parents.push(path.slice(0, slash))
  }
  return parents
}

/** The pattern, or why it is none. */
function parsePattern(written: string): IgnorePattern | string {
  const bare = written.startsWith("!") ? written.slice(1).trim() : written
  const rooted = bare === "" ? "" : cleanPath(bare)
  const relative = rooted.length > 1 && rooted.startsWith("/") ? rooted.slice(1) : rooted
  // Cleaned once more with its "!", as docker does: "/!x" is a negation too, and "!/" is none.
  const whole = cleanPath((written.startsWith("!") ? `!${relative}` : relative).trim())
  const negated = whole.startsWith("!")
  const pattern = negated ? whole.slice(1) : whole
  if (pattern === "") return '"!" stands before a pattern'
  if (!goPattern.test(pattern)) return 'a "[" is not closed, or a "\\" ends it'
  try {
    return { pattern, negated, matcher: new RegExp(`^${patternSource(pattern)}$`, "su") }
  } catch {
    return "it is not a pattern"
  }
}

/** Go's `filepath.Clean`: `posix.normalize` without the slash that it keeps at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal
}

/** What Go's `filepath.Match` accepts: escapes and classes are whole, ranges have two ends. */
const goPattern = /^(?:[^\\[]|\\.|\[\^?(?:(?:[^\\\]-]|\\.)(?:-(?:[^\\\]-]|\\.))?)+\])*$/su

function patternSource(pattern: string): string {
  const suffix = pattern.slice(2)
  if (pattern.startsWith("**") && isSuffix(suffix)) {
    return suffix.startsWith("/") ? `(?:.*/)?${literal(suffix.slice(1))}` : `.*${literal(suffix)}`
  }
  let source = ""
  for (let index = 0; index < pattern.length;) {
    const [part, length] = partAt(pattern, index)
    source += part
    index += length
  }
  return source
}

/** The regular expression of what stands at an index, and how long that is. */
function partAt(pattern: string, index: number): readonly [source: string, length: number] {
  const rest = pattern.slice(index)
  const doubled = /^\*\*\/?/.exec(rest)?.[0]
  if (doubled !== undefined) {
    return [rest.length === doubled.length ? ".*" : "(?:.*/)?", doubled.length]
  }
  const char = String.fromCodePoint(pattern.codePointAt(index) ?? 0)
  if (char === "*") return ["[^/]*", 1]
  if (char === "?") return ["[^/]", 1]
  if (char === "\\") {
    const escaped = String.fromCodePoint(pattern.codePointAt(index + 1) ?? 0x5c)
    return [literal(escaped), 1 + escaped.length]
  }
  const group = /^\[\^?(?:[^\\\]]|\\.)+\]/su.exec(rest)?.[0]
  if (group !== undefined) return [classSource(group), group.length]
  return [literal(char), char.length]
}

/** A bracket expression: JavaScript reads the same but for characters that need no escape. */
function classSource(group: string): string {
  return group.replace(/\\(.)/gsu, (_, char: string) => literalInClass(char))
}

function literalInClass(char: string): string {
  return /[\\\]^-]/.test(char) ? `\\${char}` : literal(char)
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
}
