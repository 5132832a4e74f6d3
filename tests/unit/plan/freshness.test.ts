import { describe, expect, test } from "vitest"
import type { UpdateAnswer } from "../../../dagger/lib/plan/facts.js"
import { planStack } from "../../../dagger/lib/plan/plan.js"
import type { Plan } from "../../../dagger/lib/plan/planDocument.js"
import { readPlan } from "../../../dagger/lib/plan/planDocument.js"
import type { PackageUpdate } from "../../../dagger/lib/updates/packageUpdates.js"
import type { PlanWorld } from "./planWorld.js"
import { actions, explain, family, publishedOf, reasons } from "./planWorld.js"

const all = (action: string) => ({ base: action, left: action, right: action, leaf: action })
const openssl: PackageUpdate = { manager: "apt", name: "openssl", from: "3.5.1-1", to: "3.5.2-1" }
const curl: PackageUpdate = { manager: "apt", name: "curl", from: "8.14.1-2", to: "8.14.1-3" }

/** The family as main published it on the 27th, with a `max_age` of a week. */
function weekly(): PlanWorld {
  const world = family()
  for (const image of world.images.values()) image.maxAge = 7
  world.startBranch("main")
  world.execute(world.plan())
  return world
}

function words(plan: Plan): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    plan.steps.map((step) => [step.image, step.action === "build" ? step.fresh?.word : undefined]),
  )
}

describe("who is asked", () => {
  test.each([
    ["2026-11-27", []],
    ["2026-12-03", []],
    ["2026-12-04", ["base", "left", "right", "leaf"]],
    // A label of a day to come says nothing.
    ["2026-11-20", ["base", "left", "right", "leaf"]],
    ["2026-11-26", []],
  ])("on %s: %j", (today, expected) => {
    const world = weekly()
    world.today = today
    expect(world.planAsking().asked).toEqual(expected)
  })

  test("images without max_age never, and those of unknown age always", () => {
    const world = family()
    world.startBranch("main")
    world.execute(world.plan())
    world.today = "2027-11-27"
    expect(world.planAsking().asked).toEqual([])
    world.image("right").maxAge = 7
    expect(world.planAsking().asked).toEqual(["right"])
  })

  test("branches take what main has, and ask nobody", () => {
    const world = weekly()
    world.startBranch("feature")
    world.today = "2027-11-27"
    expect(world.planAsking().asked).toEqual([])
  })

  test("what is not selected, skipped or built is not asked", () => {
    const world = weekly()
    world.today = "2026-12-24"
    expect(world.planAsking({ only: ["left"] }).asked).toEqual(["left"])
    expect(world.planAsking({ fullRebuild: true }).asked).toEqual([])
    world.editInput("left")
    // On main a commit builds all.
    expect(world.planAsking().asked).toEqual([])
    world.message = "Skip CI"
    expect(world.planAsking().asked).toEqual([])
  })

  test.each(["not a day", "2026-11-27-evil", "2026-11-27\nRUN x", "2026-99-99", ""])(
    "a label %j is none: the age is not known",
    (fresh) => {
      const world = weekly()
      for (const tags of world.registry.values())
        for (const [tag, image] of tags) tags.set(tag, { ...image, fresh })
      expect(world.planAsking().asked).toEqual(["base", "left", "right", "leaf"])
      world.editInput("base")
      expect(words(world.plan())).toEqual(all("2026-11-27"))
    },
  )
})

