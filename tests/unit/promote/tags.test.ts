import { describe, expect, it } from "vitest"
import { globalStableTags, promotedTag, stableTags } from "../../../dagger/src/promote/tags.js"
import { InputError } from "../../../dagger/src/problems.js"

const hostile = [
  "x; rm -rf /",
  "2026.4-main; rm -rf /",
  "2026.4-main\n",
  "\n2026.4-main",
  "2026.4-$(id)",
  "2026.4-`id`",
  "2026.4-'",
  '2026.4-"',
  "2026.4-a b",
  "2026.4-a/b",
  "2026.4-\u0000",
  "2026.4-ü",
  `2026.4-${"x".repeat(200)}`,
  "x".repeat(200),
  "--help",
  "",
  " ",
]

describe("stableTags", () => {
  it.each([
    ["2026.4-main", "2026.4-stable"],
    ["2021.2-dev", "2021.2-stable"],
    ["2026.1-feature-x_1.2", "2026.1-stable"],
    ["2026.1-stable-fix", "2026.1-stable"],
    [`2026.4-${"x".repeat(121)}`, "2026.4-stable"],
  ])("%s becomes %s", (from, to) => {
    expect(stableTags(from)).toEqual({ from, to })
  })

  it.each([
    ...hostile,
    "main",
    "2026.4",
    "2026.4-",
    "2026.5-main",
    "2026.0-main",
    "26.4-main",
    "2026.04-main",
    "stable",
  ])("refuses %j", (tag) => {
    expect(() => stableTags(tag)).toThrow(InputError)
    expect(() => stableTags(tag)).toThrow("<year>.<quarter>-<branch>")
  })

  it("refuses what is stable already", () => {
    expect(() => stableTags("2026.4-stable")).toThrow("stable tag already")
  })

  it("shows hostile input on one line, shortened", () => {
    expect(() => stableTags(`a\n${"b".repeat(300)}`)).toThrow(
      /^--tag: "a\\nb{100,140}\.\.\." is not accepted/,
    )
  })
})

describe("globalStableTags", () => {
  it("2026.4 makes 2026.4-stable the global stable", () => {
    expect(globalStableTags("2026.4")).toEqual({ from: "2026.4-stable", to: "stable" })
  })

  it.each([...hostile, "2026.4-main", "2026.4-stable", "stable", "2026", "2026.4 ", "2026.5", "2026.4.1"])(
    "refuses %j",
    (prefix) => {
      expect(() => globalStableTags(prefix)).toThrow(InputError)
    },
  )
})

describe("promotedTag", () => {
  it.each(["stable", "2026.4-stable"])("accepts %s", (tag) => {
    expect(promotedTag(tag)).toBe(tag)
  })

  it.each([...hostile, "2026.4", "2026.4-main", "journal-stable", "latest"])("refuses %j", (tag) => {
    expect(() => promotedTag(tag)).toThrow(InputError)
  })
})
