import { describe, expect, test } from "vitest"
import { planStack as planOf } from "../../../dagger/lib/plan/plan.js"
import { publishedIn } from "../../../dagger/lib/plan/planDocument.js"
import {
  explain,
  actions,
  digestOf,
  family,
  PlanWorld,
  publishedFamily,
  reasons,
  parentsOf,
  publishedOf,
} from "./planWorld.js"

const all = (action: string) => ({ base: action, left: action, right: action, leaf: action })

describe("runs one after the other", () => {
  test("the first builds all, the second reuses all", () => {
    const world = family()
    const first = world.plan()
    expect(actions(first)).toEqual(all("build"))
    expect(reasons(first, "base")).toEqual(["nothing-published"])
    expect(reasons(first, "leaf")).toEqual(["parent-rebuilt", "nothing-published"])
    world.execute(first)
    const second = world.plan()
    expect(actions(second)).toEqual(all("reuse"))
    expect(second.steps.some(({ movesTag }) => movesTag)).toBe(false)
  })

  test("a new branch without changes gets tags", () => {
    const world = publishedFamily()
    const plan = world.plan()
    expect(actions(plan)).toEqual(all("retag"))
    expect(publishedOf(plan, "base")?.tag).toBe("2026.4-main")
    world.execute(plan)
    expect(actions(world.plan())).toEqual(all("reuse"))
  })

  test("a changed leaf is the only build", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.editInput("leaf")
    const plan = world.plan()
    expect(actions(plan)).toEqual({ ...all("reuse"), leaf: "build" })
    expect(reasons(plan, "leaf")).toEqual(["files-changed", "no-image-with-key"])
    const left = publishedOf(plan, "left")
    expect(parentsOf(plan, "leaf")).toEqual([
      { from: "registry", image: "left", reference: left?.reference, digest: left?.digest },
    ])
    expect(left?.reference).toBe(`ghcr.io/example/left:2026.4-feature@${left?.digest ?? ""}`)
  })

  test("a changed root rebuilds all", () => {
    const world = publishedFamily()
    world.editInput("base")
    const plan = world.plan()
    expect(actions(plan)).toEqual(all("build"))
    expect(plan.steps.at(-1)).toMatchObject({ parents: [{ from: "step", image: "left" }], movesTag: true })
  })

  test("a change and its way back builds nothing", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.editInput("left")
    world.image("left").inputs = 0
    expect(actions(world.plan())).toEqual(all("reuse"))
  })

  test("a changed test builds nothing, and is remembered", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.editTest("left")
    const plan = world.plan()
    // The leaf runs its ancestors' tests too.
    expect(actions(plan)).toEqual({ ...all("reuse"), left: "retest", leaf: "retest" })
    expect(reasons(plan, "leaf")).toEqual(["tests-changed", "same-content", "tests-not-passed"])
    expect(plan.steps.some(({ movesTag }) => movesTag)).toBe(false)
    world.execute(plan)
    expect(actions(world.plan())).toEqual(all("reuse"))
  })

  test("an image that files are taken from: its content counts, and its tests do not", () => {
    const sources = { base: [], tools: [], lab: ["base", "tools"] }
    const world = new PlanWorld(sources, { lab: ["tools"] })
    world.execute(world.plan())
    world.editTest("tools")
    expect(actions(world.plan())).toEqual({ base: "reuse", tools: "retest", lab: "reuse" })
    world.execute(world.plan())
    world.editInput("lab")
    expect(parentsOf(world.plan(), "lab")).toMatchObject([
      { from: "registry", image: "base" },
      { from: "registry", image: "tools", digest: world.registry.get("tools")?.get(world.tag)?.digest },
    ])
    world.execute(world.plan())
    world.editInput("tools")
    const plan = world.plan()
    expect(actions(plan)).toEqual({ base: "reuse", tools: "build", lab: "build" })
    expect(reasons(plan, "lab")).toContain("parent-rebuilt")
    expect(actions(world.plan({ only: ["lab"] }))).toEqual({ base: "skip", tools: "build", lab: "build" })
  })

  test("what is published untested is never said to have passed", () => {
    const world = family()
    world.execute(world.plan(), new Set(), false, new Set(["left"]))
    const plan = world.plan()
    expect(actions(plan)).toEqual({ ...all("reuse"), left: "retest" })
    expect(reasons(plan, "left")).toEqual(["same-content", "tests-not-passed"])
  })

  test("a moved base rebuilds, and says from where to where", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    const from = world.baseDigest
    world.baseDigest = digestOf("debian, a week later")
    const plan = world.plan()
    expect(actions(plan)).toEqual(all("build"))
    expect(plan.steps[0]?.reasons[0]).toEqual({
      kind: "base-moved",
      reference: "docker.io/library/debian:13-slim",
      from,
      to: world.baseDigest,
    })
  })

  test("a failed run moves no tag; the next one builds only what was not built", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.editInput("left")
    world.editInput("right")
    world.execute(world.plan(), new Set(["left"]))
    const plan = world.plan()
    expect(actions(plan)).toEqual({ base: "reuse", left: "retest", right: "retag", leaf: "build" })
    expect(parentsOf(plan, "leaf")).toMatchObject([{ from: "registry", image: "left" }])
    world.execute(plan)
    expect(actions(world.plan())).toEqual(all("reuse"))
  })

  test("an image that another pipeline published is not taken for ours", () => {
    const world = family()
    world.registry.set("base", new Map([[world.tag, { tag: world.tag, digest: digestOf("theirs") }]]))
    expect(reasons(world.plan(), "base")).toEqual(["no-image-with-key"])
  })
})

