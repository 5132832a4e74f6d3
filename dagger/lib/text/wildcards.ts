/**
 * Patterns with wildcards. JavaScript's regular expressions try again and again where several stars stand in one
 * pattern; this takes time by the length of the text times that of the pattern, as Go's do.
 */

/** A part of a pattern: what it takes from the text. */
export type PatternPart =
  /** One character. */
  | { readonly kind: "one"; readonly accepts: (char: string) => boolean }
  /** Any number of characters. */
  | { readonly kind: "many"; readonly accepts: (char: string) => boolean }
  /** Nothing, or everything up to and with some "/". */
  | { readonly kind: "folders" }

/** A part for each character of a text. */
export function literally(text: string): readonly PatternPart[] {
  return Array.from(text).map((char) => ({ kind: "one", accepts: (other) => other === char }))
}

/** Whether a pattern matches the whole of a text. */
export function matchesWhole(parts: readonly PatternPart[], text: string): boolean {
  return matchEnds(parts, text).at(-1) === text.length
}

/** Whether a pattern in which `*` stands for any characters matches the whole of a text. */
export function matchesStars(pattern: string, text: string): boolean {
  const any = { kind: "many", accepts: () => true } as const
  const parts = pattern
    .split("*")
    .flatMap((part, index) => (index === 0 ? literally(part) : [any, ...literally(part)]))
  return matchesWhole(parts, text)
}

/** Where the matches end that begin at a position of the text, the shortest first. */
export function matchEnds(parts: readonly PatternPart[], text: string, from = 0): readonly number[] {
  const ends: number[] = []
  let states = new States(parts)
  states.enter(0)
  let position = from
  while (!states.isEmpty) {
    if (states.isComplete) ends.push(position)
    const code = text.codePointAt(position)
    if (code === undefined) break
    const char = String.fromCodePoint(code)
    states = states.after(char)
    position += char.length
  }
  return ends
}

/**
 * The positions of the text at which a match begins, in one pass from its end: a pattern that matches nowhere would
 * otherwise be tried from each position to the end.
 * @param parts without "folders"
 */
export function matchStarts(parts: readonly PatternPart[], text: string): ReadonlySet<number> {
  const starts = new Set<number>()
  const reversed = parts.toReversed()
  let states = new States(reversed)
  let position = text.length
  for (;;) {
    // A match may end at each position.
    states.enter(0)
    if (states.isComplete) starts.add(position)
    if (position === 0) return starts
    const char = charBefore(text, position)
    states = states.after(char)
    position -= char.length
  }
}

function charBefore(text: string, position: number): string {
  const pair = text.codePointAt(position - 2)
  return pair !== undefined && pair > 0xffff ? String.fromCodePoint(pair) : text.charAt(position - 1)
}

/** The parts that may come next, at one position of the text. */
class States {
  private readonly active = new Set<number>()
  /** Entered anew, so that what follows it may come next, too. */
  private readonly entered = new Set<number>()

  constructor(private readonly parts: readonly PatternPart[]) {}

  get isEmpty(): boolean {
    return this.active.size === 0
  }

  get isComplete(): boolean {
    return this.active.has(this.parts.length)
  }

  enter(first: number): void {
    for (let index = first; !this.entered.has(index); index += 1) {
      this.entered.add(index)
      this.active.add(index)
      const kind = this.parts[index]?.kind
      if (kind === undefined || kind === "one") return
    }
  }

  after(char: string): States {
    const next = new States(this.parts)
    for (const index of this.active) {
      const part = this.parts[index]
      if (part?.kind === "folders") {
        next.active.add(index)
        if (char === "/") next.enter(index + 1)
      } else if (part?.accepts(char) === true) {
        next.enter(part.kind === "one" ? index + 1 : index)
      }
    }
    return next
  }
}
