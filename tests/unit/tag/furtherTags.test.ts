import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { isTag } from "../../../dagger/lib/reference/reference.js"
import type { CommandAnswer, FurtherTag } from "../../../dagger/lib/tag/furtherTags.js"
import {
  isForBranch,
  isGivenBy,
  isOfOneRun,
  readTemplate,
  resolveTag,
} from "../../../dagger/lib/tag/furtherTags.js"
import { quarterScheme } from "../../support/tagScheme.js"

function tagOf(template: string, branches?: readonly string[]): FurtherTag {
  const parts = readTemplate(template)
  if (typeof parts === "string") throw new Error(parts)
  return { template, parts, ...(branches !== undefined && { branches }) }
}

const printed = (text: string): CommandAnswer => ({ kind: "printed", text })

function resolved(template: string, answer?: CommandAnswer, commit?: string): string {
  const answers = new Map(answer === undefined ? [] : [["PY", answer] as const])
  const startedAt = Date.UTC(2026, 10, 27, 23, 59)
  const found = resolveTag(tagOf(template), { scheme: quarterScheme, startedAt, commit, answers })
  return found.kind === "tag" ? found.tag : found.why
}

test.each([
  ["latest", undefined, "latest"],
  ["{date}", undefined, "2026-11-27"],
  ["{prefix}", undefined, "2026.4"],
  ["v{prefix}.{date}", undefined, "v2026.4.2026-11-27"],
  ["{commit}", undefined, "0123456789ab"],
  ["python-{info:PY}", printed("3.12.4\n"), "python-3.12.4"],
])("%s", (template, answer, expected) => {
  expect(resolved(template, answer, "0123456789abcdef".repeat(3))).toBe(expected)
})

describe("what an image prints", () => {
  const refused =
    '{info:PY}: the command printed %s, and one line of at most 60 letters, digits, ".", "_" and "-" can be in a tag'
  test.each([
    ["3.12\n3.13", String.raw`"3.12\n3.13"`],
    ["Python 3.12", '"Python 3.12"'],
    ["", '""'],
    ["-rf", '"-rf"'],
    ["../stable", '"../stable"'],
    ["x".repeat(61), `"${"x".repeat(61)}"`],
    ["x".repeat(500), `"${"x".repeat(80)}..."`],
    ["3.12\u0000", String.raw`"3.12\u0000"`],
  ])("is no part of a tag: %j", (text, shown) => {
    expect(resolved("python-{info:PY}", printed(text))).toBe(refused.replace("%s", () => shown))
  })

  test("is told where the command fails, or nobody asked", () => {
    expect(resolved("py-{info:PY}", { kind: "failed", why: "status 127" })).toBe("{info:PY}: status 127")
    expect(resolved("py-{info:PY}")).toBe("{info:PY}: nobody has asked the image")
  })

  test("never makes a tag that is made for other purposes", () => {
    const made = "which is made for other purposes"
    expect(resolved("2026.{info:PY}", printed("4-main"))).toBe(`2026.{info:PY} is "2026.4-main", ${made}`)
    expect(resolved("s{info:PY}", printed("table"))).toBe(`s{info:PY} is "stable", ${made}`)
    const key = "0".repeat(16)
    expect(resolved("candidate-{info:PY}", printed("x"))).toBe("candidate-x")
    expect(resolved("candidate-{info:PY}", printed(key))).toContain(made)
  })

  test("gives a tag, or none, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const found = resolved("python-{info:PY}", printed(text))
        expect(isTag(found) || found.startsWith("{info:PY}: ")).toBe(true)
      }),
    )
  })
})

test("without a commit there is no tag of it", () => {
  expect(resolved("{commit}")).toBe("{commit}: the checkout names no commit")
})

test.each([
  ["{Date}", "{Date}"],
  ["a-{}", "{}"],
  ["{info:}", "{info:}"],
  ["{branch}", "{branch}"],
])("%s has no meaning", (template, placeholder) => {
  expect(readTemplate(template)).toBe(placeholder)
})

test.each([
  [undefined, "main", true],
  [undefined, "feature", false],
  [["release-*"], "release-1", true],
  [["release-*"], "main", false],
  [["*"], "anything/at all", true],
  [["main", "dev"], "dev", true],
])("branches %j: %s", (branches, branch, expected) => {
  expect(isForBranch(tagOf("latest", branches), branch, quarterScheme)).toBe(expected)
})

test.each([
  ["latest", "latest", true],
  ["latest", "latest-2", false],
  ["{date}", "2026-01-02", true],
  ["{date}", "2026-1-2", false],
  ["{commit}", "0123456789ab", true],
  ["{commit}", "main", false],
  ["python-{info:PY}", "python-3.9", true],
  ["python-{info:PY}", "r-4.5", false],
])("%s has given %s: %s", (template, tag, expected) => {
  expect(isGivenBy(tagOf(template), tag)).toBe(expected)
})

test("what each run gives anew", () => {
  expect(
    ["latest", "{prefix}", "py-{info:PY}", "{date}", "x-{commit}"].map((each) => isOfOneRun(tagOf(each))),
  ).toEqual([false, false, false, true, true])
})
