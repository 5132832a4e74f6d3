import type { Location, Problem } from "../problems.js"
import { trimEnd } from "../text/trim.js"
import { separators, trimBlanks, trimBlanksStart } from "./blanks.js"
import { splitWords } from "./words.js"

/**
 * A Dockerfile as logical lines, by the rules of BuildKit's `parser/parser.go`: continuations joined, comments
 * between them left out, the bodies of heredocs attached.
 *
 * Why no parser library: dockerfile-ast 0.7.1 takes `RUN a \\` (an escaped backslash) for a continuation and swallows
 * the next instruction, misses heredocs of the forms `3<<EOF` and `<<'E O F'` and reads their bodies as instructions,
 * and takes 1.2 ms for an ordinary file. Each of these would link a wrong image without a word.
 */
export interface DockerfileLines {
  readonly lines: readonly LogicalLine[]
  /** `# syntax=`, `# escape=` and `# check=` at the top. */
  readonly directives: readonly Directive[]
  /** What escapes a character and continues a line: a backslash, or a backquote by directive. */
  readonly escape: "\\" | "`"
}

export interface Directive {
  readonly name: string
  readonly value: string
  readonly location: Location
}

/** An instruction's text without line breaks. */
export interface LogicalLine {
  readonly file: string
  readonly text: string
  /** Where each physical line starts in `text`, in order; the first starts at 0. */
  readonly segments: readonly Segment[]
  /** The raw lines of its heredocs with their terminators, each without a line break at its end. */
  readonly heredocs: readonly string[]
}

export interface Segment {
  readonly offset: number
  readonly line: number
  /** Column at which the segment's text starts in its physical line. */
  readonly column: number
}

/** The place in the file of a position in a logical line. */
export function locationAt({ file, segments }: LogicalLine, offset = 0): Location {
  const segment = segments.findLast((candidate) => candidate.offset <= offset)
  if (segment === undefined) return { file, line: 1, column: 1 }
  return { file, line: segment.line, column: segment.column + offset - segment.offset }
}

/** A part of a logical line as a line of its own, for ONBUILD's trigger; positions keep their places in the file. */
export function sliceLine(line: LogicalLine, start: number): LogicalLine {
  const first = locationAt(line, start)
  const later = line.segments.filter((segment) => segment.offset > start)
  return {
    ...line,
    text: line.text.slice(start),
    segments: [
      { offset: 0, line: first.line, column: first.column },
      ...later.map((segment) => ({ ...segment, offset: segment.offset - start })),
    ],
  }
}

/** Keywords whose arguments may open a heredoc. */
const heredocKeywords = new Set(["ADD", "COPY", "RUN"])
const directiveForm = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=(.*)$/
const heredocForm = /^\d*<<(-?)([^<]*)$/

/** @param problems what is wrong is added to it; the lines that could be read are returned all the same */
export function readDockerfileLines(file: string, source: string, problems: Problem[]): DockerfileLines {
  const physical = source.replace(/^\uFEFF/, "").split("\n")
  // A line break at the end of the file ends its last line, and does not start another.
  if (physical.at(-1) === "") physical.pop()
  const directives = readDirectives(file, physical, problems)
  const written = directives.find(({ name }) => name === "escape")?.value
  const reader = new LineReader(file, physical, written === "`" ? "`" : "\\", problems)
  return { lines: reader.readAll(), directives, escape: written === "`" ? "`" : "\\" }
}

function readDirectives(
  file: string,
  physical: readonly string[],
  problems: Problem[],
): readonly Directive[] {
  const directives: Directive[] = []
  for (const [index, raw] of physical.entries()) {
    const [, written = "", given = ""] = directiveForm.exec(trimBlanks(raw)) ?? []
    const name = written.toLowerCase()
    const value = given.trim()
    if (value === "" || (name !== "syntax" && name !== "escape" && name !== "check")) break
    const location = { file, line: index + 1, column: raw.indexOf("#") + 1 }
    if (directives.some((directive) => directive.name === name)) {
      problems.push({ location, message: `the directive "${name}" stands here a second time` })
    }
    if (name === "escape" && value !== "\\" && value !== "`") {
      problems.push({ location, message: `"${value}" cannot be the escape character`, hint: "it is \\ or `" })
    }
    directives.push({ name, value, location })
  }
  return directives
}

class LineReader {
  private index = 0
  private readonly continuation: RegExp

