import { describe, expect, test } from "vitest"
import { hintFor, suggest } from "../../../dagger/lib/text/suggest.js"

const keys = ["image_name", "build_args", "depend_on", "integration_tests", "info_cmds", "prune", "prepull"]

describe("suggest", () => {
  test.each([
    ["depends_on", "depend_on"],
    ["dependOn", "depend_on"],
    ["DEPEND-ON", "depend_on"],
    ["depend_no", "depend_on"],
    ["prnue", "prune"],
    ["image", undefined],
    ["", undefined],
    ["volumes", undefined],
  ])("%s -> %s", (written, expected) => {
    expect(suggest(written, keys)).toBe(expected)
  })

  test("the nearest wins, the first among equals", () => {
    expect(suggest("child3", ["child1", "child33", "child"])).toBe("child1")
    expect(suggest("scipy-ml", ["scipy-m1l", "scipy_ml"])).toBe("scipy_ml")
  })

  test("a name of one letter is never a slip of another", () => {
    expect(suggest("a", ["b", "c"])).toBeUndefined()
  })
})

describe("hintFor", () => {
  test.each([
    ["bse", ["base", "leaf"], 'did you mean "base"?'],
    ["other", ["base", "leaf"], "images: base, leaf"],
    ["other", [], "there are no images"],
  ])("%s among %s", (written, names, hint) => {
    expect(hintFor(written, names, "images")).toBe(hint)
  })

  test("a long list is cut", () => {
    const names = Array.from({ length: 15 }, (_, index) => `n${index}`)
    expect(hintFor("other-word", names, "images")).toBe(
      "images: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11 and 3 more",
    )
  })
})
