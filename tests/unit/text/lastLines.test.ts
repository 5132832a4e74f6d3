import { describe, expect, test } from "vitest"
import { LastLines } from "../../../dagger/lib/text/lastLines.js"

function numbered(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join("")
}

describe("the last lines", () => {
  test("are all where there are few, in whatever pieces they come", () => {
    const lines = new LastLines()
    lines.add("out", "one\ntw")
    lines.add("err", "an error\n")
    lines.add("out", "o\nthree")
    expect(lines.text()).toBe("one\nan error\ntwo\nthree")
  })

  test("are those at the end", () => {
    const lines = new LastLines()
    lines.add("out", numbered(1, 500))
    expect(lines.text()).toBe(`[...]\n${numbered(431, 500)}`.trimEnd())
  })

  test("have the errors, also those that came before", () => {
    const lines = new LastLines()
    lines.add("out", numbered(1, 10))
    lines.add("err", "this went wrong\n")
    lines.add("out", numbered(11, 300))
    const text = lines.text()
    expect(text).toBe(`[...]\nthis went wrong\n[...]\n${numbered(231, 300)}`.trimEnd())
  })

  test("are a hundred at most, of bounded length", () => {
    const lines = new LastLines()
    for (let number = 0; number < 300; number += 1) {
      lines.add("err", "e\n")
      lines.add("out", "o\n")
    }
    lines.add("out", "x".repeat(1e6))
    expect(
      lines
        .text()
        .split("\n")
        .filter((line) => line !== "[...]").length,
    ).toBeLessThanOrEqual(100)
    expect(lines.text().length).toBeLessThan(5000)
  })
})
