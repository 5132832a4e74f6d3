const longestName = 200

/**
 * The candidate that was probably meant: the nearest by edit distance, ignoring case and the kind of separator,
 * or undefined where none is near enough to be a slip of the pen.
 */
export function suggest(written: string, candidates: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of candidates) {
    const tolerated = Math.max(1, Math.floor(Math.max(written.length, name.length) / 3))
    // Nobody slips in what is longer than a name, and the distance takes time by the product of the lengths.
    if (Math.max(written.length, name.length) > longestName) continue
    if (Math.abs(written.length - name.length) > tolerated) continue
    const distance = editDistance(plain(written), plain(name))
    // A distance as long as the name itself would "correct" `a` to `b`.
    if (distance > tolerated || distance >= name.length) continue
    if (best === undefined || distance < best.distance) best = { name, distance }
  }
  return best?.name
}

/**
 * The hint of an error about an unknown name: `did you mean "depend_on"?` where one is near, else what is known.
 * @param noun what the candidates are, in the plural: `images`
 */
export function hintFor(written: string, candidates: Iterable<string>, noun: string): string {
  const names = [...candidates]
  const near = suggest(written, names)
  if (near !== undefined) return `did you mean "${near}"?`
  if (names.length === 0) return `there are no ${noun}`
  const shown = names.slice(0, 12).join(", ")
  return names.length > 12 ? `${noun}: ${shown} and ${names.length - 12} more` : `${noun}: ${shown}`
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_. ]/g, "_")
}

/** Insertions, deletions, replacements and swaps of neighbours between two texts (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Infinity,
      )
    }
    ;[beforeLast, last] = [last, current]
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}
