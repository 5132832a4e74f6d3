import { describe, expect, test } from "vitest"
import { planMarkdown } from "../../../dagger/lib/plan/markdown.js"
import { actions, explain, parentsOf, PlanWorld, reasons } from "./planWorld.js"

/** base, an image on it that is not published, and one on that; all of it was published by main. */
function world(): PlanWorld {
  const stack = new PlanWorld({ base: [], common: ["base"], leaf: ["common"], other: ["base"] })
  stack.image("common").isPublished = false
  stack.startBranch("main")
  stack.execute(stack.plan())
  stack.startBranch("feature")
  return stack
}

describe("an image that is not published", () => {
  test("is built and tested by each run, and what is built on it is taken as it is", () => {
    const stack = world()
    expect(actions(stack.plan())).toEqual({ base: "retag", common: "build", leaf: "retag", other: "retag" })
    stack.execute(stack.plan())
    const plan = stack.plan()
    expect(actions(plan)).toEqual({ base: "reuse", common: "build", leaf: "reuse", other: "reuse" })
    expect(reasons(plan, "common")).toEqual(["not-published"])
    expect(explain(plan, "common")).toContain("- not published\n")
    expect(planMarkdown(plan)).toContain("it is published nowhere, so that no run remembers it")
    expect(plan.steps.find(({ image }) => image === "common")).toMatchObject({
      publish: false,
      movesTag: false,
    })
    expect(parentsOf(plan, "common")).toMatchObject([{ from: "registry", image: "base" }])
  })

  test("that changes is a change of what is built on it", () => {
    const stack = world()
    stack.editInput("common")
    const plan = stack.plan()
    expect(actions(plan)).toEqual({ base: "retag", common: "build", leaf: "build", other: "retag" })
    expect(reasons(plan, "common")).toContain("files-changed")
    expect(parentsOf(plan, "leaf")).toEqual([{ from: "step", image: "common" }])
  })

  test("on a parent that is rebuilt hands the rebuild on", () => {
    const stack = world()
    stack.editInput("base")
    expect(actions(stack.plan())).toEqual({ base: "build", common: "build", leaf: "build", other: "build" })
    expect(reasons(stack.plan(), "leaf")).toContain("parent-rebuilt")
    expect(actions(world().plan({ fullRebuild: true, only: ["base"] }))).toEqual({
      base: "build",
      common: "skip",
      leaf: "skip",
      other: "skip",
    })
  })

  test("is a reason to build what is on it where no content can be compared", () => {
    const stack = world()
    stack.baseDigest = undefined
    expect(actions(stack.plan())).toMatchObject({ common: "build", leaf: "build" })
    const silent = world()
    silent.silent.add("leaf")
    expect(actions(silent.plan())).toMatchObject({ base: "retag", common: "build", leaf: "build" })
  })

  test("is built along, from source, where only what is on it is asked for", () => {
    const stack = world()
    stack.editInput("leaf")
    const plan = stack.plan({ only: ["leaf"] })
    expect(actions(plan)).toEqual({ base: "skip", common: "skip", leaf: "build", other: "skip" })
    expect(parentsOf(plan, "leaf")).toMatchObject([
      { from: "registry", image: "base" },
      { from: "source", image: "common" },
    ])
  })

  test("is left out for a platform that the engine cannot run: what is on it was tested elsewhere", () => {
    const plan = world().plan({ unable: "it cannot be emulated" })
    expect(actions(plan)).toEqual({ base: "retag", common: "skip", leaf: "retag", other: "retag" })
  })

  test("on another one of its kind is as good as it", () => {
    const stack = new PlanWorld({ base: [], common: ["base"], more: ["common"], leaf: ["more"] })
    for (const name of ["common", "more"]) stack.image(name).isPublished = false
    stack.startBranch("main")
    stack.execute(stack.plan())
    stack.startBranch("feature")
    expect(actions(stack.plan())).toEqual({ base: "retag", common: "build", more: "build", leaf: "retag" })
    stack.editInput("common")
    expect(actions(stack.plan())).toMatchObject({ base: "retag", more: "build", leaf: "build" })
  })
})
