import type { PatternPart } from "../text/wildcards.js"

/** What Go's `filepath.Match` accepts: escapes and classes are whole, ranges have two ends. */
const wellFormed = /^(?:[^\\[]|\\.|\[(?:\^|(?!\^))(?:(?:[^\\\]-]|\\.)(?:-(?:[^\\\]-]|\\.))?)+\])*$/su
const group = /\[(?:\^|(?!\^))(?:[^\\\]]|\\.)+\]/suy

const any = () => true
const notSlash = (char: string) => char !== "/"

/**
 * The parts of a pattern by the rules of Go's `filepath.Match`; undefined where it is none.
 * @param isIgnorePattern with the addition of moby's `patternmatcher`: `**`
 */
export function goPatternParts(
  pattern: string,
  isIgnorePattern: boolean,
): readonly PatternPart[] | undefined {
  if (!wellFormed.test(pattern)) return undefined
  try {
    const parts: PatternPart[] = []
    for (let index = 0; index < pattern.length;) {
      const [part, length] = partAt(pattern, index, isIgnorePattern)
      parts.push(part)
      index += length
    }
    return parts
  } catch {
    // A range whose ends are the wrong way around.
    return undefined
  }
}

/** Whether a pattern has no wildcards, classes and escapes. */
export function isPlain(pattern: string): boolean {
  return !/[*?[\]\\]/.test(pattern)
}

/** The part that stands at an index, and how long that is. */
function partAt(
  pattern: string,
  index: number,
  isIgnorePattern: boolean,
): readonly [part: PatternPart, length: number] {
  if (isIgnorePattern && pattern.startsWith("**", index)) {
    const length = pattern.charAt(index + 2) === "/" ? 3 : 2
    if (index + length === pattern.length) return [{ kind: "many", accepts: any }, length]
    return [{ kind: "folders" }, length]
  }
  const char = charAt(pattern, index)
  if (char === "*") return [{ kind: "many", accepts: notSlash }, 1]
  if (char === "?") return [{ kind: "one", accepts: notSlash }, 1]
  if (char === "\\") {
    const escaped = charAt(pattern, index + 1)
    return [oneOf(escaped), 1 + escaped.length]
  }
  group.lastIndex = index
  const bracket = group.exec(pattern)?.[0]
  if (bracket === undefined) return [oneOf(char), char.length]
  const matcher = new RegExp(`^${classSource(bracket)}$`, "su")
  return [{ kind: "one", accepts: (other) => matcher.test(other) }, bracket.length]
}

function oneOf(char: string): PatternPart {
  return { kind: "one", accepts: (other) => other === char }
}

function charAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0)
}

/** A bracket expression: JavaScript reads the same but for characters that need no escape. */
function classSource(bracket: string): string {
  const isNegated = bracket.startsWith("[^")
  const inside = bracket.slice(isNegated ? 2 : 1, -1)
  const source = inside.replace(/\\(.)|([[^])/gsu, (_, escaped?: string, sign?: string) =>
    literalInClass(escaped ?? sign ?? ""),
  )
  return `[${isNegated ? "^" : ""}${source}]`
}

function literalInClass(char: string): string {
  return /[\\\]^[$.*+?(){}|/-]/.test(char) ? `\\${char}` : char
}
