/** Share of the budget from which on an image is near it. */
const nearShare = 0.9

/** How an image's unpacked size stands to its budget, both in bytes. `over` fails the image, `near` warns. */
export interface SizeVerdict {
  readonly kind: "within" | "near" | "over"
  readonly size: number
  readonly budget: number
}

/**
 * Compares an image's unpacked size with its budget. A size that is the budget exactly is still near, not over.
 * @param size bytes
 * @param budget bytes, above zero
 */
export function checkBudget(size: number, budget: number): SizeVerdict {
  if (size > budget) return { kind: "over", size, budget }
  return { kind: size >= budget * nearShare ? "near" : "within", size, budget }
}
