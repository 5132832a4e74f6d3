import { expect, it } from "vitest"
import { formatSpread, inTurns, median } from "../../../bench/measure.js"

it.each([
  [[3], 3],
  [[9, 1, 5], 5],
  [[10, 2, 100, 4], 7],
])("the median of %j is %d", (figures, expected) => {
  expect(median(figures)).toBe(expected)
})

it("there is no median of nothing", () => {
  expect(() => median([])).toThrow(RangeError)
})

it("things run in turns, and the first round does not count", async () => {
  const order: string[] = []
  const note = (name: string) => (round: number) => {
    order.push(`${name}${round}`)
    return Promise.resolve(round * 10)
  }
  expect(await inTurns(2, { a: note("a"), b: note("b") })).toEqual({ a: [10, 20], b: [10, 20] })
  expect(order.join(" ")).toBe("a0 b0 a1 b1 a2 b2")
})

it("a spread goes from the least to the most", () => {
  expect(formatSpread([2500, 1000, 1990])).toBe("1.00 to 2.50 s")
})