describe("what rebuilds all, whatever is published", () => {
  test.each([
    ["--full-rebuild", { fullRebuild: true }, "", "full-rebuild-option"],
    ["the commit message", {}, "Update R (Full Rebuild)", "full-rebuild-message"],
    ["the pull request's title", { pullRequestTitle: "full rebuild of all" }, "", "full-rebuild-message"],
    ["main", {}, "", "main"],
  ])("%s", (name, options, message, kind) => {
    const world = publishedFamily()
    world.commitChange("README.md")
    world.message = message
    if (name === "main") world.startBranch("main")
    const plan = world.plan(options)
    expect(actions(plan)).toEqual(all("build"))
    expect(reasons(plan, "base")[0]).toBe(kind)
    expect(plan.imagesChanged).toEqual(["base", "left", "right", "leaf"])
  })

  test("a file that BuildAll names, even where contents are the same", () => {
    const world = publishedFamily()
    world.commitChange("images/tests_common/test_units.py")
    const plan = world.plan()
    expect(actions(plan)).toEqual(all("build"))
    expect(reasons(plan, "base")).toEqual(["build-all-file", "no-image-with-key"])
    expect(reasons(plan, "left")).toEqual(["parent-rebuilt", "build-all-file", "no-image-with-key"])
    expect(plan.imagesChanged).toEqual(["base", "left", "right", "leaf"])
  })

  test("a file that BuildAll names, once for each change of it, however many pushes follow", () => {
    const world = publishedFamily()
    world.commitChange("images/tests_common/test_units.py")
    world.execute(world.plan())
    world.editInput("left")
    expect(actions(world.plan())).toEqual({ base: "reuse", left: "build", right: "reuse", leaf: "build" })
    world.execute(world.plan())
    world.commitChange("images/tests_common/test_units.py")
    expect(actions(world.plan())).toEqual(all("build"))
  })

  test("the image that --only names, and nothing below it", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    const plan = world.plan({ fullRebuild: true, only: ["left"] })
    expect(actions(plan)).toEqual({ ...all("skip"), left: "build" })
    expect(reasons(plan, "left")).toEqual(["full-rebuild-option"])
    expect(parentsOf(plan, "left")).toMatchObject([{ from: "registry", image: "base" }])
  })

  test("image by image: each stands on what the call before has rebuilt", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    const rebuilt = world.plan({ fullRebuild: true, only: ["base"] })
    world.execute(rebuilt, new Set(), true)
    const plan = world.plan({ fullRebuild: true, only: ["left"] })
    expect(actions(plan)).toEqual({ ...all("skip"), left: "build" })
    expect(parentsOf(plan, "left")).toMatchObject([
      { from: "registry", image: "base", reference: expect.stringContaining("candidate-") as string },
    ])
  })

  test("a child with its rebuilt parent, and both say why", () => {
    const plan = publishedFamily().plan({ fullRebuild: true })
    expect(reasons(plan, "left")).toEqual(["full-rebuild-option", "parent-rebuilt"])
  })

  test("once for a commit: running it again costs nothing", () => {
    const world = publishedFamily()
    world.message = "full rebuild"
    world.commitChange("README.md")
    world.execute(world.plan())
    const again = world.plan()
    expect(actions(again)).toEqual(all("reuse"))
    expect(reasons(again, "base")).toEqual(["rebuilt-for-this-commit", "same-content", "tests-passed"])
    world.commitChange("README.md")
    expect(actions(world.plan())).toEqual(all("build"))
  })

  test("an interrupted rebuild is finished with what it built, not with what was there before", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.message = "full rebuild"
    world.commitChange("README.md")
    world.execute(world.plan(), new Set(["right"]))
    const plan = world.plan()
    expect(actions(plan)).toEqual({ ...all("retag"), right: "retest" })
    expect(publishedOf(plan, "base")?.tag).toMatch(/^candidate-/)
  })

  test("the option every time; a BuildAll file that is not committed, once", () => {
    const world = publishedFamily()
    world.execute(world.plan({ fullRebuild: true }))
    expect(actions(world.plan({ fullRebuild: true }))).toEqual(all("build"))
    world.dirty = [{ path: "spec.yml", status: "modified" }]
    expect(actions(world.plan())).toEqual(all("build"))
    world.execute(world.plan())
    expect(actions(world.plan())).toEqual(all("reuse"))
  })
})

