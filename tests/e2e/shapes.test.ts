import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { exampleStack } from "../support/exampleStacks.js"
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

test("labels of the spec are in the image, and in those that are built on it", async () => {
  const label = ["label", "--name=org.opencontainers.image.licenses"]
  const cwd = await repository(exampleStack("variants"))
  const shown = await stack(["shell", "--source=.", "--image=notebook-small", ...label], { cwd })
  expect(shown.status, shown.stderr).toBe(0)
  expect(shown.stdout.trim()).toBe("BSD-3-Clause")
})
