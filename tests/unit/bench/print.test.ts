import { expect, it } from "vitest"
import { atMost } from "../../../bench/part.js"
import { printSection } from "../../../bench/print.js"

it("prints a table that is read in a terminal, and says which promises were kept", () => {
  const seconds = (figure: number) => `${figure} s`
  const text = printSection({
    title: "Calls",
    header: ["call", "median"],
    rows: [
      ["empty", "1.50 s"],
      ["of a module", "11.25 s"],
    ],
    notes: ["A note."],
    goals: [atMost("the one", 5, 5, seconds), atMost("the other", 6, 5, seconds)],
  })
  expect(text).toBe(`## Calls

| call        |  median |
| --- | ---: |
| empty       |  1.50 s |
| of a module | 11.25 s |

- met: the one: at most 5 s; it is 5 s
- **missed**: the other: at most 5 s; it is 6 s

A note.
`)
})
