import { readFile, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { exampleStack } from "../support/exampleStacks.js"
import { removeFolder, run, stack, workspace } from "../support/stack.js"

let folder = ""

beforeAll(async () => {
  folder = await workspace({}, { git: false })
})

afterAll(() => removeFolder(folder))

test("from an empty folder: new-stack, git init, build-stack; all pass", async () => {
  const made = await stack(["new-stack", "--name=physics", "export", "--path=."], { cwd: folder })
  expect(made.status, made.stderr).toBe(0)
  expect((await readdir(folder)).toSorted()).toEqual([".gitignore", "README.md", "images", "spec.yml"])
  expect((await run("git", ["init", "--quiet"], { cwd: folder })).status).toBe(0)
  const built = await stack(["build-stack"], { cwd: folder })
  expect(built.status, built.stderr).toBe(0)
  expect(built.stdout).toMatch(/^base-notebook +build +\d+ passed .* passed$/m)
  expect(built.stdout).toMatch(/^physics-notebook +build +\d+ passed .* passed$/m)
  expect(built.stdout).toContain("all good in")
})

test("with a module: workflows that call its, at the commit", async () => {
  const path = join(folder, "called")
  const module = `owner/name@${"a".repeat(40)}`
  const words = [
    "new-stack",
    "--name=physics",
    "--main-branch=trunk",
    `--module=${module}`,
    "export",
    `--path=${path}`,
  ]
  const made = await stack(words, { cwd: folder })
  expect(made.status, made.stderr).toBe(0)
  const text = await readFile(join(path, ".github/workflows/build.yml"), "utf8")
  expect(text).toContain(`uses: ${module.replace("@", "/.github/workflows/main.yml@")}\n`)
  expect(await readFile(join(path, "spec.yml"), "utf8")).toContain("main_branch: trunk\n")
})

test("a name that no image can have is refused, and nothing is written", async () => {
  const path = join(folder, "none")
  const refused = await stack(["new-stack", "--name=A/B", "export", `--path=${path}`], { cwd: folder })
  expect(refused.status).not.toBe(0)
  expect(refused.stderr).toContain('--name: "A/B" cannot name an image')
  expect(await readdir(folder)).not.toContain("none")
})

test("adopt: a spec for Dockerfiles that are there, and what is to decide", async () => {
  const adopted = await workspace(exampleStack("variants"))
  try {
    await rm(join(adopted, "spec.yml"))
    const proposed = await stack(["adopt"], { cwd: adopted })
    expect(proposed.status, proposed.stderr).toBe(0)
    expect(proposed.stdout).toContain("A spec for 4 images")
    expect(proposed.stdout).toContain("directory: images/pytorch-notebook/cuda12")
    const taken = ["adopt", "artifacts", "file", "--path=spec.yml", "export", "--path=spec.yml"]
    expect((await stack(taken, { cwd: adopted })).status).toBe(0)
    const plan = await stack(["plan"], { cwd: adopted })
    expect(plan.status, plan.stderr).toBe(0)
    expect(plan.stdout).toContain("pytorch-notebook-cuda12")
  } finally {
    await removeFolder(adopted)
  }
})
