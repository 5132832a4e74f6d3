import { expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { planMarkdown } from "../../../dagger/lib/plan/markdown.js"
import { parentsIn, readPlan } from "../../../dagger/lib/plan/planDocument.js"
import type { Plan } from "../../../dagger/lib/plan/planDocument.js"
import { explain, actions, digestOf, PlanWorld } from "./planWorld.js"

/** Up to seven images; each stands on at most two that come before it. */
const stacks = fc
  .array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 7 })
  .map((rows) =>
    Object.fromEntries(
      rows.map((row, index) => [
        `i${index}`,
        index === 0 ? [] : [...new Set(row.map((parent) => `i${parent % index}`))],
      ]),
    ),
  )

/** What can happen between two runs; a number picks an image. */
const events = fc.array(
  fc.tuple(
    fc.constantFrom(
      "input",
      "test",
      "base",
      "branch",
      "main",
      "run",
      "failing run",
      "readme",
      "full",
      "silent",
    ),
    fc.nat(),
  ),
  { maxLength: 12 },
)

function happen(world: PlanWorld, [event, number]: readonly [string, number]): void {
  const names = [...world.images.keys()]
  const name = names[number % names.length] ?? ""
  switch (event) {
    case "input":
      world.editInput(name)
      break
    case "test":
      world.editTest(name)
      break
    case "base":
      world.baseDigest = digestOf(`debian ${number}`)
      break
    case "branch":
      world.startBranch(`branch${number % 3}`)
      break
    case "main":
      world.startBranch("main")
      break
    case "run":
      world.execute(world.plan())
      break
    case "failing run":
      world.execute(world.plan(), new Set([name]))
      break
    case "readme":
      world.commitChange("README.md")
      break
    case "full":
      world.message = number % 2 === 0 ? "full rebuild" : "Work"
      break
    case "silent":
      if (!world.silent.delete(name)) world.silent.add(name)
      break
  }
}

const worlds = fc.tuple(stacks, events).map(([parents, happened]) => {
  const world = new PlanWorld(parents)
  for (const event of happened) happen(world, event)
  return world
})

/** A world whose registry answers, after a run in which all passed. */
const settledWorlds = worlds.map((world) => {
  world.silent.clear()
  world.message = "Work"
  if (world.branch === "main") world.startBranch("feature")
  world.execute(world.plan())
  world.changes = []
  return world
})

function withAction(plan: Plan, action: string): ReadonlySet<string> {
  return new Set(plan.steps.filter((step) => step.action === action).map(({ image }) => image))
}

/** An image and all that stands on it. */
function withDescendants(world: PlanWorld, name: string): ReadonlySet<string> {
  const found = new Set([name])
  for (const [each, { parents }] of world.images)
    if (parents.some((parent) => found.has(parent))) found.add(each)
  return found
}

function pick(world: PlanWorld, number: number): string {
  return [...world.images.keys()][number % world.images.size] ?? ""
}

test("what stands on a build is built; every parent of a build has a source; every step has a reason", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const plan = world.plan()
      const built = withAction(plan, "build")
      for (const step of plan.steps) {
        const { image, action, reasons, movesTag } = step
        const parents = parentsIn(step)
        const above = world.image(image).parents
        if (above.some((parent) => built.has(parent))) expect(action).toBe("build")
        const listed = new Set(parents.map((parent) => parent.image))
        if (action === "build") expect([...listed]).toEqual(expect.arrayContaining([...above]))
        for (const parent of parents) expect(parent.from === "step").toBe(built.has(parent.image))
        // Whoever builds a parent's stages along needs to know what these start from.
        const along = parents.flatMap((parent) => (parent.from === "source" ? [parent.image] : []))
        for (const name of along) for (const each of world.image(name).parents) expect(listed).toContain(each)
        expect(reasons).not.toEqual([])
        if (action === "reuse" || action === "skip") expect(movesTag).toBe(false)
        if (action === "build" || action === "retag") expect(movesTag).toBe(true)
      }
    }),
  )
})

test("after a run in which all passed, the next has nothing to do: on any branch, and after any history", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      world.silent.clear()
      world.execute(world.plan())
      expect(new Set(Object.values(actions(world.plan())))).toEqual(new Set(["reuse"]))
    }),
  )
})

test("changed files of one image build it and what stands on it, and nothing else", () => {
  fc.assert(
    fc.property(settledWorlds, fc.nat(), (world, number) => {
      const name = pick(world, number)
      // A content that no run has built.
      world.image(name).inputs = 1000
      world.editInput(name)
      const plan = world.plan()
      expect(withAction(plan, "build")).toEqual(withDescendants(world, name))
      expect(withAction(plan, "reuse").size + withAction(plan, "build").size).toBe(world.images.size)
    }),
  )
})

test("changed tests build nothing", () => {
  fc.assert(
    fc.property(settledWorlds, fc.nat(), (world, number) => {
      const name = pick(world, number)
      world.image(name).tests = 1000
      world.editTest(name)
      const plan = world.plan()
      expect(withAction(plan, "retest")).toEqual(withDescendants(world, name))
      expect(withAction(plan, "build").size).toBe(0)
    }),
  )
})

test("a new branch without changes is tags only", () => {
  fc.assert(
    fc.property(settledWorlds, (world) => {
      world.startBranch("main")
      world.execute(world.plan())
      world.startBranch("brand-new")
      expect(withAction(world.plan(), "retag").size).toBe(world.images.size)
    }),
  )
})

test("without a registry, git's changes and what stands on them are built, and no more", () => {
  fc.assert(
    fc.property(settledWorlds, fc.uniqueArray(fc.nat(), { maxLength: 3 }), (world, numbers) => {
      world.silent.add("*")
      const edited = numbers.map((number) => pick(world, number))
      for (const name of edited) world.editInput(name)
      const expected = new Set(edited.flatMap((name) => [...withDescendants(world, name)]))
      expect(withAction(world.plan(), "build")).toEqual(expected)
    }),
  )
})

test("--only touches what is named and what that stands on", () => {
  fc.assert(
    fc.property(worlds, fc.nat(), (world, number) => {
      const name = pick(world, number)
      const whole = actions(world.plan())
      for (const [image, action] of Object.entries(actions(world.plan({ only: [name] })))) {
        if (image === name) expect(action).toBe(whole[image])
        else if (withDescendants(world, image).has(name))
          expect(action).toBe(whole[image] === "build" ? "build" : "skip")
        else expect(action).toBe("skip")
      }
    }),
  )
})

test("a plan is the same from the same facts, and survives being written and read", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const plan = world.plan()
      expect(world.plan()).toEqual(plan)
      expect(readPlan(JSON.stringify(plan))).toEqual(plan)
    }),
  )
})

test("the table names every image once, and each can be explained", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const plan = world.plan()
      const rows = planMarkdown(plan)
        .split("\n")
        .filter((line) => line.startsWith("| `"))
      expect(rows.map((row) => row.split("`")[1])).toEqual([...world.images.keys()])
      for (const { image, reasons } of plan.steps) {
        expect(explain(plan, image).match(/^- because /gm)).toHaveLength(reasons.length)
      }
    }),
  )
})
