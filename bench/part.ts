/** How a bench is to be run. */
export interface Settings {
  /** Measurements of each thing; the table has their median. */
  readonly repeats: number
  /** Tells whoever waits what is being done. */
  readonly say: (line: string) => void
}

/** Something that was promised, and what was found. */
export interface Goal {
  readonly promise: string
  readonly found: string
  readonly met: boolean
}

/** A table of one part's figures. */
export interface Section {
  readonly title: string
  readonly header: readonly string[]
  /** The first column is text, the others are figures. */
  readonly rows: readonly (readonly string[])[]
  /** What a reader of the table must know. */
  readonly notes: readonly string[]
  readonly goals: readonly Goal[]
}

/** One part of the bench, which can be run by itself. */
export interface BenchPart {
  readonly name: string
  /** What it measures, in a few words. */
  readonly summary: string
  /** Run only when it is named: it takes long. */
  readonly onlyByName?: boolean
  readonly needsEngine: boolean
  /** Gives each table as soon as it is complete. */
  readonly run: (settings: Settings) => AsyncIterable<Section> | Iterable<Section>
}

/** A promise about a figure that must not be above a limit. */
export function atMost(
  promise: string,
  found: number,
  limit: number,
  format: (figure: number) => string,
): Goal {
  return { promise: `${promise}: at most ${format(limit)}`, found: format(found), met: found <= limit }
}
