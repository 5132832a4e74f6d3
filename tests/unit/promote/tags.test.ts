import { describe, expect, it } from "vitest"
import { globalStableTags, promotedTag, stableTags } from "../../../dagger/lib/promote/tags.js"
import { InputError } from "../../../dagger/lib/problems.js"

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
    expect(stableTags(from, "quarter")).toEqual({ from, to })
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
    expect(() => stableTags(tag, "quarter")).toThrow(InputError)
    expect(() => stableTags(tag, "quarter")).toThrow("<year>.<quarter>-<branch>")
  })

  it("refuses what is stable already", () => {
    expect(() => stableTags("2026.4-stable", "quarter")).toThrow("stable tag already")
  })

  it("shows hostile input on one line, shortened", () => {
    expect(() => stableTags(`a\n${"b".repeat(300)}`, "quarter")).toThrow(
      /^--tag: "a\\nb{100,140}\.\.\." is not accepted/,
    )
  })
})

describe("globalStableTags", () => {
  it("2026.4 makes 2026.4-stable the global stable", () => {
    expect(globalStableTags("2026.4", "quarter")).toEqual({ from: "2026.4-stable", to: "stable" })
  })

  it.each([...hostile, "2026.4-main", "2026.4-stable", "stable", "2026", "2026.4 ", "2026.5", "2026.4.1"])(
    "refuses %j",
    (prefix) => {
      expect(() => globalStableTags(prefix, "quarter")).toThrow(InputError)
    },
  )
})

describe("promotedTag", () => {
  it.each(["stable", "2026.4-stable"])("accepts %s", (tag) => {
    expect(promotedTag(tag, "quarter")).toBe(tag)
  })

  it.each([...hostile, "2026.4", "2026.4-main", "journal-stable", "latest"])("refuses %j", (tag) => {
    expect(() => promotedTag(tag, "quarter")).toThrow(InputError)
  })
})

describe("of versions", () => {
  it.each([
    ["4.6.1-main", "4.6.1"],
    ["v4.6-release-1", "v4.6"],
    ["4.6.1.2-x", "4.6.1.2"],
  ])("%s becomes %s", (from, to) => {
    expect(stableTags(from, "version")).toEqual({ from, to })
  })

  it.each([...hostile, "4-main", "4.6.1", "4.6.1-", "latest", "4.6.1.2.3-main", "stable"])(
    "%j does not",
    (tag) => {
      expect(() => stableTags(tag, "version")).toThrow('<version>-<branch>, such as "4.6.1-main"')
    },
  )

  it("are promoted to stable, and back", () => {
    expect(globalStableTags("4.6.1", "version")).toEqual({ from: "4.6.1", to: "stable" })
    expect(() => globalStableTags("2026", "version")).toThrow('the form is <version>, such as "4.6.1"')
    expect(["stable", "4.6.1", "v4.6"].map((tag) => promotedTag(tag, "version"))).toEqual([
      "stable",
      "4.6.1",
      "v4.6",
    ])
    for (const tag of [...hostile, "4.6.1-main", "4.6.1-stable", "latest"])
      expect(() => promotedTag(tag, "version")).toThrow('the form is "stable" or <version>, such as "4.6.1"')
  })
})
