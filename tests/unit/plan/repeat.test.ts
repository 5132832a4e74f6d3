import { describe, expect, test } from "vitest"
import { differencesFrom } from "../../../dagger/src/plan/repeat.js"
import type { PlanWorld } from "./planWorld.js"
import { family, publishedFamily } from "./planWorld.js"

/** What keeps the plan of a world from being repeated after a change of the world. */
function differencesAfter(change: (world: PlanWorld) => void, only: readonly string[] = []) {
  const world = family()
  const plan = world.plan({ only })
  change(world)
  return differencesFrom(plan, world.facts().images)
}

const inputOf = (name: string) => (world: PlanWorld) => {
  world.editInput(name)
}

const testOf = (name: string) => (world: PlanWorld) => {
  world.editTest(name)
}

describe("a plan is repeated on the source that it was made for", () => {
  test.each<[string, (world: PlanWorld) => void, readonly string[]]>([
    ["nothing has changed", () => undefined, []],
    ["another commit of the same content", (world) => (world.commit += 1), []],
    [
      "images that were built meanwhile",
      (world) => {
        world.execute(world.plan())
      },
      [],
    ],
    ["a leaf's file", inputOf("leaf"), ["leaf has other content"]],
    ["a parent's file", inputOf("left"), ["left has other content", "leaf has other content"]],
    ["a leaf's test", testOf("leaf"), ["leaf has other tests"]],
    [
      "an image more",
      (world) => world.images.set("more", { parents: [], inputs: 0, tests: 0 }),
      ["more is not in the plan"],
    ],
    ["an image less", (world) => world.images.delete("right"), ["right of the plan is not here"]],
    [
      "a base that moved",
      (world) => (world.baseDigest = `sha256:${"0".repeat(64)}`),
      ["base", "left", "right", "leaf"].map((name) => `${name} has other content`),
    ],
  ])("%s", (_, change, expected) => {
    expect(differencesAfter(change)).toEqual(expected)
  })

  test("what a plan leaves alone may have changed", () => {
    expect(differencesAfter(inputOf("right"), ["left"])).toEqual([])
  })

  test("nothing is reused for another content", () => {
    const world = publishedFamily()
    const plan = world.plan()
    world.editTest("right")
    expect(differencesFrom(plan, world.facts().images)).toEqual(["right has other tests"])
  })

  test("another registry", () => {
    const world = family()
    const images = world
      .facts()
      .images.map((image) => ({ ...image, repository: `localhost:5000/${image.name}` }))
    expect(differencesFrom(world.plan(), images)[0]).toBe(
      "base is published as localhost:5000/base:2026.4-feature, not ghcr.io/example/base:2026.4-feature",
    )
  })
})
