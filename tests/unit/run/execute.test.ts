import { describe, expect, test } from "vitest"
import type { BeforeTags } from "../../../dagger/lib/run/execute.js"
import { execute } from "../../../dagger/lib/run/execute.js"
import type { EndedImage, ImageJob } from "../../../dagger/lib/run/execution.js"
import type { TagStore } from "../../../dagger/lib/registry/moveTag.js"
import type { Publishing } from "../../../dagger/lib/report/report.js"
import { executionFor, jobOf, memoryTags, publishedDigest } from "../../support/imageJobs.js"
import { withoutEngine } from "../../support/absentEngine.js"

withoutEngine()

const digest = publishedDigest
const job = jobOf

/** Outcomes of a run whose builds fail. */
async function run(publishing: Publishing, ...jobs: ImageJob[]): Promise<ReadonlyMap<string, EndedImage>> {
  return runOn(memoryTags(), publishing, jobs)
}

async function runOn(
  tags: TagStore,
  publishing: Publishing,
  jobs: readonly ImageJob[],
  beforeTags?: BeforeTags,
): Promise<ReadonlyMap<string, EndedImage>> {
  const states = await execute(executionFor(jobs, { publishing }), tags, beforeTags)
  return new Map(states.map((state) => [state.job.name, state]))
}

describe("what a run says of an image", () => {
  test("retagged is only what was tagged", async () => {
    const states = await run("together", job("same", "retag"), job("broken", "build"))
    expect(states.get("broken")?.outcome.kind).toBe("build-failed")
    expect(states.get("same")).toMatchObject({
      published: false,
      outcome: { kind: "not-needed", reason: expect.stringContaining("not tagged 2026.4-main") as string },
    })
    const tagged = await run("together", job("same", "retag"))
    expect(tagged.get("same")).toMatchObject({ published: true, outcome: { kind: "retagged" } })
  })

  test("images that nobody asked for are not skipped because of a parent", async () => {
    const states = await run("nothing", job("base", "build"), job("leaf", "skip", { parents: ["base"] }))
    expect(states.get("base")?.outcome.kind).toBe("build-failed")
    expect(states.get("leaf")?.outcome.kind).toBe("not-needed")
  })

  test("what was to be built on a failed parent is skipped", async () => {
    const states = await run("nothing", job("base", "build"), job("leaf", "build", { parents: ["base"] }))
    expect(states.get("leaf")?.outcome).toMatchObject({ kind: "skipped", because: "base" })
    const parents = ["base", "tools"]
    const copied = await run(
      "nothing",
      job("base", "reuse"),
      job("tools", "build"),
      job("leaf", "build", { parents }),
    )
    expect(copied.get("leaf")?.outcome).toMatchObject({ kind: "skipped", because: "tools" })
  })

  test("an error while an image is checked fails no build, and loses nothing of what was found before", async () => {
    const folders = { basic: [], integration: ["images/served/integration_tests"], serverUntested: false }
    const states = await run("nothing", job("served", "retest", { folders }))
    const state = states.get("served")
    expect(state?.outcome.kind).toBe("check-failed")
    expect(state?.digest).toBe(digest)
    expect(state?.record.steps.map(({ name }) => name)).toEqual(["inspect", "integration tests"])
    expect(state?.record.notices.join()).toContain("not tested")
  })
})

describe("a pass is remembered", () => {
  const keys = ["images/leaf/test", "images/tests_common"]
  const folders = { basic: keys, integration: [], serverUntested: false }
  const folderKeys = new Map(keys.map((folder, index) => [folder, String(index).repeat(64)]))

  test("of an image that has passed its tests, by a tag of its own", async () => {
    const proved = [0, 1].map((index) => `folder-passed-${"i".repeat(16)}-${String(index).repeat(16)}`)
    const tags = new Map(proved.map((tag) => [`example/leaf:${tag}`, digest]))
    const states = await runOn(memoryTags(tags), "each", [job("leaf", "retest", { folders, folderKeys })])
    expect(states.get("leaf")).toMatchObject({ published: true, outcome: { kind: "passed" } })
    expect(tags.get(`example/leaf:passed-${"i".repeat(16)}-${"t".repeat(16)}`)).toBe(digest)
  })

  test("never of an image that has no tests: it is tagged, and tested again by each run", async () => {
    const tags = new Map<string, string>()
    const states = await runOn(memoryTags(tags), "each", [job("leaf", "retest")])
    expect(states.get("leaf")).toMatchObject({ published: true, outcome: { kind: "untested" } })
    expect([...tags.keys()]).toEqual(["example/leaf:2026.4-main"])
  })
})

