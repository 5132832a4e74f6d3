import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { exampleStack } from "../support/exampleStacks.js"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack } from "../support/fixtureStacks.js"
import type { Files } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import { ReadReport } from "../support/testImages.js"

const folders: string[] = []

afterAll(() => Promise.all(folders.map(removeFolder)))

async function repository(files: Files): Promise<string> {
  const folder = await workspace({ ...files, ".gitignore": "report\n" })
  folders.push(folder)
  return folder
}

/** Builds and tests a stack in a repository of its own. */
async function built(files: Files): Promise<ReadReport> {
  const folder = await repository(files)
  const call = ["build-stack", "--source=.", "artifacts", "export", "--path=report"]
  const ended = await stack(call, { cwd: folder })
  expect(ended.status, ended.stderr).toBe(0)
  return ReadReport.from(join(folder, "report"))
}

function outcomes({ report }: ReadReport): Readonly<Record<string, string>> {
  return Object.fromEntries(report.images.map(({ name, outcome }) => [name, outcome.kind]))
}

test("docs/examples/variants: folders within each other, and two images of one folder with arguments of a file", async () => {
  const run = await built(exampleStack("variants"))
  expect(outcomes(run)).toEqual({
    "base-notebook": "passed",
    "pytorch-notebook": "passed",
    "pytorch-cuda12": "passed",
    "notebook-small": "passed",
    "notebook-large": "passed",
  })
  expect([...run.tests("pytorch-cuda12").keys()]).toEqual([
    "test_user",
    "test_flavour",
    "test_what_is_left_out",
  ])
})

test("docs/examples/shared-context: the root as the context of Dockerfiles elsewhere", async () => {
  const run = await built(exampleStack("shared-context"))
  expect(outcomes(run)).toEqual({ lab: "passed", geo: "passed" })
  expect(run.tests("geo").get("test_context")?.outcome).toBe("passed")
})

test("docs/examples/tags: two images of one repository, one of none, further tags, versions and another main branch", async () => {
  const world = await FixtureStack.of(exampleStack("tags"))
  try {
    await world.git("branch", "--move", "master")
    const first = await world.publish()
    expect(first.outcomes).toEqual({ common: "passed", notebook: "passed", "notebook-cuda12": "passed" })
    const date = new Date(first.report.startedAt).toISOString().slice(0, 10)
    const python = /^python-3\.\d+\.\d+$/
    const tags = (await world.tags("notebook")).filter(
      (tag) => !/^(?:candidate|(?:folder-)?passed)-/.test(tag),
    )
    expect(tags.filter((tag) => !python.test(tag)).sort()).toEqual(
      ["4.6.1-master", "latest", date].flatMap((tag) => [tag, `cuda12-${tag}`]).sort(),
    )
    expect(tags.filter((tag) => python.test(tag))).toHaveLength(1)
    expect(await world.tags("common")).toEqual([])
    expect((await world.manifest("notebook", "latest")).digest).toBe(first.image("notebook").digest)
    expect(await first.text("report.md")).toMatch(
      /^- \*\*notebook\*\* `latest`, `\d{4}-\d\d-\d\d`, `python-3\.\d+\.\d+`$/m,
    )
    const again = await world.publish()
    expect(again.actions).toEqual({ common: "build", notebook: "reuse", "notebook-cuda12": "reuse" })
    expect(again.image("notebook").furtherTags).toEqual(first.image("notebook").furtherTags)
    await promoted(world, first)
  } finally {
    await world.stop()
  }
})

/** `4.6.1-master` becomes `4.6.1`, by the pages of a run. */
async function promoted(world: FixtureStack, run: FixtureRun): Promise<void> {
  const call = ["tag-stable", "--source=.", "--tag=4.6.1-master", `--artifacts=${run.folder}`]
  const ended = await world.call(...call, ...world.login(), "summary")
  expect(ended.status, ended.stderr).toBe(0)
  expect(ended.stdout).toContain("Promoted `4.6.1-master` to `4.6.1`: 2 images.")
  const digests = ["4.6.1", "cuda12-4.6.1"].map(async (tag) => (await world.manifest("notebook", tag)).digest)
  expect(await Promise.all(digests)).toEqual(
    ["notebook", "notebook-cuda12"].map((name) => run.image(name).digest),
  )
}

test("docs/examples/parents: files of an image besides the one that an image is built on", async () => {
  const run = await built(exampleStack("parents"))
  expect(outcomes(run)).toEqual({ base: "passed", tools: "passed", lab: "passed" })
  // Its own and those of what it is built on, and none of what it has files of.
  expect([...run.tests("lab").keys()]).toEqual([
    "test_user",
    "test_files_of_the_other_image",
    "test_what_a_stage_made",
    "test_what_a_mount_made",
  ])
})

test("labels of the spec are in the image, and in those that are built on it", async () => {
  const label = ["label", "--name=org.opencontainers.image.licenses"]
  const cwd = await repository(exampleStack("variants"))
  const shown = await stack(["shell", "--source=.", "--image=notebook-small", ...label], { cwd })
  expect(shown.status, shown.stderr).toBe(0)
  expect(shown.stdout.trim()).toBe("BSD-3-Clause")
})
