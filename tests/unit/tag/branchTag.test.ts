import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { isTag } from "../../../dagger/lib/reference/reference.js"
import { branchTag } from "../../../dagger/lib/tag/branchTag.js"
import { quarterScheme } from "../../support/tagScheme.js"

const tag = (branch: string) => branchTag(quarterScheme, branch)

test.each([
  ["main", "2026.4-main"],
  ["refs/heads/main", "2026.4-main"],
  ["dev_2.x", "2026.4-dev_2.x"],
  ["fix--it-", "2026.4-fix--it-"],
  ["fix-20261104", "2026.4-fix-20261104"],
  ["stable-candidate", "2026.4-stable-candidate"],
  ["unstable", "2026.4-unstable"],
  ["feature/new thing", "2026.4-feature-new-thing-815549299d"],
  ["71/merge", "2026.4-71-merge-c8f8c2af98"],
  ["größer", "2026.4-gr-er-45fbf6a67b"],
  ["日本", "2026.4-cf2abf0c5b"],
])("%s is tagged %s", (branch, expected) => {
  expect(tag(branch)).toBe(expected)
})

describe("names that must not meet", () => {
  test.each([
    ["a/b", "a-b"],
    ["a/b", "a//b"],
    ["a b", "a+b"],
    ["ä", "ö"],
    ["x".repeat(200), "x".repeat(201)],
    ["x".repeat(121), "x".repeat(122)],
  ])("%s and %s", (one, other) => {
    expect(tag(one)).not.toBe(tag(other))
  })

  test("a name that is what another becomes", () => {
    const taken = tag("a/b").slice("2026.4-".length)
    expect(tag(taken)).not.toBe(tag("a/b"))
  })
})

test("the longest name that fits is kept", () => {
  const name = "x".repeat(121)
  expect(tag(name)).toBe(`2026.4-${name}`)
  expect(tag(`${name}x`)).toHaveLength(128)
})

test.each(["stable", "Stable", "STABLE", "refs/heads/stable", "/stable", "stable/", "-stable-", " stable\n"])(
  "%j is refused",
  (branch) => {
    expect(() => tag(branch)).toThrow(InputError)
    expect(() => tag(branch)).toThrow("would be tagged like the stable images (rename the branch;")
  },
)

test.each(["", "  ", "refs/heads/"])("the empty name %j is refused", (branch) => {
  expect(() => tag(branch)).toThrow('--branch: the branch has no name (give one, such as "main")')
})

test("always a tag, the same each time, one for each name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.string(), (one, other) => {
      const tags = [one, other].map((name) => {
        try {
          return tag(name)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
          return undefined
        }
      })
      for (const each of tags) expect(each === undefined || isTag(each)).toBe(true)
      if (one.trim() !== other.trim() && tags[0] !== undefined) expect(tags[0]).not.toBe(tags[1])
    }),
  )
})
