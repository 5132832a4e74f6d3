import { describe, expect, test } from "vitest"
import {
  excerptLines,
  excerptOfOutput,
  excerptOfTest,
  placeOfTest,
} from "../../../dagger/lib/report/excerpt.js"

const lines = (...all: readonly string[]) => all.join("\n")
const many = (count: number, text = "line") =>
  Array.from({ length: count }, (_, index) => `${text} ${index}`).join("\n")

const assertion = lines(
  "    def test_sum():",
  "        # some context",
  "        value = helper(2)",
  "",
  ">       assert value == 4",
  "E       assert 3 == 4",
  "",
  "left/test/test_sum.py:15: AssertionError",
)
const inHelper = lines(
  "    def test_sum():",
  ">       check(3)",
  "",
  "left/test/test_sum.py:4: ",
  "_ _ _ _ _",
  "",
  "    def check(value):",
  ">       raise ValueError('no')",
  "E       ValueError: no",
  "",
  "tests_common/sums.py:9: ValueError",
)

test.each<[what: string, message: string, output: string, shown: readonly string[]]>([
  [
    "an assertion with the lines before it and its place",
    assertion,
    "",
    [
      "        # some context",
      "        value = helper(2)",
      ">       assert value == 4",
      "E       assert 3 == 4",
      "left/test/test_sum.py:15: AssertionError",
    ],
  ],
  [
    "of several levels the last one",
    inHelper,
    "",
    [
      "    def check(value):",
      ">       raise ValueError('no')",
      "E       ValueError: no",
      "tests_common/sums.py:9: ValueError",
    ],
  ],
  [
    "what was printed, where there is room",
    lines(">       assert False", "E       assert False"),
    lines("--- Captured stdout call", "computed 3"),
    [">       assert False", "E       assert False", "printed:", "--- Captured stdout call", "computed 3"],
  ],
  ["a text that is none of pytest's", "the driver was killed", "", ["the driver was killed"]],
  [
    "paths without the folder in the image",
    lines("E  x", "/stack/tests/a/test.py:3: Error"),
    "",
    ["E  x", "a/test.py:3: Error"],
  ],
  ["no colours and no cursor movements", "E   \u001b[31mred\u001b[0m\u001b[2K", "", ["E   red"]],
  ["nothing", "", "", []],
])("%s", (_, message, output, shown) => {
  expect(excerptOfTest({ message, output })).toEqual(shown)
})

test.each<[what: string, message: string, output: string]>([
  ["a comparison of a thousand lines", lines(">       assert a == b", many(1000, "E      ")), "out"],
  ["a thousand lines that were printed", assertion, many(1000)],
  ["a thousand lines of something else", many(1000), many(1000)],
])("%s has no more than a screen has room for", (_, message, output) => {
  const shown = excerptOfTest({ message, output })
  expect(shown.length).toBeLessThanOrEqual(excerptLines)
  expect(shown.length).toBeGreaterThan(5)
})

test("a long line is cut, and the end of an output is kept", () => {
  expect(excerptOfTest({ message: `E ${"x".repeat(5000)}`, output: "" })[0]?.length).toBeLessThan(250)
  // An engine's error says at the end what went wrong.
  const refused = `failed to push: HEAD ${"x".repeat(500)}: 401 Unauthorized`
  expect(excerptOfOutput(refused)[0]).toMatch(/^failed to push: HEAD x+…x+: 401 Unauthorized$/)
  const shown = excerptOfOutput(many(40))
  expect(shown).toHaveLength(excerptLines)
  expect([shown[0], shown.at(-1)]).toEqual(["[...]", "line 39"])
})

describe("the place of a failure", () => {
  test.each([
    ["left/test/test_sum.py::test_sum", assertion, { file: "left/test/test_sum.py", line: 15 }],
    ["left/test/test_sum.py::test_sum[a::b]", inHelper, { file: "left/test/test_sum.py", line: 4 }],
    ["left/test/test_sum.py::test_sum", "killed", { file: "left/test/test_sum.py" }],
    [
      "left/test/test_sum.py",
      "/stack/tests/left/test/test_sum.py:2: in <module>",
      { file: "left/test/test_sum.py", line: 2 },
    ],
    ["left/test/test_sum.py::t", "other/test_sum.py:2: Error", { file: "left/test/test_sum.py" }],
  ])("%s", (id, message, place) => {
    expect(placeOfTest(id, message)).toEqual(place)
  })
})
