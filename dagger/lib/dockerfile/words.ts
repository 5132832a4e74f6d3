import type { PatternPart } from "../text/wildcards.js"
import { literally, matchEnds, matchStarts } from "../text/wildcards.js"
import { isBlank } from "./blanks.js"

/**
 * Words of a Dockerfile: quotes, escapes and `$variables`, by the rules of BuildKit's `shell/lex.go` (moby/buildkit
 * v0.16). They resemble a shell's but are not: `${x:?}` fails the build, an unset variable is empty, `$(...)` is text.
 */

/** Value of a variable; undefined where it is unset. Throws `UnknownVariable` where that cannot be known. */
export type Lookup = (name: string) => string | undefined

/** A variable whose value only the builder knows, for instance one that the base image sets. */
export class UnknownVariable extends Error {
  override readonly name = "UnknownVariable"

  constructor(readonly variable: string) {
    super(`$${variable} is not known before the build`)
  }
}

/** A word that no builder accepts: an open quote, a bad substitution. */
export class InvalidWord extends Error {
  override readonly name = "InvalidWord"
}

interface LexOptions {
  readonly lookup: Lookup
  /** Keep quotes and escapes in the result. */
  readonly raw: boolean
  /** Keep what stands for an unset variable as it is written. */
  readonly keepUnset: boolean
}

/** What an expansion came to. */
export type Expansion =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unknown"; readonly variable: string }
  | { readonly kind: "invalid"; readonly message: string }

/** Removes quotes and escapes of a word and replaces its variables. The escape character is a backslash. */
export function expandWord(word: string, lookup: Lookup): Expansion {
  try {
    return { kind: "text", text: new Lexer(word, { lookup, raw: false, keepUnset: false }).read().text }
  } catch (error) {
    if (error instanceof UnknownVariable) return { kind: "unknown", variable: error.variable }
    if (error instanceof InvalidWord) return { kind: "invalid", message: error.message }
    throw error
  }
}

/**
 * Splits a line at blanks outside quotes; quotes and escapes are removed, or kept where `raw`.
 * A line that does not scan (an open quote: legal in a RUN) has no words.
 */
export function splitWords(line: string, { raw }: { readonly raw: boolean }): readonly string[] {
  try {
    return new Lexer(line, { lookup: () => undefined, raw, keepUnset: true }).read().words
  } catch (error) {
    if (error instanceof InvalidWord) return []
    throw error
  }
}

