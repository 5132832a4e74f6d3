/** Orders two texts of digits as numbers of any length. */
export function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+/, "")
  const right = b.replace(/^0+/, "")
  if (left.length !== right.length) return Math.sign(left.length - right.length)
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** Orders two sequences by their first difference; a missing element is given as undefined. */
export function compareSequences<Item>(
  a: readonly Item[],
  b: readonly Item[],
  compare: (a: Item | undefined, b: Item | undefined) => number,
): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const order = compare(a[index], b[index])
    if (order !== 0) return order
  }
  return 0
}