describe("requests of the caller", () => {
  test.each([
    ["the commit message", "Typo [skip ci]", {}],
    ["the pull request's title", "", { pullRequestTitle: "Skip CI: typo" }],
  ])("skip ci in %s", (where, message, options) => {
    const world = publishedFamily()
    world.message = message
    world.editInput("base")
    const plan = world.plan(options)
    expect(actions(plan)).toEqual(all("skip"))
    expect(plan.skippedByRequest).toBe(where)
    expect(actions(world.plan({ ...options, fullRebuild: true }))).toEqual(all("build"))
  })

  test("only one image: nothing else is built, tested or tagged", () => {
    const world = publishedFamily()
    world.editInput("left")
    world.editInput("right")
    const plan = world.plan({ only: ["right"] })
    expect(actions(plan)).toEqual({ ...all("skip"), right: "build" })
    expect(parentsOf(plan, "right")).toMatchObject([{ from: "registry", image: "base" }])
  })

  test("only one image: what it stands on is built where it has to be", () => {
    const world = publishedFamily()
    world.editInput("left")
    const plan = world.plan({ only: ["leaf"] })
    expect(actions(plan)).toEqual({ base: "skip", left: "build", right: "skip", leaf: "build" })
    expect(reasons(plan, "left")).toEqual(["needed-by", "files-changed", "no-image-with-key"])
  })

  test("a pull request's merge is looked through, main's is not", () => {
    const world = publishedFamily()
    const facts = world.facts()
    const git = { ...facts.git, merged: { sha: "2".repeat(40), message: "skip ci" } }
    const changed = { ...facts, git }
    expect(planOf(changed).skippedByRequest).toBe("the commit message")
    const onMain = { ...changed, options: { ...facts.options, branch: "main" } }
    expect(planOf(onMain).skippedByRequest).toBeUndefined()
  })
})

describe("whose word is taken", () => {
  test("is told: the tag that says that an image has passed", () => {
    const world = publishedFamily()
    const [passed] = world
      .plan()
      .steps.flatMap((step) => step.reasons.filter(({ kind }) => kind === "tests-passed"))
    const witness = expect.stringMatching(
      /^ghcr\.io\/example\/base:passed-[0-9a-f]{16}-[0-9a-f]{16}$/,
    ) as string
    expect(passed).toEqual({ kind: "tests-passed", tag: "2026.4-main", witness })
    expect(explain(world.plan(), "base")).toMatch(
      /2026\.4-main has passed these tests, by the word of ghcr\.io\/example\/base:passed-/,
    )
  })

  test("main can be told to believe nobody: it builds what somebody has labelled as built and passed", () => {
    const world = publishedFamily()
    world.startBranch("main")
    world.execute(world.plan())
    expect(actions(world.plan())).toEqual(all("reuse"))
    const plan = world.plan({ trustRegistry: false })
    expect(actions(plan)).toEqual(all("build"))
    expect(reasons(plan, "base")).toEqual(["main", "registry-not-trusted"])
    expect(plan.steps.every((step) => publishedIn(step) === undefined)).toBe(true)
  })

  test("other branches believe as ever: their images go no further by themselves", () => {
    expect(actions(publishedFamily().plan({ trustRegistry: false }))).toEqual(all("retag"))
  })
})
