import { describe, expect, test } from "vitest"
import { alignedTable, painted, plainScreen } from "../../../dagger/lib/text/screen.js"
import { markdownForTerminal } from "../../../dagger/lib/text/terminalMarkdown.js"

const colours = { columns: 0, colour: true }

test("columns are as wide as their widest cell; the last one is cut to the screen", () => {
  const rows = [
    ["a", "b"],
    ["long name", "x".repeat(40)],
  ]
  expect(alignedTable(rows, plainScreen)).toEqual(["a          b", `long name  ${"x".repeat(40)}`])
  expect(alignedTable(rows, { ...plainScreen, columns: 30 })[1]).toBe(`long name  ${"x".repeat(18)}…`)
  expect(alignedTable([], plainScreen)).toEqual([])
})

test("only a screen with colours is painted", () => {
  expect(painted(plainScreen, "red", "x")).toBe("x")
  expect(painted(colours, "red", "x")).toBe("\u001b[31mx\u001b[0m")
  expect(painted(colours, "red", "")).toBe("")
})

describe("Markdown on a terminal", () => {
  test.each([
    ["## A `heading`", "A heading\n"],
    ["**3 images.** and `code`", "3 images. and code\n"],
    ["a \\| b &lt;c&gt; \\*", "a | b <c> *\n"],
    ["| A | B |\n| --- | ---: |\n| `x` | long \\| cell |\n| yy | z |", "A   B\nx   long | cell\nyy  z\n"],
    ["```sh\n./stack plan | x\n```", "./stack plan | x\n"],
    ["<details>\n<summary>more</summary>\n\ninside\n\n</details>", "more\n\ninside\n"],
    ["`````\n```\n| a |\n`````\nend", "```\n  | a |\nend\n"],
    ["an unclosed\n```\nfence", "an unclosed\n"],
  ])("%j", (markdown, shown) => {
    expect(markdownForTerminal(markdown, plainScreen)).toBe(shown)
  })

  test.each([
    ["one two three four", "one two\nthree four\n"],
    ["- one two three", "- one two\n  three\n"],
    ["12. one two three", "12. one\n    two\n    three\n"],
    ["see https://example.org/long and", "see\nhttps://example.org/long\nand\n"],
    ["https://example.org/long", "https://example.org/long\n"],
    ["exactly 10", "exactly 10\n"],
    ["```\none two three four\n```\nend", "one two three four\nend\n"],
  ])(
    "%j fits into 10 columns as far as its words do, and what is to be copied stays whole",
    (markdown, shown) => {
      expect(markdownForTerminal(markdown, { ...plainScreen, columns: 10 })).toBe(shown)
    },
  )

  test("headings are bold where there are colours, and nothing of the text is a command of the terminal", () => {
    expect(markdownForTerminal("# A\u001b]0;t\u0007", colours)).toBe("\u001b[1mA\u001b[0m\n")
  })
})
