import { describe, expect, it } from "vitest"
import { globalStableTags, promotedTag, stableTags } from "../../../dagger/lib/promote/tags.js"
import type { StackRequest } from "../../../dagger/lib/gather/request.js"
import { checkRange } from "../../../dagger/lib/gather/request.js"
import { referenceOf } from "../../../dagger/lib/gather/secretHosts.js"
import { underOption } from "../../../dagger/lib/spec/publishedAs.js"
import { branchTag } from "../../../dagger/lib/tag/branchTag.js"
import { quarterScheme } from "../../support/tagScheme.js"

// Every number, tag and path that a call takes, times what may come instead: each is refused with the option's name and
// what is accepted, before anything is begun.

const huge = "x".repeat(100_000)
const request = {
  publishing: "nothing",
  only: [],
  set: [],
  fullRebuild: false,
  parallel: 4,
} as unknown as StackRequest
const range = (more: Partial<StackRequest>) => () => {
  checkRange({ ...request, ...more })
}
const image = { registry: "ghcr.io", path: "org/base" }

/** The options, each with how a value of it is read, values that are refused, and what is said to be accepted. */
const options: readonly {
  readonly name: string
  readonly read: (value: string) => unknown
  readonly good: readonly string[]
  readonly bad: readonly string[]
  readonly accepted: RegExp
}[] = [
  {
    name: "--parallel",
    read: (value) => {
      range({ parallel: Number(value) })()
    },
    good: ["1", "4", "1000"],
    bad: ["0", "-1", "0.5", "1001", "1e300", "Infinity", "NaN"],
    accepted: /a whole number from 1 to 1000/,
  },
  ...(["base", "previous"] as const).map((name) => ({
    name: `--${name}`,
    read: (value: string) => {
      range({ [name]: value })()
    },
    good: ["main", "origin/a-b", "v1~2", "e".repeat(40), "0".repeat(40)],
    bad: ["", "-x", "--upload-pack=id", "a b", "a\nb", "a\0", huge],
    accepted: /a branch, a tag or a commit/,
  })),
  {
    name: "--branch",
    read: (value) => branchTag(quarterScheme, value),
    good: ["main", "a/b", "é", huge, "-x", "0"],
    bad: ["", " ", "stable", "refs/heads/stable", "Stable-", "refs/heads/"],
    accepted: /give one|rename the branch/,
  },
  {
    name: "--registry",
    read: (value) => underOption(value, image),
    good: ["ghcr.io/org", "localhost:5000", "10.0.0.1:5000/a/b"],
    bad: [
      "",
      "/",
      "org",
      "https://ghcr.io/org",
      "ghcr.io:0/x",
      "ghcr.io:99999/x",
      "-x.y/z",
      "a.b/../c",
      "a.b/C d",
      huge,
    ],
    accepted: /host\[:port\]\/organisation/,
  },
  {
    name: "--ref",
    read: referenceOf,
    good: ["ghcr.io/org/base:1", "base"],
    bad: ["", "A/b", "a.b/c:", "a.b/c@sha256:1", "a.b/c@sha256:x@sha256:y", "-x", "a b", "a.b:0/c", huge],
    accepted: /such as ghcr\.io\/org\/image:2026\.4-main/,
  },
  {
    name: "--tag",
    read: (value) => stableTags(value, "quarter"),
    good: ["2026.4-main", "2026.4-a-b"],
    bad: [
      "",
      "main",
      "stable",
      "2026.4-stable",
      "2026.5-main",
      "2026.4-",
      "0",
      "-1",
      `2026.4-${huge}`,
      "2026.4-a\nb",
    ],
    accepted: /the form is|it is the stable tag already/,
  },
  {
    name: "--tag",
    read: (value) => promotedTag(value, "quarter"),
    good: ["stable", "2026.4-stable"],
    bad: ["", "2026.4-main", "2026.0-stable", "stable ", "journal-stable", "../stable", huge],
    accepted: /the form is "stable" or/,
  },
  {
    name: "--prefix",
    read: (value) => globalStableTags(value, "quarter"),
    good: ["2026.4"],
    bad: ["", "0", "-1", "2026", "2026.5", "2026.4-main", "../2026.4", "2026.4\n", huge],
    accepted: /the form is <year>\.<quarter>/,
  },
]

describe.each(options)("$name", ({ name, read, good, bad, accepted }) => {
  it.each(good.map((value) => [value.slice(0, 50), value]))("%j is taken", (_, value) => {
    expect(() => read(value)).not.toThrow()
  })

  it.each(bad.map((value) => [value.slice(0, 50), value]))("%j is refused", (_, value) => {
    const said = messageOf(() => read(value))
    expect(said).toContain(`${name}: `)
    expect(said).toMatch(accepted)
    expect(said.length).toBeLessThan(1000)
    expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })
})

it("all mistakes are told at once", () => {
  expect(messageOf(range({ parallel: 0, base: "", previous: "-x" })).split("\n")).toHaveLength(3)
})

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof Error && error.name === "InputError") return error.message
    throw error
  }
  return ""
}
