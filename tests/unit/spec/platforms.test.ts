import { describe, expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import type { Spec } from "../../../dagger/lib/spec/spec.js"
import { sourceOf } from "../../support/source.js"

const dockerfiles = Object.fromEntries(
  ["a", "b", "c"].map((name) => [`images/${name}/Dockerfile`, "FROM debian"]),
)

function read(...lines: readonly string[]): Spec {
  return loadSpec(sourceOf({ "spec.yml": ["tag: {prefix: 2026.4}", ...lines].join("\n"), ...dockerfiles }))
}

/** Problems of a spec, a line each. */
function mistakes(...lines: readonly string[]): readonly string[] {
  try {
    read(...lines)
    return ["accepted"]
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return (error as InputError).message.split("\n")
  }
}

const a = "  a: {image_name: ghcr.io/x/a"
const b = "  b: {image_name: ghcr.io/x/b, depend_on: a"
const c = "  c: {image_name: ghcr.io/x/c, depend_on: b"
const both = "platforms: [linux/amd64, linux/arm64]"

describe("what images are for", () => {
  test.each<readonly [string, readonly string[], readonly string[], readonly (readonly string[])[]]>([
    [
      "the usual one where nothing says more",
      ["images:", `${a}}`, `${b}}`],
      ["linux/amd64"],
      [["linux/amd64"], ["linux/amd64"]],
    ],
    [
      "the short form is a list of one",
      ["platform: linux/arm64", "images:", `${a}}`],
      ["linux/arm64"],
      [["linux/arm64"]],
    ],
    [
      "all of the stack",
      [both, "images:", `${a}}`, `${b}}`],
      ["linux/amd64", "linux/arm64"],
      [
        ["linux/amd64", "linux/arm64"],
        ["linux/amd64", "linux/arm64"],
      ],
    ],
    [
      "less, and what is built on it too",
      [both, "images:", `${a}}`, `${b}, platforms: [linux/amd64]}`, `${c}}`],
      ["linux/amd64", "linux/arm64"],
      [["linux/amd64", "linux/arm64"], ["linux/amd64"], ["linux/amd64"]],
    ],
    [
      "in the order of the stack",
      ["platforms: [linux/arm64, linux/amd64]", "images:", `${a}, platforms: [linux/amd64, linux/arm64]}`],
      ["linux/arm64", "linux/amd64"],
      [["linux/arm64", "linux/amd64"]],
    ],
  ])("%s", (_, lines, stack, images) => {
    const spec = read(...lines)
    expect(spec.platforms).toEqual(stack)
    expect([...spec.images.values()].map(({ platforms }) => platforms)).toEqual(images)
  })

  test("tests of emulated ones run whole, or as the spec says", () => {
    expect(read("images:", `${a}}`).emulatedTests).toBe("full")
    expect(read("tests: {emulated: smoke}", "images:", `${a}}`).emulatedTests).toBe("smoke")
  })
})

test.each<readonly [string, readonly string[], readonly string[]]>([
  [
    "an unknown platform",
    ["platforms: [linux/amd64, linux/riscv64]", "images:", `${a}}`],
    ['spec.yml:2:26: item 2 of "platforms" must be linux/amd64 or linux/arm64, not the text "linux/riscv64"'],
  ],
  [
    "none",
    ["platforms: []", "images:", `${a}}`],
    ['spec.yml:2:12: "platforms" must be a list of at least one platform, not an empty list'],
  ],
  [
    "both keys",
    [both, "platform: linux/amd64", "images:", `${a}}`],
    ['spec.yml:3:11: "platform" and "platforms" both say what images are for (leave "platform" out)'],
  ],
  [
    "one twice",
    ["platforms: [linux/amd64, linux/amd64]", "images:", `${a}}`],
    ['spec.yml:2:26: "platforms" names "linux/amd64" twice'],
  ],
  [
    "a child that is wider than its parent",
    [both, "images:", `${a}, platforms: [linux/amd64]}`, `${b}, platforms: [linux/amd64, linux/arm64]}`],
    [
      'spec.yml:5:71: image "b" is for linux/arm64, and its parent "a" is not (add it to "platforms" of "a", or leave it out here)',
    ],
  ],
  [
    "a root that is wider than the stack",
    ["images:", `${a}, platforms: [linux/arm64]}`],
    [
      'spec.yml:3:44: image "a" is for linux/arm64, and the stack is not (add it to "platforms" of the stack, or leave it out here)',
    ],
  ],
  [
    "one that what it copies from is not for, whoever says so",
    [
      both,
      "images:",
      `${a}, platforms: [linux/amd64]}`,
      "  b: {image_name: ghcr.io/x/b, copies_from: [a]}",
      "  c: {image_name: ghcr.io/x/c, copies_from: [a], platforms: [linux/amd64]}",
    ],
    [
      'spec.yml:5:46: image "b" is for linux/arm64, and "a", which it copies from, is not (add it to "platforms" of "a", or leave it out of those of "b")',
    ],
  ],
  [
    "an unknown choice of tests",
    ["tests: {emulated: some}", "images:", `${a}}`],
    ['spec.yml:2:19: "emulated" must be full, smoke or none, not the text "some"'],
  ],
])("%s is a mistake with its place", (_, lines, expected) => {
  expect(mistakes(...lines)).toEqual(expected)
})
