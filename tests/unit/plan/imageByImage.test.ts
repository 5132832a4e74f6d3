import { describe, expect, test } from "vitest"
import type { PlanWorld } from "./planWorld.js"
import { actions, family, publishedFamily, reasons, parentsOf } from "./planWorld.js"

// per_image.yml: a plan, a run on a machine of its own for each image of it, and a run that moves all tags.

/** Runs one image as its job does, and says what was done for each. */
function runJob(world: PlanWorld, name: string, failing: ReadonlySet<string> = new Set()) {
  const plan = world.plan({ only: [name] })
  world.execute(plan, failing, true)
  return actions(plan)
}

const nothing = { base: "skip", left: "skip", right: "skip", leaf: "skip" }
const all = (action: string) => ({ base: action, left: action, right: action, leaf: action })

describe.each(["feature", "main"])("image by image on the branch %s", (branch) => {
  function begin(): PlanWorld {
    const world = branch === "main" ? publishedFamily() : family()
    world.startBranch(branch)
    world.commitChange("README.md")
    return world
  }

  test("each job builds its image alone, and the last run only tags", () => {
    const world = begin()
    expect(actions(world.plan())).toEqual(all("build"))
    for (const name of ["base", "left", "right", "leaf"]) {
      expect(runJob(world, name)).toEqual({ ...nothing, [name]: "build" })
    }
    const last = world.plan()
    expect(actions(last)).toEqual(all("retag"))
    world.execute(last)
    expect(actions(world.plan())).toEqual(all("reuse"))
  })

  test("a child stands on its parent's candidate", () => {
    const world = begin()
    runJob(world, "base")
    expect(parentsOf(world.plan({ only: ["left"] }), "left")).toMatchObject([
      { from: "registry", image: "base", reference: expect.stringContaining(":candidate-") as string },
    ])
  })

  test("no tag moves before the last run", () => {
    const world = begin()
    const before = world.registry.get("base")?.get(world.tag)
    runJob(world, "base")
    expect(world.registry.get("base")?.get(world.tag)).toBe(before)
  })

  test("in another order a job builds its parents along, and they need no job any more", () => {
    const world = begin()
    expect(runJob(world, "leaf")).toEqual({ ...nothing, base: "build", left: "build", leaf: "build" })
    expect(runJob(world, "base")).toEqual({ ...nothing, base: "retag" })
    expect(runJob(world, "right")).toEqual({ ...nothing, right: "build" })
    expect(actions(world.plan())).toEqual(all("retag"))
  })

  test("what failed is tested again, never tagged", () => {
    const world = begin()
    runJob(world, "base")
    runJob(world, "left", new Set(["left"]))
    expect(actions(world.plan())).toEqual({ ...all("build"), base: "retag", left: "retest" })
  })
})

test("on main the candidates of another commit are not enough", () => {
  const world = family()
  world.startBranch("main")
  for (const name of ["base", "left", "right", "leaf"]) runJob(world, name)
  expect(reasons(world.plan(), "base")).toContain("rebuilt-for-this-commit")
  world.commitChange("README.md")
  expect(actions(world.plan())).toEqual(all("build"))
})