/** Writes a value as one word that `expandWord` turns back into it. The value holds no line break. */
export function quoteWord(value: string): string {
  if (value !== "" && !/[\s"'$\\#]/u.test(value)) return value
  return `"${value.replaceAll(/["$\\]/g, "\\$&")}"`
}

/** Like `quoteWord`, for the words that are split at blanks before quotes are looked at (COPY, ADD). */
export function escapeWord(value: string): string {
  return value.replaceAll(/["'$\\]/g, "\\$&")
}

const letterOrDigit = /[\p{L}\p{Nd}_]/u
const digit = /\p{Nd}/u
/** Special parameters of POSIX, section 2.5.2; BuildKit takes each for a name of one character. */
const specialParameters = "@*#?-$!0"

/** Collects words as a scan goes: blanks outside quotes end a word. */
class WordList {
  readonly words: string[] = []
  private current = ""

  addText(text: string): void {
    for (const char of text) {
      if (!isBlank(char)) this.current += char
      else this.end()
    }
  }

  addLiteral(text: string): void {
    this.current += text
  }

  end(): void {
    if (this.current !== "") this.words.push(this.current)
    this.current = ""
  }
}

/** Substitutions inside of each other; more of them are an attack on the stack. */
const deepestSubstitution = 200

/** One scan of a word or line. */
class Lexer {
  private position = 0
  private depth = 0

  constructor(
    private readonly source: string,
    private readonly options: LexOptions,
  ) {}

  read(): { readonly text: string; readonly words: readonly string[] } {
    const list = new WordList()
    const text = this.readUntil(undefined, this.options.raw, list)
    list.end()
    return { text, words: list.words }
  }

  private peek(): string | undefined {
    const code = this.source.codePointAt(this.position)
    return code === undefined ? undefined : String.fromCodePoint(code)
  }

  private next(): string | undefined {
    const char = this.peek()
    this.position += char?.length ?? 0
    return char
  }

  private readUntil(stop: string | undefined, rawEscapes: boolean, list = new WordList()): string {
    let text = ""
    for (let char = this.peek(); char !== undefined; char = this.peek()) {
      if (char === stop) {
        this.next()
        return text
      }
      text += this.readPart(char, rawEscapes, list)
    }
    if (stop !== undefined) throw new InvalidWord(`the closing "${stop}" of a substitution is missing`)
    return text
  }

  private readPart(char: string, rawEscapes: boolean, list: WordList): string {
    if (char === "'" || char === '"') {
      const quoted = char === "'" ? this.readSingleQuoted() : this.readDoubleQuoted(rawEscapes)
      list.addLiteral(quoted)
      return quoted
    }
    if (char === "$") {
      const value = this.readDollar()
      list.addText(value)
      return value
    }
    this.next()
    if (char !== "\\") {
      list.addText(char)
      return char
    }
    const escaped = this.next()
    const kept = (rawEscapes ? "\\" : "") + (escaped ?? "")
    list.addLiteral(kept)
    return kept
  }

  private readSingleQuoted(): string {
    const end = this.source.indexOf("'", this.position + 1)
    if (end === -1) throw new InvalidWord("a single quote is not closed")
    const inner = this.source.slice(this.position + 1, end)
    this.position = end + 1
    return this.options.raw ? `'${inner}'` : inner
  }

  private readDoubleQuoted(rawEscapes: boolean): string {
    this.next()
    let text = ""
    for (let char = this.peek(); char !== '"'; char = this.peek()) {
      if (char === undefined) throw new InvalidWord("a double quote is not closed")
      text += char === "$" ? this.readDollar() : this.readQuotedChar(rawEscapes)
    }
    this.next()
    return this.options.raw ? `"${text}"` : text
  }

  /** Inside double quotes a backslash escapes only `"`, `$` and itself. */
  private readQuotedChar(rawEscapes: boolean): string {
    const char = this.next() ?? ""
    if (char !== "\\") return char
    const following = this.peek()
    const kept = rawEscapes ? "\\" : ""
    if (following === undefined) return kept
    if (following === '"' || following === "$" || following === "\\") return kept + (this.next() ?? "")
    return kept + char
  }

  private readDollar(): string {
    const start = this.position
    this.next()
    if (this.peek() !== "{") {
      const name = this.readName()
      if (name === "") return "$"
      const value = this.options.lookup(name)
      return value ?? (this.options.keepUnset ? `$${name}` : "")
    }
    this.next()
    const first = this.peek()
    if (first === undefined) throw new InvalidWord('"${" is not closed')
    if (first === "{" || first === "}" || first === ":")
      throw new InvalidWord(`bad substitution "\${${first}"`)
    const name = this.readName()
    this.depth += 1
    if (this.depth > deepestSubstitution) throw new InvalidWord("substitutions are nested too deeply")
    const value = this.readSubstitution(name)
    this.depth -= 1
    const isKept = this.options.keepUnset && this.options.lookup(name) === undefined
    return isKept ? this.source.slice(start, this.position) : value
  }

  /** After `${name`: up to and with the closing brace. */
  private readSubstitution(name: string): string {
    const operator = this.next()
    switch (operator) {
      case "}":
        return this.options.lookup(name) ?? ""
      case ":":
        return this.readDefault(name, this.next(), true)
      case "-":
      case "+":
      case "?":
        return this.readDefault(name, operator, false)
      case "#":
      case "%":
        return trimmed(operator, this.readUntil("}", true), this.options.lookup(name) ?? "")
      case "/":
        return this.readReplacement(name)
      default:
        throw new InvalidWord(`unsupported modifier "${operator ?? ""}" in the substitution of ${name}`)
    }
  }

  private readDefault(name: string, operator: string | undefined, emptyIsUnset: boolean): string {
    if (operator !== "-" && operator !== "+" && operator !== "?") {
      throw new InvalidWord(`unsupported modifier ":${operator ?? ""}" in the substitution of ${name}`)
    }
    const word = this.readUntil("}", false)
    const value = this.options.lookup(name)
    const isSet = value !== undefined && !(emptyIsUnset && value === "")
    if (operator === "-") return isSet ? value : word
    if (operator === "+") return isSet ? word : ""
    if (isSet || this.options.keepUnset) return value ?? ""
    throw new InvalidWord(`${name}: ${word === "" ? "must be set" : word}`)
  }

  private readReplacement(name: string): string {
    const everywhere = this.peek() === "/"
    if (everywhere) this.next()
    const parts = shellPattern(this.readUntil("/", true))
    const replacement = this.readUntil("}", true)
    const value = this.options.lookup(name) ?? ""
    return replaced(parts, value, replacement, everywhere)
  }

  private readName(): string {
    const first = this.peek()
    if (first === undefined) return ""
    if (!digit.test(first) && specialParameters.includes(first)) return this.next() ?? ""
    const allowed = digit.test(first) ? digit : letterOrDigit
    let name = ""
    for (let char = this.peek(); char !== undefined && allowed.test(char); char = this.peek()) {
      name += this.next() ?? ""
    }
    return name
  }
}

/** `${value#pattern}` and its kin: without the shortest, or with a doubled operator longest, match at one end. */
function trimmed(operator: "#" | "%", word: string, value: string): string {
  const isLongest = word.startsWith(operator)
  const parts = shellPattern(isLongest ? word.slice(1) : word)
  if (operator === "#") return value.slice(endOfMatch(parts, value, isLongest))
  // The shortest match at the end is that of everything turned around at its start.
  const reversed = turned(value)
  const kept = reversed.slice(endOfMatch(parts.toReversed(), reversed, isLongest))
  return turned(kept)
}

function turned(text: string): string {
  return Array.from(text).reverse().join("")
}

/** Where the match at the start ends: at the start where there is none. */
function endOfMatch(parts: readonly PatternPart[], value: string, isLongest: boolean): number {
  return matchEnds(parts, value).at(isLongest ? -1 : 0) ?? 0
}

/** `${value/pattern/replacement}`: the longest match that begins first, or all of them one after the other. */
function replaced(
  parts: readonly PatternPart[],
  value: string,
  replacement: string,
  everywhere: boolean,
): string {
  let text = ""
  let position = 0
  // Right after a match an empty one does not count.
  let lastEnd = -1
  const starts = matchStarts(parts, value)
  // They come from the end of the value.
  const [last = -1] = starts
  while (position <= last) {
    const end = starts.has(position) ? matchEnds(parts, value, position).at(-1) : undefined
    const char = String.fromCodePoint(value.codePointAt(position) ?? 0)
    const isMatch = end !== undefined && (end > position || position !== lastEnd)
    if (isMatch) text += replacement
    if (isMatch && !everywhere) return text + value.slice(end)
    if (isMatch && end > position) {
      position = end
      lastEnd = end
      continue
    }
    if (position < value.length) text += char
    position += char.length
  }
  return text + value.slice(position)
}

/** The parts of a shell pattern of `*` and `?`; neither takes a line break. */
function shellPattern(pattern: string): readonly PatternPart[] {
  const parts: PatternPart[] = []
  const chars = Array.from(pattern)
  for (let index = 0; index < chars.length; index += 1) {
    let char = chars[index] ?? ""
    if (char === "*" || char === "?") {
      parts.push({ kind: char === "*" ? "many" : "one", accepts: (other) => other !== "\n" })
      continue
    }
    if (char === "\\") {
      index += 1
      char = chars[index] ?? ""
      // The braces and slashes of the substitution itself are escaped, without being part of the pattern.
      if (!"}/*?\\".includes(char) || char === "") throw new InvalidWord(`invalid escape "\\${char}"`)
    }
    parts.push(...literally(char))
  }
  return parts
}