  constructor(
    private readonly file: string,
    private readonly physical: readonly string[],
    escape: string,
    private readonly problems: Problem[],
  ) {
    // A doubled escape character at the end is text, not a continuation.
    this.continuation = escape === "`" ? /(^|[^`])`[ \t]*$/ : /(^|[^\\])\\[ \t]*$/
  }

  readAll(): readonly LogicalLine[] {
    const lines: LogicalLine[] = []
    while (this.index < this.physical.length) {
      const line = this.readLine()
      if (line.text !== "") lines.push({ ...line, heredocs: this.readHeredocs(line) })
    }
    return lines
  }

  private readLine(): LogicalLine {
    const segments: Segment[] = []
    let text = ""
    let isOpen = true
    while (isOpen && this.index < this.physical.length) {
      const raw = trimEnd(this.physical[this.index] ?? "", "\r")
      const line = this.index + 1
      this.index += 1
      const isFirst = segments.length === 0
      if (isNothing(raw)) {
        // Before an instruction nothing is open yet; between continued lines it is left out.
        isOpen = !isFirst
        continue
      }
      const shown = isFirst ? trimBlanksStart(raw) : raw
      const part = shown.replace(this.continuation, "$1")
      isOpen = part !== shown
      segments.push({ offset: text.length, line, column: raw.length - shown.length + 1 })
      text += part
    }
    return { file: this.file, text, segments, heredocs: [] }
  }

  /** Refuses and passes over a heredoc whose body the engine would take for instructions. */
  private passSpaced(line: LogicalLine): void {
    const [whole = "", operator = "", word = ""] = spacedForm.exec(line.text) ?? []
    const heredoc = whole === "" || !takesHeredocs(line.text) ? undefined : parseHeredoc(operator + word)
    if (heredoc === undefined) return
    const end = this.physical.findIndex((raw, index) => index >= this.index && isTerminator(raw, heredoc))
    if (end === -1) return
    this.index = end + 1
    const offset = line.text.indexOf(whole) + whole.indexOf(operator)
    this.problems.push({
      location: locationAt(line, offset),
      message: 'the engine reads no heredoc with a blank behind "<<"',
      hint: `write ${operator}${word}`,
    })
  }

  private readHeredocs(line: LogicalLine): readonly string[] {
    const body: string[] = []
    this.passSpaced(line)
    for (const { name, stripsTabs } of heredocsOf(line.text)) {
      let terminated = false
      while (!terminated && this.index < this.physical.length) {
        const raw = this.physical[this.index] ?? ""
        this.index += 1
        body.push(raw)
        terminated = isTerminator(raw, { name, stripsTabs })
      }
      if (!terminated) {
        this.problems.push({
          location: locationAt(line),
          message: `the heredoc "${name}" is not closed: no line is just ${name}`,
        })
      }
    }
    return body
  }
}

function isTerminator(raw: string, { name, stripsTabs }: Heredoc): boolean {
  const bare = trimEnd(raw, "\r")
  return (stripsTabs ? bare.replace(/^\t+/, "") : bare) === name
}

/** A comment or an empty line: left out, also between continued lines. */
function isNothing(raw: string): boolean {
  const text = trimBlanksStart(raw)
  return text === "" || text.startsWith("#")
}

/** A heredoc that a line opens. */
export interface Heredoc {
  readonly name: string
  /** `<<-`: leading tabs are taken off its lines. */
  readonly stripsTabs: boolean
}

/** A heredoc as later frontends and shells read it, where its body follows: `<< EOF`. */
const spacedForm = /(?:^|\s)(\d*<<-?)[ \t]+(?!<)(\S+)/

function heredocsOf(text: string): readonly Heredoc[] {
  if (!text.includes("<<") || !takesHeredocs(text)) return []
  return splitWords(text, { raw: true }).flatMap((word) => parseHeredoc(word) ?? [])
}

function takesHeredocs(text: string): boolean {
  const outer = splitOnce(text)
  const [keyword = "", rest = ""] = outer[0]?.toUpperCase() === "ONBUILD" ? splitOnce(outer[1] ?? "") : outer
  return heredocKeywords.has(keyword.toUpperCase()) && jsonWords(rest) === undefined
}

/** The heredoc that a word opens: `<<EOF`, `<<-"EOF"`, `3<<EOF`. */
export function parseHeredoc(word: string): Heredoc | undefined {
  const [, dash, written] = heredocForm.exec(word) ?? []
  if (written === undefined || written === "") return undefined
  const [name, ...more] = splitWords(written, { raw: false })
  return name === undefined || more.length > 0 ? undefined : { name, stripsTabs: dash === "-" }
}

/** The strings of `["a", "b"]`, or undefined where the text is not a JSON array of strings. */
export function jsonWords(text: string): readonly string[] | undefined {
  const array = trimBlanks(text)
  if (!array.startsWith("[")) return undefined
  try {
    const value: unknown = JSON.parse(array)
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined
  } catch {
    return undefined
  }
}

function splitOnce(text: string): readonly string[] {
  const trimmed = trimBlanks(text)
  const found = separators.exec(trimmed)
  if (found === null) return [trimmed, ""]
  return [trimmed.slice(0, found.index), trimmed.slice(found.index + found[0].length)]
}
