import { describe, expect, test } from "vitest"
import { differencesFrom, tagDifferences } from "../../../dagger/lib/plan/repeat.js"
import type { Plan, Step } from "../../../dagger/lib/plan/planDocument.js"
import type { PlanWorld } from "./planWorld.js"
import { family, publishedFamily } from "./planWorld.js"
import { quarterScheme } from "../../support/tagScheme.js"

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
      (world) => world.images.set("more", { parents: [], copies: [], inputs: 0, tests: 0 }),
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

describe("a plan that somebody has edited", () => {
  const digest = `sha256:${"d".repeat(64)}`
  const evil = { tag: "x", digest, reference: `evil.example/base:x@${digest}` }

  function editedBy(edit: (step: Step) => Step): readonly string[] {
    const world = publishedFamily()
    world.editInput("leaf")
    const plan = world.plan()
    return differencesFrom({ ...plan, steps: plan.steps.map(edit) }, world.facts().images)
  }

  const own = "ghcr.io/example/base"
  test.each([
    ["another repository", evil.reference],
    ["one that starts like it", `${own}-evil:x@${digest}`],
    ["one below it", `${own}/evil:x@${digest}`],
    ["another digest", `${own}:x@sha256:${"e".repeat(64)}`],
    ["two digests", `${own}:x@sha256:${"e".repeat(64)}@${digest}`],
    ["none", ""],
  ])("takes no image of %s for a published one", (_, reference) => {
    const published = { ...evil, reference }
    const found = editedBy((step) => (step.image === "base" ? { ...step, published } : step))
    expect(found).toEqual([`base would take ${reference} for base, which is published as ${own}`])
  })

  test("takes no image of another one in the same repository", () => {
    const world = publishedFamily()
    const shared = (name: string, tagPrefix?: string) => {
      const found = world.facts().images.find((image) => image.name === name)
      if (found === undefined) throw new Error(name)
      return { ...found, repository: own, tagPrefix }
    }
    const images = [shared("base"), shared("left", "cuda12-")]
    const plan = world.plan()
    const stepOf = (image: string, tag: string): Step => {
      const step = plan.steps.find((each) => each.image === image)
      if (step === undefined) throw new Error(image)
      const { testKey, inputKey, reasons } = step
      const published = { tag, digest, reference: `${own}:${tag}@${digest}` }
      const reference = `${own}:${image === "left" ? "cuda12-" : ""}${plan.tag}`
      return { image, reasons, movesTag: true, reference, testKey, inputKey, published, action: "retag" }
    }
    const differences = (base: string, left: string) =>
      differencesFrom({ ...plan, steps: [stepOf("base", base), stepOf("left", left)] }, images)
    const candidate = (name: string) => `candidate-${stepOf(name, "x").inputKey.slice(0, 16)}`
    expect(differences("2026.4-main", "cuda12-2026.4-main")).toEqual([])
    expect(differences(candidate("base"), candidate("left"))).toEqual([])
    expect(differences("cuda12-2026.4-main", "2026.4-main")).toEqual([
      `base would take ${own}:cuda12-2026.4-main@${digest} for base, which is published as ${own}`,
      `left would take ${own}:2026.4-main@${digest} for left, which is published as ${own}:cuda12-...`,
    ])
    expect(differences(candidate("left"), candidate("left"))).toHaveLength(1)
  })

  test("builds on no foreign image", () => {
    const parents = [{ from: "registry" as const, image: "base", ...evil }]
    const found = editedBy((step) => (step.image === "leaf" ? { ...step, parents } : step))
    expect(found).toEqual([`leaf would take ${evil.reference} for base, which is published as ${own}`])
  })

  test.each<[string, Partial<Plan>, readonly string[]]>([
    ["its own", {}, []],
    ["stable", { tag: "stable" }, ['the tag of its branch "feature" is 2026.4-feature, not stable']],
    [
      "main's",
      { tag: "2026.4-main" },
      ['the tag of its branch "feature" is 2026.4-feature, not 2026.4-main'],
    ],
    ["another quarter's", { tag: "2026.3-feature" }, [expect.stringMatching(/not 2026\.3-feature$/)]],
    [
      "stable's branch's",
      { branch: "stable", tag: "2026.4-stable" },
      [expect.stringMatching(/like the stable/)],
    ],
    ["no branch's", { branch: "", tag: "2026.4-" }, ["the branch has no name"]],
  ])("gives no tag but its branch's: %s", (_, edit, expected) => {
    expect(tagDifferences({ ...family().plan(), ...edit }, quarterScheme)).toEqual(expected)
  })
})
