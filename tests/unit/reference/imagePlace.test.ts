import { describe, expect, test } from "vitest"
import type { ImagePlace } from "../../../dagger/lib/reference/imagePlace.js"
import { isTagPrefix, ownerOfTag, samePlace, underTag } from "../../../dagger/lib/reference/imagePlace.js"
import { formatReference } from "../../../dagger/lib/reference/reference.js"

const plain: ImagePlace = { registry: "ghcr.io", path: "org/pytorch" }
const cuda = { ...plain, tagPrefix: "cuda12-" }
const nightly = { ...plain, tagPrefix: "cuda12-nightly-" }

test("a tag of all images is each image's own", () => {
  expect(formatReference(underTag(plain, "2026.4-main"))).toBe("ghcr.io/org/pytorch:2026.4-main")
  expect(formatReference(underTag(cuda, "stable"))).toBe("ghcr.io/org/pytorch:cuda12-stable")
})

test.each([
  [plain, plain, true],
  [plain, cuda, false],
  [cuda, { ...cuda }, true],
  [cuda, nightly, false],
  [cuda, { ...cuda, path: "org/other" }, false],
])("the same place: %j and %j", (a, b, expected) => {
  expect(samePlace(a, b)).toBe(expected)
})

describe("whose a tag is", () => {
  test.each([
    ["2026.4-main", plain],
    ["cuda12-2026.4-main", cuda],
    ["cuda12-nightly-2026.4-main", nightly],
    ["cuda11-2026.4-main", plain],
    ["cuda12-", plain],
  ])("%s of three images", (tag, owner) => {
    expect(ownerOfTag([plain, nightly, cuda], tag)).toBe(owner)
  })

  test("nobody's, where all have prefixes", () => {
    expect(ownerOfTag([nightly, cuda], "2026.4-main")).toBeUndefined()
  })
})

test.each([
  ["cuda12-", true],
  ["py3.12-", true],
  ["a_", true],
  ["cuda12", false],
  ["-", false],
  ["-cuda-", false],
  ["a/b-", false],
  ["ä-", false],
  ["a-\n", false],
  [`${"x".repeat(40)}-`, false],
])("%j as a prefix", (text, expected) => {
  expect(isTagPrefix(text)).toBe(expected)
})
