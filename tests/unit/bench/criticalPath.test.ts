import { describe, expect, it } from "vitest"
import type { TimedImage } from "../../../bench/criticalPath.js"
import { longestChain, worksOf } from "../../../bench/criticalPath.js"

const work = (name: string, milliseconds: number, ...after: string[]) => ({ name, milliseconds, after })

describe("the longest chain", () => {
  it.each([
    ["nothing", [], [0, ""]],
    ["one", [work("a", 5)], [5, "a"]],
    ["works that wait for none", [work("a", 5), work("b", 7)], [7, "b"]],
    ["a chain against a long work", [work("a", 5), work("b", 7), work("c", 3, "a")], [8, "a c"]],
    [
      "the longer of two ways",
      [work("a", 5), work("b", 7), work("c", 1, "a", "b"), work("d", 2, "c")],
      [10, "b c d"],
    ],
    ["what is not in the list is not waited for", [work("c", 3, "reused")], [3, "c"]],
  ])("%s", (_what, works, [milliseconds, names]) => {
    const chain = longestChain(works)
    expect([chain.milliseconds, chain.names.join(" ")]).toEqual([milliseconds, names])
  })
})

describe("the works of a run", () => {
  const image = (name: string, parents: readonly string[], steps: TimedImage["steps"]) => ({
    name,
    parents,
    steps,
  })
  const step = (name: TimedImage["steps"][number]["name"], milliseconds: number) => ({ name, milliseconds })

  it("has a child's build after its parent's build, and its tests after its parent's", () => {
    const works = worksOf([
      image("root", [], [step("build", 10), step("inspect", 1), step("tests", 30)]),
      image("leaf", ["root"], [step("build", 5), step("tests", 2)]),
    ])
    expect(longestChain(works)).toEqual({
      milliseconds: 42,
      names: ["root: build", "root: tests", "leaf: tests"],
    })
  })

  it("has a candidate, its server's tests and the tags in this order, whatever the report's", () => {
    const works = worksOf([
      image("root", [], [step("tag", 1), step("integration tests", 8), step("publish", 4), step("tests", 2)]),
      image("other", [], [step("build", 20), step("tag", 1)]),
    ])
    expect(works.map(({ name, after }) => [name, ...after])).toEqual([
      ["root: tests"],
      ["root: publish", "root: tests"],
      ["root: integration tests", "root: publish"],
      ["other: build"],
      ["root: tag", "root: integration tests", "other: build"],
      ["other: tag", "root: integration tests", "other: build"],
    ])
  })

  it("waits through an image of which nothing was done", () => {
    const works = worksOf([
      image("root", [], [step("tests", 10)]),
      image("reused", ["root"], []),
      image("leaf", ["reused"], [step("tests", 5)]),
    ])
    expect(longestChain(works).names).toEqual(["root: tests", "leaf: tests"])
  })
})
