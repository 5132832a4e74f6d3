import type { Problem } from "../../dagger/lib/problems.js"
import { expect } from "vitest"
import fc, { fuzzSeconds } from "./fastCheck.js"
import type { SourceTree } from "../../dagger/lib/source/sourceTree.js"

/** For `fc.assert`: this many runs among the unit tests, as many as the time allows in a long run. */
export function runs(quick: number): { numRuns?: number } {
  return fuzzSeconds > 0 ? {} : { numRuns: quick }
}

/** Text that breaks careless code: control characters, half surrogate pairs, byte order marks, names of prototypes. */
export const nastyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  piecesOf(
    ...["\u0000", "\u0007", "\u001b[1m", "\u001b]0;", "\r", "\n", "\r\n", "\t", " ", "\u0085", "\u00a0"],
    ...["\ufeff", "\u200f", "\u202e", "\u2028", "\ud800", "\udc00", "😀", "é", "İ", "ß"],
    ...[
      "__proto__",
      "constructor",
      "toString",
      "a",
      "1",
      "-",
      ".",
      "/",
      ":",
      "@",
      "=",
      "#",
      "|",
      "`",
      '"',
      "'",
      "\\",
      "$",
    ],
  ),
)

/** Texts put together of pieces that mean something to the reader at hand. */
export function piecesOf(...pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((chosen) => chosen.join(""))
}

/** Milliseconds that a call takes. */
export function timeOf(call: () => unknown): number {
  const started = performance.now()
  call()
  return performance.now() - started
}

/** Every mistake is told in words, at a place that is there: a line of the file, a column of that line or behind it. */
export function expectPlaces(problems: readonly Problem[], tree: SourceTree): void {
  expect(problems.length).toBeGreaterThan(0)
  for (const { location, message } of problems) {
    const lines = (tree.text(location.file) ?? "").split("\n")
    expect(message).not.toMatch(/undefined|\[object|NaN/)
    expect(location.line).toBeGreaterThan(0)
    expect(location.line).toBeLessThanOrEqual(lines.length)
    expect(location.column).toBeGreaterThan(0)
    expect(location.column).toBeLessThanOrEqual((lines[location.line - 1] ?? "").length + 1)
  }
}
