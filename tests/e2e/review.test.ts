import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack, childImage, rootImage } from "../support/fixtureStacks.js"

// A pull request that adds a Debian package to one image, against what main has published.

let world: FixtureStack
let review: FixtureRun

const install = "RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends tree >/dev/null"

beforeAll(async () => {
  world = await FixtureStack.start({ base: rootImage("base"), left: childImage("left", "base") })
  await world.publish()
  await world.git("checkout", "-q", "-b", "topic")
  const dockerfile = await world.read("images/left/Dockerfile")
  await world.commit({
    "images/left/Dockerfile": dockerfile.replace("USER student", `${install}\nUSER student`),
  })
  review = await world.publish("--target=main", "--base=HEAD~1")
})

afterAll(() => world.stop())

test("the summary tells for each image what changes: packages, size, layers, tests, time", async () => {
  expect(review.plan.comparedWith).toContain("where the branch left HEAD~1")
  const markdown = await review.text("report.md")
  expect(markdown).toContain("## What changes against `2026.4-main`")
  expect(markdown).toMatch(
    /^\| left \| 1 added \| \d+ MB → \d+ MB \(\+\d+(?:\.\d+)? kB\) \| \d+ → \d+ \| 2 passed \| [\d.]+ m?s \|$/m,
  )
  expect(markdown).toContain("The same as there: base.")
  expect(markdown).toMatch(/^\| tree \| added \| {2}\| `[\d.]+-\S+` \|$/m)
  const document = JSON.parse(await review.text("review.json")) as unknown
  expect(document).toMatchObject({
    version: 1,
    against: "2026.4-main",
    images: [
      { kind: "same", name: "base" },
      { kind: "compared", name: "left" },
    ],
  })
})

test("two published images are compared straight from the registry", async () => {
  const out = join(world.folder, "compared")
  const reference = (tag: string) => `${world.host}/team/left:${tag}`
  const sides = [`--from=${reference("2026.4-main")}`, `--to=${reference("2026.4-topic")}`]
  const ended = await world.call(
    ...["diff", "--source=.", ...sides, ...world.login(), "artifacts", "export", `--path=${out}`],
  )
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const markdown = await readFile(join(out, "report.md"), "utf8")
  expect(markdown).toMatch(/^\| left \| 1 added \| \d+ MB → \d+ MB/m)
  expect(markdown).toMatch(/^\| tree \| added \|/m)
  expect(markdown).toMatch(/compressed \d+(?:\.\d+)? MB → \d+(?:\.\d+)? MB/)
})

test("of two different images it tells what one has more than the other", async () => {
  const sides = [`--from=${world.host}/team/base:2026.4-main`, `--to=${world.host}/team/left:2026.4-topic`]
  const ended = await world.call("diff", "--source=.", ...sides, ...world.login(), "summary")
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  expect(ended.stdout).toMatch(/^\| left \| 1 added \|/m)
})

test("an image that is not there, and a branch that cannot have a tag, are told", async () => {
  const nowhere = `${world.host}/team/left:nowhere`
  const sides = [`--from=${nowhere}`, `--to=${world.host}/team/left:2026.4-main`]
  const ended = await world.call("diff", "--source=.", ...sides, ...world.login(), "verdict")
  expect(ended.status).not.toBe(0)
  expect(ended.stderr).toContain(`there is no ${nowhere}`)
  const refused = await world.call("build-stack", "--source=.", "--target=stable")
  expect(refused.status).not.toBe(0)
  expect(refused.stderr).toContain('--target: the branch "stable" would be tagged like the stable images')
})
