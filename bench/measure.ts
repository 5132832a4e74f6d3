/** The middle of some figures; between the two in the middle where their number is even. @throws RangeError for none */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((one, other) => one - other)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (upper === undefined || lower === undefined) throw new RangeError("a median needs figures")
  return (upper + lower) / 2
}

/** A result, and the milliseconds that it took. */
export interface Timed<T> {
  readonly result: T
  readonly milliseconds: number
}

/** Measures by a clock that only goes forward. */
export async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const start = performance.now()
  const result = await work()
  return { result, milliseconds: performance.now() - start }
}

/**
 * Runs things in turn, so that what else happens on the machine hits all of them alike. A first round, which fills
 * caches, does not count.
 * @param things each gives its figure, such as the milliseconds that it took
 * @returns the figures of each, in the order of the rounds
 */
export async function inTurns<Name extends string, Figure>(
  rounds: number,
  things: Readonly<Record<Name, (round: number) => Promise<Figure>>>,
): Promise<Readonly<Record<Name, readonly Figure[]>>> {
  const names = Object.keys(things) as Name[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as Figure[]])) as Record<Name, Figure[]>
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const figure = await things[name](round)
      if (round > 0) figures[name].push(figure)
    }
  }
  return figures
}

/** `1.07`: how much more one figure is than another. */
export function formatRatio(ratio: number): string {
  return ratio.toFixed(2)
}

/** `12.31 s`: two digits after the point in every row, so that rows can be compared. */
export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** `1.02 to 1.31 s`: how far measurements of one thing lie apart. */
export function formatSpread(milliseconds: readonly number[]): string {
  const seconds = (figure: number) => (figure / 1000).toFixed(2)
  return `${seconds(Math.min(...milliseconds))} to ${seconds(Math.max(...milliseconds))} s`
}