describe("the tags of a run", () => {
  const older = `sha256:${"0".repeat(64)}`

  test("stay where they are when nobody whom the spec trusts has signed one of its images, which has not failed", async () => {
    const tags = new Map<string, string>()
    const jobs = [job("signed", "retag"), job("unsigned", "retest")]
    const states = await runOn(memoryTags(tags), "together", jobs, (images) =>
      Promise.resolve(
        images.map((image) => (image.job.name === "unsigned" ? { ...image, isUnsigned: true } : image)),
      ),
    )
    expect([...tags.keys()].filter((tag) => tag.endsWith("-main"))).toEqual([])
    expect(states.get("signed")?.outcome).toMatchObject({
      kind: "not-needed",
      reason: expect.stringContaining("another one is not signed") as string,
    })
    const { outcome, record, published } = states.get("unsigned") ?? {}
    expect([outcome?.kind, published]).toEqual(["untested", false])
    expect(record?.notices.join()).toContain("nobody whom the spec trusts has signed what is said of it")
  })

  const refused = job("refused", "retag")
  const first = job("first", "retag")

  test("one is refused: the others name again what they named before, and say so", async () => {
    const tags = new Map([["example/first:2026.4-main", older]])
    const states = await runOn(memoryTags(tags, "example/refused"), "together", [first, refused])
    expect(tags).toEqual(new Map([["example/first:2026.4-main", older]]))
    expect(states.get("refused")).toMatchObject({ published: false, outcome: { kind: "publish-failed" } })
    expect(states.get("first")).toMatchObject({
      published: false,
      outcome: { kind: "not-needed", reason: expect.stringContaining("has refused another one") as string },
    })
  })

  test("one is refused: a new one stays, as deleting it may delete the image", async () => {
    const tags = new Map<string, string>()
    const states = await runOn(memoryTags(tags, "example/refused"), "together", [first, refused])
    expect(tags).toEqual(new Map([["example/first:2026.4-main", digest]]))
    expect(states.get("first")?.published).toBe(true)
    expect(states.get("first")?.record.notices.join()).toContain("first:2026.4-main is new and stays")
  })

  test("of images in one repository begin with what tells them apart", async () => {
    const repository = { registry: "ghcr.io", path: "example/shared" }
    const tags = new Map([["example/shared:cuda12-2026.4-main", older]])
    const shared = [
      job("cpu", "retag", { repository }, `sha256:${"c".repeat(64)}`),
      job("cuda", "retag", { repository: { ...repository, tagPrefix: "cuda12-" } }),
    ]
    await runOn(memoryTags(tags), "together", shared)
    expect([...tags]).toEqual([
      ["example/shared:cuda12-2026.4-main", digest],
      ["example/shared:2026.4-main", `sha256:${"c".repeat(64)}`],
    ])
    tags.set("example/shared:cuda12-2026.4-main", older)
    const states = await runOn(memoryTags(tags, "example/refused"), "together", [...shared, refused])
    expect(tags.get("example/shared:cuda12-2026.4-main")).toBe(older)
    expect(states.get("cuda")).toMatchObject({
      published: false,
      outcome: { reason: expect.stringContaining("not tagged cuda12-2026.4-main") as string },
    })
  })

  test("one is refused: another one that named its image before is what it was", async () => {
    const tags = new Map([["example/first:2026.4-main", digest]])
    const states = await runOn(memoryTags(tags, "example/refused"), "together", [first, refused])
    expect(states.get("first")).toMatchObject({
      published: true,
      record: { notices: [] },
      outcome: { kind: "retagged" },
    })
  })

  test("one is refused, another is written and forgotten: this is said of each", async () => {
    const store = memoryTags(new Map(), "example/refused")
    const forgetful: TagStore = {
      ...store,
      write: (repository, ...rest) =>
        repository.path === "example/first" ? Promise.resolve() : store.write(repository, ...rest),
    }
    const states = await runOn(forgetful, "together", [first, refused])
    expect(states.get("first")).toMatchObject({
      published: false,
      outcome: { kind: "publish-failed", message: expect.stringContaining("it names nothing") as string },
    })
  })

  test("another run of the branch writes its own meanwhile: the set is mixed, and no image is said to be published", async () => {
    const tags = new Map<string, string>()
    const store = memoryTags(tags)
    const other = `sha256:${"1".repeat(64)}`
    const second = job("second", "retag")
    const beside: TagStore = {
      ...store,
      write: async (repository, written, tag) => {
        await store.write(repository, written, tag)
        // When the last one is written, the first names the other run's image again.
        if (tags.size === 2) tags.set("example/first:2026.4-main", other)
      },
    }
    const states = await runOn(beside, "together", [first, second])
    expect(states.get("first")).toMatchObject({
      published: false,
      outcome: {
        kind: "publish-failed",
        message: expect.stringContaining("another run has written it since") as string,
      },
    })
    expect(states.get("second")?.published).toBe(true)
  })

  test("each for itself: one that is refused is nothing to the others", async () => {
    const tags = new Map([["example/first:2026.4-main", older]])
    const states = await runOn(memoryTags(tags, "example/refused"), "each", [first, refused])
    expect(tags.get("example/first:2026.4-main")).toBe(digest)
    expect(states.get("first")).toMatchObject({ published: true, outcome: { kind: "retagged" } })
  })

  test("a registry that does not say what a tag names now: none is written", async () => {
    const tags = new Map<string, string>()
    const store = { ...memoryTags(tags), read: () => Promise.reject(new Error("500 internal error")) }
    const states = await runOn(store, "together", [first])
    expect(tags.size).toBe(0)
    expect(states.get("first")?.outcome.kind).toBe("publish-failed")
  })
})
