import type { PatternPart } from "./wildcards.js"

/** States kept; a text that makes more of them starts anew, so that none takes all memory. */
const mostStates = 20_000

/** Where all patterns stand after some characters of a path. */
interface State {
  /** Pairs of a pattern and the part that may come next, as `pattern * stride + part`, ascending. */
  readonly places: readonly number[]
  /** The last pattern that matches what was read, or -1. */
  readonly complete: number
  readonly next: Map<string, State>
}

/**
 * Many patterns at once. All of them are read as one automaton whose states are made when a path first comes to them
 * (the lazy construction of RE2): paths of one folder share their way, so that a path costs time by its own length,
 * whatever the number of patterns.
 */
export class PatternSet {
  private readonly stride: number
  private readonly states = new Map<string, State>()
  private start: State

  /** @param patterns the parts of each, in order */
  constructor(private readonly patterns: readonly (readonly PatternPart[])[]) {
    // Not `Math.max` of all: a file may have more patterns than a call may have arguments.
    this.stride = 1 + patterns.reduce((longest, parts) => Math.max(longest, parts.length), 0)
    this.start = this.startState()
  }

  /** The last pattern that matches a path or one of the folders that it is in; -1 where none does. */
  lastMatch(path: string): number {
    let last = -1
    let state = this.start
    for (const char of path) {
      if (char === "/") last = Math.max(last, state.complete)
      state = state.next.get(char) ?? this.make(state, char)
    }
    return Math.max(last, state.complete)
  }

  private startState(): State {
    const places = new Set<number>()
    for (const index of this.patterns.keys()) this.enter(places, index, 0)
    return this.stateOf(places)
  }

  private make(state: State, char: string): State {
    if (this.states.size >= mostStates) {
      this.states.clear()
      this.start = this.startState()
    }
    const places = new Set<number>()
    for (const place of state.places) this.follow(places, place, char)
    const next = this.stateOf(places)
    state.next.set(char, next)
    return next
  }

  /** What may come after a character that the part at a place accepts. */
  private follow(places: Set<number>, place: number, char: string): void {
    const index = Math.floor(place / this.stride)
    const at = place % this.stride
    const part = this.patterns[index]?.[at]
    if (part?.kind === "folders") {
      places.add(place)
      if (char === "/") this.enter(places, index, at + 1)
    } else if (part?.accepts(char) === true) {
      this.enter(places, index, part.kind === "one" ? at + 1 : at)
    }
  }

  /** A part, and those behind it as long as these may take nothing. */
  private enter(places: Set<number>, index: number, first: number): void {
    const parts = this.patterns[index] ?? []
    for (let at = first; ; at += 1) {
      places.add(index * this.stride + at)
      const kind = parts[at]?.kind
      if (kind === undefined || kind === "one") return
    }
  }

  private stateOf(found: ReadonlySet<number>): State {
    const places = [...found].sort((a, b) => a - b)
    const key = places.join()
    const known = this.states.get(key)
    if (known !== undefined) return known
    const complete = places.findLast(
      (place) => place % this.stride === this.patterns[Math.floor(place / this.stride)]?.length,
    )
    const state: State = {
      places,
      complete: complete === undefined ? -1 : Math.floor(complete / this.stride),
      next: new Map(),
    }
    this.states.set(key, state)
    return state
  }
}
