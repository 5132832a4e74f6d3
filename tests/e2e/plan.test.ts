import { afterAll, beforeAll, expect, test } from "vitest"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack, failing, family, passing } from "../support/fixtureStacks.js"

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

const revision = "org.opencontainers.image.revision"

test("the first run builds and publishes everything, labelled with where it comes from", async () => {
  const run = await world.publish()
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