describe("what comes of the answers", () => {
  test("an image with updates is built with all that is built on it; an older one without stays", () => {
    const world = weekly()
    world.today = "2026-12-06"
    world.updates.set("left", [openssl, curl])
    const { plan } = world.planAsking()
    expect(actions(plan)).toEqual({ base: "reuse", left: "build", right: "reuse", leaf: "build" })
    expect(reasons(plan, "left")).toEqual(["updates"])
    expect(reasons(plan, "leaf")).toEqual(["parent-rebuilt"])
    expect(explain(plan, "left")).toContain(
      "because max_age: 9 d old (of at most 7), 2 updates: openssl 3.5.1-1 -> 3.5.2-1, curl 8.14.1-2 -> 8.14.1-3",
    )
    expect(explain(plan, "base")).toContain(
      "because max_age: 9 d old (of at most 7), and no package has an update",
    )
    expect(readPlan(JSON.stringify(plan))).toEqual(plan)
  })

  test("then it is young: the next run of the day reuses it, and one a week later asks again", () => {
    const world = weekly()
    world.today = "2026-12-06"
    world.updates.set("base", [openssl])
    const before = publishedOf(world.plan(), "base")?.digest
    world.execute(world.planAsking().plan)
    const { plan, asked } = world.planAsking()
    expect([actions(plan), asked]).toEqual([all("reuse"), []])
    expect(publishedOf(plan, "base")?.digest).not.toBe(before)
    world.today = "2026-12-13"
    expect(world.planAsking().asked).toEqual(["base", "left", "right", "leaf"])
  })

  test("an update that a build did not bring builds nothing again; another one does", () => {
    const world = weekly()
    world.today = "2026-12-06"
    world.updates.set("base", [openssl])
    world.execute(world.planAsking().plan)
    world.today = "2026-12-16"
    const { plan } = world.planAsking()
    expect(actions(plan)).toEqual(all("reuse"))
    expect(explain(plan, "base")).toContain(
      "no package has an update but those that its last build did not bring: openssl 3.5.1-1 -> 3.5.2-1",
    )
    world.updates.set("base", [openssl, curl])
    expect(explain(world.planAsking().plan, "base")).toContain("1 update: curl")
    // It stays known over an ordinary build.
    world.updates.set("base", [openssl])
    world.editInput("right")
    world.execute(world.planAsking().plan)
    world.today = "2026-12-30"
    expect(actions(world.planAsking().plan)).toEqual(all("reuse"))
    // A newer version is another update.
    world.updates.set("base", [{ ...openssl, to: "3.5.3-1" }])
    expect(actions(world.planAsking().plan)).toEqual(all("build"))
  })

  test("who cannot tell stays, and is named; what another manager has told counts", () => {
    const world = weekly()
    world.today = "2026-12-24"
    const facts = world.facts()
    const failed = { updates: [], failures: ["apt: exit status 100"], isAnswered: false }
    const answer = (name: string, more: Partial<UpdateAnswer>): [string, UpdateAnswer] => {
      const digest = publishedOf(planStack(facts), name)?.digest ?? ""
      return [name, { ...failed, digest, ...more }]
    }
    const answers = [answer("base", {}), answer("left", { updates: [curl], isAnswered: true })]
    const plan = planStack({ ...facts, answers: new Map(answers) })
    expect(actions(plan)).toEqual({ base: "reuse", left: "build", right: "reuse", leaf: "build" })
    expect(reasons(plan, "base")).not.toContain("no-updates")
    expect(plan.notices).toEqual(
      ["base", "left"].map((name) => `${name} could not be asked for updates, apt: exit status 100`),
    )
    const other = planStack({
      ...facts,
      answers: new Map([answer("left", { updates: [curl], digest: "x" })]),
    })
    expect(actions(other)).toEqual(all("reuse"))
  })
})

describe("the word that RUN instructions are kept by", () => {
  test("main begins it, its builds of that week keep it, and a build after that begins another", () => {
    const world = weekly()
    world.today = "2026-12-03"
    world.editInput("leaf")
    expect(words(world.plan())).toEqual(all("2026-11-27"))
    world.today = "2026-12-04"
    expect(words(world.plan())).toEqual(all("2026-12-04"))
    expect(words(world.plan({ publish: false }))).toEqual(all("2026-11-27"))
  })

  test("a branch builds with main's, however old, and with the newest it finds", () => {
    const world = weekly()
    world.startBranch("feature")
    world.editInput("base")
    world.today = "2026-12-20"
    expect(words(world.plan())).toEqual(all("2026-11-27"))
    world.execute(world.plan())
    world.startBranch("main")
    world.editInput("right")
    world.execute(world.plan())
    world.startBranch("feature")
    world.editInput("leaf")
    expect(words(world.plan())).toMatchObject({ leaf: "2026-12-20" })
  })

  test("two runs of a day have the same for the same updates, and another for others", () => {
    const world = weekly()
    world.today = "2026-12-06"
    world.updates.set("base", [openssl])
    const first = words(world.planAsking().plan)
    expect(first).toEqual({ ...all("2026-12-06"), base: first.base })
    expect(first.base).toMatch(/^2026-12-06-[0-9a-f]{8}$/)
    expect(words(world.planAsking().plan)).toEqual(first)
    world.updates.set("base", [openssl, curl])
    expect(words(world.planAsking().plan).base).not.toBe(first.base)
  })

  test("what is built on an image with a new one has run again, whatever age it may have itself", () => {
    const world = weekly()
    world.image("left").maxAge = 30
    world.today = "2026-12-06"
    world.updates.set("base", [openssl])
    expect(words(world.planAsking().plan)).toMatchObject({ left: "2026-12-06", leaf: "2026-12-06" })
  })

  test("a full rebuild begins one anywhere; an image without max_age has none", () => {
    const world = weekly()
    delete world.image("right").maxAge
    world.startBranch("feature")
    world.today = "2026-12-20"
    expect(words(world.plan({ fullRebuild: true }))).toEqual({ ...all("2026-12-20"), right: undefined })
  })

  test("a plan of somebody else cannot put text into a Dockerfile by it", () => {
    const world = weekly()
    world.editInput("base")
    const plan = JSON.stringify(world.plan()).replaceAll('"word":"2026-11-27"', '"word":"x\\nRUN curl evil"')
    expect(plan).toContain("evil")
    expect(() => readPlan(plan)).toThrow("word")
  })
})
