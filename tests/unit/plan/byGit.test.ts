import { describe, expect, test } from "vitest"
import { actions, family, PlanWorld, publishedFamily, reasons, parentsOf } from "./planWorld.js"

const all = (action: string) => ({ base: action, left: action, right: action, leaf: action })

function withoutRegistry() {
  const world = family()
  world.silent.add("*")
  return world
}

describe("no registry can be asked", () => {
  test("a changed image and what stands on it are built, on parents from source", () => {
    const world = withoutRegistry()
    world.editInput("left")
    const plan = world.plan()
    expect(actions(plan)).toEqual({ base: "skip", left: "build", right: "skip", leaf: "build" })
    expect(reasons(plan, "left")).toEqual(["files-changed", "registry-unknown"])
    expect(reasons(plan, "right")).toEqual(["unchanged", "registry-unknown"])
    expect(parentsOf(plan, "left")).toEqual([{ from: "source", image: "base" }])
    expect(parentsOf(plan, "leaf")).toEqual([{ from: "step", image: "left" }])
  })

  test("what a parent from source stands on is from source too", () => {
    const world = withoutRegistry()
    world.editInput("leaf")
    expect(parentsOf(world.plan(), "leaf")).toEqual([
      { from: "source", image: "base" },
      { from: "source", image: "left" },
    ])
  })

  test("a changed test builds, because there is no image to test", () => {
    const world = withoutRegistry()
    world.editTest("right")
    expect(actions(world.plan())).toEqual({ ...all("skip"), right: "build" })
    expect(reasons(world.plan(), "right")).toEqual(["tests-changed", "registry-unknown"])
  })

  test("a changed spec may concern every image", () => {
    const world = withoutRegistry()
    Object.assign(world.rules, { buildAll: [] })
    world.commitChange("spec.yml")
    expect(reasons(world.plan(), "right")).toEqual(["parent-rebuilt", "spec-changed", "registry-unknown"])
  })

  test("nothing changed: nothing is done", () => {
    expect(actions(withoutRegistry().plan())).toEqual(all("skip"))
  })

  test("git cannot say either: all are built, and why", () => {
    const world = withoutRegistry()
    world.changes = undefined
    const plan = world.plan()
    expect(actions(plan)).toEqual(all("build"))
    expect(plan.steps[0]?.reasons[0]).toEqual({ kind: "git-unknown", why: "the clone is shallow" })
    expect(plan.imagesChanged).toEqual(["base", "left", "right", "leaf"])
  })

  test("for one image only: the others go by content", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.silent.add("base")
    expect(actions(world.plan())).toEqual({ ...all("reuse"), base: "skip" })
    world.editInput("left")
    const plan = world.plan()
    expect(actions(plan)).toEqual({ base: "skip", left: "build", right: "reuse", leaf: "build" })
    expect(parentsOf(plan, "left")).toEqual([{ from: "source", image: "base" }])
  })
})

describe("a base cannot be resolved", () => {
  test("what is published is reused, tagged or tested where git finds no change", () => {
    const world = publishedFamily()
    world.baseDigest = undefined
    expect(actions(world.plan())).toEqual(all("retag"))
    expect(reasons(world.plan(), "leaf")).toEqual(["unchanged", "base-unknown"])
    world.editTest("leaf")
    expect(actions(world.plan())).toEqual({ ...all("retag"), leaf: "retest" })
    world.editInput("left")
    expect(actions(world.plan())).toEqual({ ...all("retag"), left: "build", leaf: "build" })
  })

  test("changed tests of an image that files are taken from are none of this one", () => {
    const world = new PlanWorld({ base: [], tools: [], lab: ["base", "tools"] }, { lab: ["tools"] })
    world.execute(world.plan())
    world.baseDigest = undefined
    world.editTest("tools")
    expect(actions(world.plan())).toEqual({ base: "reuse", tools: "retest", lab: "reuse" })
    world.editTest("base")
    expect(actions(world.plan())).toEqual({ base: "retest", tools: "retest", lab: "retest" })
  })

  test("nothing is published: all are built", () => {
    const world = family()
    world.baseDigest = undefined
    expect(reasons(world.plan(), "base")).toEqual(["nothing-published", "base-unknown"])
  })
})
