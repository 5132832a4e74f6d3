import { mkdtemp, readdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { TimedStep } from "../../dagger/lib/report/report.js"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { childImage, failing, FixtureStack, passing, rootImage } from "../support/fixtureStacks.js"

// Nothing of these builds may come from the engine's cache: what runs side by side is to be seen.
const fresh = `RUN echo ${Date.now()} > /fresh`
const slow = "RUN sleep 3"

/** A tree of every kind of ending: an image that fails its tests, and one that fails to build, with images on them. */
const images = {
  base: rootImage("base", [fresh, "RUN head -c 8 /dev/urandom | od -An -x > /random && sleep 1"]),
  left: childImage("left", "base", [slow]),
  right: childImage("right", "base", [slow]),
  leaf: childImage("leaf", "left", [], { "test/test_files.py": filesOf(["base", "left", "leaf"]) }),
  untrue: childImage("untrue", "base", [], { "test/test_untrue.py": failing("untrue") }),
  "above-untrue": childImage("above-untrue", "untrue"),
  broken: childImage("broken", "base", ["RUN echo this goes wr''ong >&2 && exit 7"]),
  "above-broken": childImage("above-broken", "broken"),
  "above-that": childImage("above-that", "above-broken"),
}

/** A test that an image has the files of all that it stands on. */
function filesOf(names: readonly string[]): string {
  return `import os\ndef test_files(): assert all(map(os.path.exists, ${JSON.stringify(names.map((name) => `/${name}`))}))\n`
}

let world: FixtureStack
let run: FixtureRun

beforeAll(async () => {
  world = await FixtureStack.start(images)
  run = await world.publish("--parallel=4")
})

afterAll(() => world.stop())

function step(image: string, name: TimedStep["name"]): { readonly start: number; readonly end: number } {
  const found = run.image(image).steps.find((each) => each.name === name)
  if (found === undefined) throw new Error(`${image} has no step ${name}`)
  return { start: found.startedAt, end: found.startedAt + found.milliseconds }
}

test("every image ends on its own: a failure spares its siblings, and takes what stands on it along", () => {
  expect(run.outcomes).toEqual({
    base: "passed",
    left: "passed",
    right: "passed",
    leaf: "passed",
    untrue: "tests-failed",
    "above-untrue": "skipped",
    broken: "build-failed",
    "above-broken": "skipped",
    "above-that": "skipped",
  })
  expect(run.image("above-that").outcome).toEqual({ kind: "skipped", because: "broken", reason: "failed" })
  expect(run.report.images.some(({ published }) => published)).toBe(false)
})

test("siblings are built at the same time, after their parent", () => {
  const [base, left, right] = [step("base", "build"), step("left", "build"), step("right", "build")]
  expect(Math.max(left.start, right.start)).toBeLessThan(Math.min(left.end, right.end))
  expect(Math.min(left.start, right.start)).toBeGreaterThanOrEqual(base.end)
})

test("the parent is built once: its children start with its layers, to the byte", async () => {
  const layersOf = async (name: string) =>
    (await world.manifest(name, run.image(name).digest ?? "")).layers.map(({ digest }) => digest)
  const base = await layersOf("base")
  const left = await layersOf("left")
  expect(left.slice(0, base.length)).toEqual(base)
  expect((await layersOf("right")).slice(0, base.length)).toEqual(base)
  // A child of a parent that no registry has: nothing was tagged, and no image of the example's registry exists.
  expect((await layersOf("leaf")).slice(0, left.length)).toEqual(left)
  expect(await world.tags("left")).toEqual([])
})

describe("what a person is told", () => {
  test("the table names image, test and log; what failed, and how to repeat it", () => {
    const { stderr } = run.ended
    for (const said of [
      /base +build +1 passed .* passed/,
      /untrue +build +1 passed, 1 failed .* FAILED its tests: untrue\/test\/test_untrue\.py::test_untrue failed/,
      /failed: untrue\/test\/test_untrue\.py::test_untrue/,
      /log: logs\/untrue\.basic-tests\.log/,
      /E +AssertionError: assert 'expected' == 'found'/,
      /broken +build +none .* FAILED to build/,
      // Not the command: its words are written otherwise.
      /\| this goes wrong/,
      /above-that +build +none .* skipped: broken failed/,
      /reproduce.*: \.\/stack build-stack --source=\. --registry=/,
      /5 of 9 images not good in .*; published: nothing/,
    ])
      expect(stderr).toMatch(said)
  })

  test("while it runs: a line for each image and step, with its time", () => {
    expect(run.ended.stderr).toMatch(/^\[.* s\] left: build took /m)
    expect(run.ended.stderr).toMatch(/^\[.* s\] leaf: tests passed$/m)
    expect(run.ended.stderr).toMatch(
      /^\[.* s\] untrue: tests: untrue\/test\/test_untrue\.py::test_untrue failed$/m,
    )
    expect(run.ended.stderr).toContain("    | this goes wrong")
  })
})

test("everything is exported, of failed images too", async () => {
  const names = Object.keys(images)
  expect(await readdir(join(run.folder, "artifacts"))).toEqual(
    ["IMAGES_CHANGED", ...names.map((name) => `${name}.yaml`)].toSorted(),
  )
  const tested = ["base", "left", "right", "leaf", "untrue"]
  const logs = [...names.map((name) => `${name}.log`), ...tested.map((name) => `${name}.basic-tests.log`)]
  expect((await readdir(join(run.folder, "logs"))).toSorted()).toEqual(logs.toSorted())
  expect((await readdir(join(run.folder, "junit"))).toSorted()).toEqual(
    tested.map((name) => `${name}.basic.xml`).toSorted(),
  )
  for (const path of ["logs/broken.log", "report.md", "report.json"])
    expect(await run.text(path)).toContain("this goes wrong")
  expect(await run.text("junit/untrue.basic.xml")).toContain("<failure")
  expect(await run.text("report.md")).toContain("## untrue: FAILED its tests")
  expect(await run.text("manifests/" + (await pageOf("base")))).toContain("# ")
})

async function pageOf(image: string): Promise<string> {
  const pages = await readdir(join(run.folder, "manifests"))
  return pages.find((page) => page.includes(image) && page.endsWith(".md")) ?? "none"
}

test("the exit status tells; mended, the same call passes, and summary and images say so", async () => {
  const failed = await world.call("build-stack", "--source=.", "--only=untrue")
  expect(failed.status).toBe(1)
  expect(failed.stdout).toMatch(/untrue +build .* FAILED its tests/)
  await world.commit({ "images/untrue/test/test_untrue.py": passing("untrue") })
  const passed = await world.call("build-stack", "--source=.", "--only=untrue", "images", "outcome")
  expect(passed.status).toBe(0)
  expect(passed.stdout).toContain("passed")
})

test("functions and options read like a manual: a whole sentence each", async () => {
  const { stdout } = await world.call("functions")
  const lines = stdout.trim().split("\n").slice(1)
  expect(lines.length).toBeGreaterThan(10)
  for (const line of lines) expect(line).toMatch(/^[a-z-]+ {2,}\S.*\.$/)
  const help = await world.call("build-stack", "--help")
  expect(help.stdout).toMatch(/--publish +Push the images that pass, as/)
  // What is further in goes on with a sentence.
  const options = help.stdout.split("\n").filter((line) => /^ {1,8}--/.test(line))
  expect(options.length).toBeGreaterThan(12)
  for (const option of options) expect(option).toMatch(/^ +--[a-z-]+(?: [A-Za-z[\]]+)? {2,}[A-Z]/)
})

test("the linked Dockerfile can be exported, and names its targets", async () => {
  const out = await mkdtemp(join(tmpdir(), "stack-linked-"))
  const { status } = await world.call("dockerfile", "--source=.", "--only=leaf", "export", `--path=${out}`)
  expect(status).toBe(0)
  expect((await readdir(out)).toSorted()).toEqual(["stack.Dockerfile", "stack.Dockerfile.dockerignore"])
})
