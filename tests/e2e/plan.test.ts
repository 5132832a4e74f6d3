import { afterAll, beforeAll, expect, test } from "vitest"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack, failing, family, passing } from "../support/fixtureStacks.js"
import { skopeoCopy } from "../support/registryImages.js"

// The life of a stack, in the order in which it happens: each test goes on from what the ones before it published.

let world: FixtureStack
const all = (action: string) => ({ base: action, left: action, right: action })

beforeAll(async () => {
  world = await FixtureStack.start(family())
})

afterAll(() => world.stop())

/** Digest under a tag, by image. */
async function digests(tag: string): Promise<Readonly<Record<string, string>>> {
  const entries = ["base", "left", "right"].map(
    async (name) => [name, (await world.manifest(name, tag)).digest] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

function reasons(run: FixtureRun, image: string): string {
  return run.image(image).reasons.join("; ")
}

const baseDigest = "org.opencontainers.image.base.digest"
const revision = "org.opencontainers.image.revision"

let first: FixtureRun

test("the first run builds and publishes everything, labelled with where it comes from", async () => {
  const run = await world.publish("--parallel=2")
  first = run
  expect(run.actions).toEqual(all("build"))
  expect(run.outcomes).toEqual(all("passed"))
  expect(reasons(run, "left")).toContain("its parent base is rebuilt")
  expect(await run.text("artifacts/IMAGES_CHANGED")).toBe("base\nleft\nright\n")
  const commit = await world.git("rev-parse", "HEAD")
  const time = await world.git("log", "-1", "--format=%cI")
  const base = await world.manifest("base", "2026.4-main")
  const left = await world.manifest("left", "2026.4-main")
  expect(run.image("left").digest).toBe(left.digest)
  expect(left.layers.slice(0, base.layers.length)).toEqual(base.layers)
  const labels = await world.labels("left", "2026.4-main")
  expect(labels).toMatchObject({
    [revision]: commit,
    "org.opencontainers.image.version": "2026.4-main",
    "org.opencontainers.image.title": "left",
    "io.github.jupyter-stack.input-key": run.image("left").inputKey,
  })
  expect(Date.parse(labels["org.opencontainers.image.created"] ?? "")).toBe(Date.parse(time))
  expect(left.annotations).toMatchObject(labels)
})

test("with room for two steps, both children are built before their parent is tested", () => {
  const startOf = (image: string, step: string) =>
    first.image(image).steps.find(({ name }) => name === step)?.startedAt ?? Number.NaN
  const builds = ["left", "right"].map((child) => startOf(child, "build"))
  expect(startOf("base", "tests")).toBeGreaterThanOrEqual(Math.max(...builds))
})

test("the same again reuses all of it, and writes nothing to the registry", async () => {
  const run = await world.publish()
  expect(run.actions).toEqual(all("reuse"))
  expect(run.outcomes).toEqual(all("reused"))
  expect(run.writes).toEqual([])
  expect(run.uploads).toEqual([])
  expect(run.report.images.every(({ published }) => published)).toBe(true)
  // A fifth of a minute is far more than it takes on an idle machine, and far less than a build.
  expect(run.report.milliseconds).toBeLessThan(20_000)
})

test("a new branch without changes gets tags, and no layer moves", async () => {
  await world.git("checkout", "--quiet", "-b", "work")
  const run = await world.publish()
  expect(run.actions).toEqual(all("retag"))
  expect(run.outcomes).toEqual(all("retagged"))
  expect(run.uploads).toEqual([])
  expect(run.writes.map(({ path }) => path).toSorted()).toEqual(
    ["base", "left", "right"].map((name) => `/v2/team/${name}/manifests/2026.4-work`),
  )
  expect(await digests("2026.4-work")).toEqual(await digests("2026.4-main"))
})

test("a changed test of a leaf builds nothing: what is published is tested again", async () => {
  await world.commit({ "images/right/test/test_more.py": passing("more") })
  const run = await world.publish()
  expect(run.actions).toEqual({ ...all("reuse"), right: "retest" })
  expect(run.outcomes).toEqual({ ...all("reused"), right: "passed" })
  expect(run.tests("right").get("test_more")?.outcome).toBe("passed")
  expect(run.image("right").steps.map(({ name }) => name)).not.toContain("build")
  expect(run.uploads).toEqual([])
  expect(await digests("2026.4-work")).toEqual(await digests("2026.4-main"))
  expect((await world.publish()).actions).toEqual(all("reuse"))
})

test("an edited leaf is the only build", async () => {
  const before = await digests("2026.4-work")
  await world.commit({ "images/left/Dockerfile": "FROM ghcr.io/example/base:latest\nENV EDITED=1\n" })
  const run = await world.publish()
  expect(run.actions).toEqual({ ...all("reuse"), left: "build" })
  expect(reasons(run, "left")).toContain("its files changed: images/left/Dockerfile")
  expect(run.outcomes).toEqual({ ...all("reused"), left: "passed" })
  expect(await run.text("artifacts/IMAGES_CHANGED")).toBe("left\nright\n")
  expect(await digests("2026.4-work")).toEqual({ ...before, left: run.image("left").digest })
  expect(run.image("left").digest).not.toBe(before.left)
})

test("an edited root rebuilds all; where one image fails, the tags of the run stay where they were", async () => {
  const before = await digests("2026.4-work")
  await world.commit({
    "images/base/Dockerfile": `${await world.read("images/base/Dockerfile")}ENV EDITED=1\n`,
    "images/left/test/test_left.py": failing("left"),
  })
  const run = await world.publish()
  expect(run.actions).toEqual(all("build"))
  expect(run.outcomes).toEqual({ ...all("passed"), left: "tests-failed" })
  expect(run.report.images.filter(({ published }) => published)).toEqual([])
  expect(run.image("right").notices.join()).toContain("not tagged 2026.4-work")
  expect(await run.text("report.md")).toContain("published: nothing")
  expect(await digests("2026.4-work")).toEqual(before)
  // The one that failed has not even left a candidate: tests come first.
  expect(run.image("left").digest).toBeUndefined()
})

test("what had passed is not built again; with --publish-each it is tagged though another image fails", async () => {
  const before = await digests("2026.4-work")
  const run = await world.publish("--publish-each")
  expect(run.actions).toEqual({ base: "retag", left: "build", right: "retag" })
  expect(reasons(run, "base")).toContain("has passed these tests")
  expect(run.outcomes).toEqual({ base: "retagged", left: "tests-failed", right: "retagged" })
  const after = await digests("2026.4-work")
  expect(after.left).toBe(before.left)
  expect([after.base, after.right]).toEqual([run.image("base").digest, run.image("right").digest])
  expect([after.base, after.right]).not.toContain(before.base)
})

test("--only touches what it names; files that are not committed count, and are told", async () => {
  await world.write({
    "images/left/test/test_left.py": passing("left"),
    "images/right/Dockerfile": "FROM ghcr.io/example/base:latest\nENV NOT=COMMITTED\n",
  })
  const steps = await world.plan(...world.login(), "--only=left")
  expect([...steps.values()].map(({ action }) => action)).toEqual(["skip", "build", "skip"])
  const other = await world.plan(...world.login(), "--only=right")
  expect(other.get("right")?.reasons).toMatchObject([
    { kind: "files-changed", files: [{ path: "images/right/Dockerfile", committed: false }] },
    { kind: "no-image-with-key" },
  ])
  await world.git("checkout", "images/right")
})

test("an interrupted run moves no tag, and the next one takes up what it had finished", async () => {
  const before = await digests("2026.4-work")
  await world.commit({
    "images/base/Dockerfile": `${await world.read("images/base/Dockerfile")}ENV AGAIN=1\n`,
  })
  // One candidate never arrives; the run dies when another one has passed.
  world.front.add({ method: "PUT", path: /\/right\/manifests\/candidate-/, fault: { kind: "hang" } })
  const started = world.registry.accessLog().length
  const passes = () =>
    world.registry
      .accessLog()
      .slice(started)
      .filter(({ method, path }) => method === "PUT" && path.includes("/passed-"))
  const hangs = () => world.front.requests.some(({ fault }) => fault === "hang")
  await world.interrupt(
    ["build-stack", "--source=.", ...world.publishing()],
    () => passes().length === 2 && hangs(),
  )
  world.front.reset()
  expect(await digests("2026.4-work")).toEqual(before)
  const run = await world.publish()
  expect(run.actions).toEqual({ base: "retag", left: "retag", right: "build" })
  expect(reasons(run, "left")).toMatch(/candidate-\w+ has passed these tests/)
  expect(run.outcomes).toEqual({ base: "retagged", left: "retagged", right: "passed" })
  expect(await digests("2026.4-work")).toEqual(
    Object.fromEntries(run.report.images.map(({ name, digest }) => [name, digest])),
  )
})

test("skip ci does nothing at all, and says why", async () => {
  await world.commit({ "images/base/Dockerfile": "FROM scratch\n" }, "Change everything [skip ci]")
  const run = await world.publish()
  expect(run.report.skippedByRequest).toContain("the commit message")
  expect(run.ended.stderr).toContain("skipped by request")
  expect(run.writes).toEqual([])
  expect(run.report.images).toEqual([])
  await world.git("reset", "--quiet", "--hard", "HEAD~1")
})

test("a base that moved is a reason to build; it may need the login, and the branch may have any name", async () => {
  const upstream = "mirror/upstream:1"
  await skopeoCopy(world.registry, "team/left:2026.4-work", upstream)
  await world.git("checkout", "--quiet", "-b", "feature/Größe(v2)")
  await world.commit({ "images/base/Dockerfile": `FROM ${world.host}/${upstream}\nENV ON=upstream\n` })
  const run = await world.publish("--only=base")
  expect(run.outcomes.base).toBe("passed")
  expect(run.report.notices.join()).not.toContain("could not be resolved")
  expect(run.report.tag).toMatch(/^2026\.4-feature-Gr-e-v2-[0-9a-f]{10}$/)
  expect(await world.tags("base")).toContain(run.report.tag)
  const before = await world.manifest("left", "2026.4-work")
  expect((await world.labels("base", run.report.tag))[baseDigest]).toBe(before.digest)
  await skopeoCopy(world.registry, "team/right:2026.4-work", upstream)
  const after = await world.manifest("right", "2026.4-work")
  const steps = await world.plan(...world.login())
  expect(steps.get("base")?.action).toBe("build")
  expect(steps.get("base")?.reasons).toContainEqual({
    kind: "base-moved",
    reference: `${world.host}/${upstream}`,
    from: before.digest,
    to: after.digest,
  })
  // The plan of before, repeated, builds on what it was made for.
  const again = await world.run(...world.login(), `--plan=${run.folder}/plan.json`)
  expect(again.outcomes).toEqual(run.outcomes)
  expect(await again.text("stack.Dockerfile")).toContain(`FROM ${world.host}/${upstream}@${before.digest}`)
  expect(steps.get("left")?.reasons[0]).toEqual({ kind: "parent-rebuilt", parent: "base" })
})

test("a plan says which branch it is for; on another content it is refused", async () => {
  await world.git("checkout", "--quiet", "--detach")
  const made = await world.publish("--only=base", "--branch=detached")
  const plan = `--plan=${made.folder}/plan.json`
  const again = await world.publish(plan)
  expect(again.outcomes).toEqual(made.outcomes)
  expect(again.report.tag).toBe("2026.4-detached")
  await world.commit({ "images/base/Dockerfile": `FROM ${world.host}/mirror/upstream:1\nENV ON=another\n` })
  const tags = await world.tags("base")
  const { status, stderr } = await world.call("build-stack", "--source=.", ...world.publishing(), plan)
  expect(status).toBe(1)
  expect(stderr).toContain("Error: --plan: it is of another source: base has other content (check out ")
  expect(await world.tags("base")).toEqual(tags)
})
