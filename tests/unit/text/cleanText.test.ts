import { describe, expect, test } from "vitest"
import { cleanDocument, cleanLine, cleanText } from "../../../dagger/lib/text/cleanText.js"
import fc from "../../support/fastCheck.js"
import { nastyText, piecesOf, runs } from "../../support/fuzz.js"

describe("cleaned text", () => {
  test.each([
    ["\u001B[31mred\u001B[0m\u001B]0;title\u0007!", "red!"],
    ["\u001B]8;;https://evil.example\u001B\\link\u001B]8;;\u001B\\", "link"],
    ["\u001BPq#0;2;0;0;0\u001B\\after", "after"],
    ["\u001B(B\u001Bc\u001B7x", "x"],
    [" 10%\r 50%\r100%\ndone\r\n", "100%\ndone\n"],
    ["a\u0000b\tc", "ab\tc"],
    ["\u009B31mred", "31mred"],
    ["half \uD83D pair", "half \uFFFD pair"],
    ["abc\u202Egpj.exe", "abcgpj.exe"],
    ["one\u2028two", "one\ntwo"],
  ])("%j", (text, clean) => {
    expect(cleanText(text)).toBe(clean)
  })

  test.each([
    ["::add-mask::all", ": :add-mask::all"],
    ["ok\n \u00a0::error file=x::y", "ok\n \u00a0: :error file=x::y"],
    ["a ##[add-mask]b", "a # #[add-mask]b"],
    ["\u001B[0m::set-env name=A::b", ": :set-env name=A::b"],
    ["#\u0000#[group]x", "# #[group]x"],
    ["test_a.py::test_b", "test_a.py::test_b"],
  ])("is no command to a runner: %j", (text, clean) => {
    expect(cleanText(text)).toBe(clean)
  })

  test("is one line for a name", () => {
    expect(cleanLine("a.py::test[x\n::error::y\u001B[2J]")).toBe("a.py::test[x : :error::y]")
    expect(cleanLine("\n::error::y")).toBe(": :error::y")
  })

  test("whatever it was", () => {
    const written = fc.oneof(
      nastyText,
      piecesOf("\u001B", "[", "]", "#", ":", "\r", "\n", "\u2028", "m", " "),
    )
    fc.assert(
      fc.property(written, (text) => {
        const clean = cleanText(text)
        expect(clean).not.toMatch(/[^\P{Cc}\t\n]|\p{Cs}|##\[/u)
        expect(clean.split(/\r\n|[\r\n]/).some((line) => line.trimStart().startsWith("::"))).toBe(false)
        expect(cleanText(clean)).toBe(clean)
        expect(cleanLine(text)).not.toMatch(/\n/)
        expect(cleanLine(cleanLine(text))).toBe(cleanLine(text))
      }),
      runs(3000),
    )
  })
})

test("a document is cleaned to its leaves", () => {
  const document = {
    name: "a\u0007",
    tests: [{ output: "::error::x", seconds: 1, flaky: false }],
    none: null,
  }
  expect(cleanDocument(document)).toEqual({
    name: "a",
    tests: [{ output: ": :error::x", seconds: 1, flaky: false }],
    none: null,
  })
})
