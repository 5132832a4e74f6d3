import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { UnknownImage, buildTree, selectImages } from "../../../dagger/lib/tree/tree.js"
import { stackOf } from "../../support/source.js"
import type { StackImage } from "../../support/source.js"
import type { Tree, TreeNode } from "../../../dagger/lib/tree/tree.js"
import { runs } from "../../support/fuzz.js"

/** `{ leaf: "base", base: "" }`: each image and its parent. */
function treeOf(parents: Readonly<Record<string, string>>): Tree {
  const images: Record<string, StackImage> = {}
  for (const [name, parent] of Object.entries(parents))
    images[name] = parent === "" ? {} : { depend_on: parent }
  return buildTree(loadSpec(stackOf(images)))
}

/** The same with images that are copied from: `{ lab: ["base", "tools"] }`, the parent first. */
function graphOf(sources: Readonly<Record<string, readonly string[]>>): Tree {
  const images = Object.entries(sources).map(
    ([name, [parent = "", ...copies_from]]): [string, StackImage] => [
      name,
      { copies_from, ...(parent !== "" && { depend_on: parent }) },
    ],
  )
  return buildTree(loadSpec(stackOf(Object.fromEntries(images))))
}

const names = (nodes: readonly TreeNode[]) => nodes.map(({ name }) => name).join(" ")

const stack = { base: "", left: "base", right: "base", leaf: "left", other: "", twig: "other" }

describe("order", () => {
  test.each<readonly [string, Readonly<Record<string, string>>, string]>([
    ["the spec's, where it is one", stack, "base left right leaf other twig"],
    [
      "parents move before their first child",
      { leaf: "mid", x: "", mid: "base", base: "" },
      "base mid leaf x",
    ],
    ["siblings keep theirs", { b: "root", a: "root", root: "", c: "root" }, "root b a c"],
  ])("%s", (_, parents, order) => {
    expect(names(treeOf(parents).nodes)).toBe(order)
  })

  test("every image once, after its parent, whatever the order of the spec", () => {
    const image = fc.record({ choice: fc.nat(), rank: fc.nat() })
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 30 }), (choices) => {
        const parents = choices.map(({ choice, rank }, index) => ({
          rank,
          entry: [`i${index}`, index === 0 ? "" : `i${choice % index}`] as const,
        }))
        const shuffled = parents.sort((a, b) => a.rank - b.rank)
        const { nodes } = treeOf(Object.fromEntries(shuffled.map(({ entry }) => entry)))
        const seen = new Set<TreeNode>()
        for (const node of nodes) {
          expect(node.parent === undefined || seen.has(node.parent)).toBe(true)
          seen.add(node)
        }
        expect(seen.size).toBe(choices.length)
      }),
      runs(50),
    )
  })
})

describe("relations", () => {
  const tree = treeOf(stack)

  test("an image knows its parent", () => {
    expect(tree.node("leaf").parent).toBe(tree.node("left"))
  })

  test.each([
    ["leaf", "left base"],
    ["base", ""],
    ["twig", "other"],
  ])("of %s: ancestors %j", (name, ancestors) => {
    expect(names(tree.ancestors(name))).toBe(ancestors)
  })

  test("a name that is no image is a mistake of the caller", () => {
    expect(() => tree.node("bse")).toThrow(UnknownImage)
    expect(() => tree.ancestors("bse")).toThrow('there is no image "bse"')
  })
})

describe("selectImages", () => {
  const tree = treeOf(stack)

  test.each([
    [[], "base left right leaf other twig"],
    [["leaf"], "base left leaf"],
    [["twig", "right", "right"], "base right other twig"],
    [["base"], "base"],
  ])("%j selects %s", (only, selected) => {
    expect(names(selectImages(tree, only))).toBe(selected)
  })

  test("all unknown names, each with a suggestion", () => {
    expect(() => selectImages(tree, ["lef", "base", "unheard-of"])).toThrow(
      [
        '--only: there is no image "lef" (did you mean "left"?)',
        '--only: there is no image "unheard-of" (images: base, left, right, leaf, other, twig)',
      ].join("\n"),
    )
  })
})

describe("images that are copied from", () => {
  const tree = graphOf({ lab: ["base", "tools", "data"], base: [], data: ["", "tools"], tools: ["base"] })

  test("are built before, and with all that they are made from", () => {
    expect(names(tree.nodes)).toBe("base tools data lab")
    expect(names(tree.node("lab").sources)).toBe("base tools data")
    expect(names(selectImages(tree, ["data"]))).toBe("base tools data")
    expect(names(selectImages(tree, ["tools"]))).toBe("base tools")
  })

  test("are nothing that an image is built on: their tests do not run in it", () => {
    expect(names(tree.ancestors("lab"))).toBe("base")
    expect(names(tree.ancestors("data"))).toBe("")
  })

  test("every image after its sources, whatever the order of the spec", () => {
    const image = fc.record({ choices: fc.array(fc.nat(), { maxLength: 3 }), rank: fc.nat() })
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 20 }), (rows) => {
        const graph = rows.map(({ choices, rank }, index) => {
          const sources = index === 0 ? [] : [...new Set(choices.map((choice) => `i${choice % index}`))]
          return { rank, entry: [`i${index}`, sources] as const }
        })
        const shuffled = graph.toSorted((a, b) => a.rank - b.rank)
        const { nodes } = graphOf(Object.fromEntries(shuffled.map(({ entry }) => entry)))
        const seen = new Set<TreeNode>()
        for (const node of nodes) {
          for (const source of node.sources) expect(seen).toContain(source)
          seen.add(node)
        }
        expect(seen.size).toBe(rows.length)
      }),
      runs(50),
    )
  })
})

describe("size", () => {
  test("40 images that each copy from all before them", () => {
    const rows = Array.from({ length: 40 }, (_, index) => [
      `i${index}`,
      Array.from({ length: index }, (_source, below) => `i${below}`),
    ])
    expect(graphOf(Object.fromEntries(rows) as Record<string, string[]>).nodes).toHaveLength(40)
  })

  test("a chain of 5000 images, child first", () => {
    const parents = Array.from({ length: 5000 }, (_, index) => [
      `i${index}`,
      index === 4999 ? "" : `i${index + 1}`,
    ])
    const tree = treeOf(Object.fromEntries(parents) as Record<string, string>)
    expect(tree.ancestors("i0")).toHaveLength(4999)
    expect(selectImages(tree, ["i0"])).toHaveLength(5000)
  })

  test("300 images in well under 2 s, spec and tree", () => {
    const parents = Array.from({ length: 300 }, (_, index) => [
      `i${index}`,
      index < 3 ? "" : `i${Math.floor(index / 3)}`,
    ])
    // Time of this process, so that a busy machine does not fail it.
    const before = process.cpuUsage()
    expect(treeOf(Object.fromEntries(parents) as Record<string, string>).nodes).toHaveLength(300)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(2000)
  })
})
