import { mkdir, readdir, readFile, symlink } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { isLeftOut } from "../../../dagger/lib/source/sourceTree.js"
import type { SourceTree } from "../../../dagger/lib/source/sourceTree.js"
import { trackedPaths } from "../../../dagger/lib/source/gitIndex.js"
import { withoutIgnored } from "../../../dagger/lib/source/leftOut.js"
import { readSource } from "../../../dagger/lib/source/readSource.js"
import { gatherGitFacts } from "../../../dagger/tools/git/gather.js"
import { GitRepo, removeTemporaryFolders } from "../../support/gitRepo.js"

afterAll(removeTemporaryFolders)

/** A source with files that are tracked, one of them although it is ignored. */
async function repository({ init = [] as readonly string[] } = {}): Promise<GitRepo> {
  const repo = await GitRepo.create({ init })
  await repo.write({
    ".gitignore": "*.log\nnode_modules/\n__pycache__/\n",
    "images/a/.gitignore": "data/\n!kept.log\n",
    "images/a/Dockerfile": "FROM scratch\n",
    "images/a/kept.log": "1",
    "images/a/forced.log": "1",
    "images/a/node_modules/tracked.js": "1",
    "images/a/__pycache__/tracked.pyc": "1",
    "images/a/a name with ü and \ttab": "1",
  })
  await repo.git("add", "--force", "--all")
  await repo.commit("First")
  return repo
}

/** What is left of a source, and how often git was asked. */
async function read({ directory }: GitRepo): Promise<{ readonly tree: SourceTree; readonly asked: number }> {
  let asked = 0
  const index = await readFile(join(directory, ".git/index")).catch(() => undefined)
  const tree = await withoutIgnored(directory, await readSource(directory), index, async () => {
    asked++
    return (await gatherGitFacts(directory)).ignored
  })
  return { tree, asked }
}

const tracked = [
  ".gitignore",
  "images/a/.gitignore",
  "images/a/Dockerfile",
  "images/a/__pycache__/tracked.pyc",
  "images/a/a name with ü and \ttab",
  "images/a/forced.log",
  "images/a/kept.log",
  "images/a/node_modules/tracked.js",
]

test("where git tracks everything, it is not asked, and everything stays", async () => {
  const { tree, asked } = await read(await repository())
  expect([...tree.files.keys()]).toEqual(tracked)
  expect(asked).toBe(0)
})

describe("what git ignores is left out, what it could add is not", () => {
  const untracked = {
    "images/a/new.txt": "1",
    "images/a/build.log": "1",
    "images/a/data/deep/x": "1",
    "images/a/node_modules/untracked.js": "1",
    "images/a/test/node_modules/x.js": "1",
    "images/a/test/__pycache__/x.pyc": "1",
    "images/a/logs/only.log": "1",
  }

  test.each([
    ["by default", []],
    ["with an index of version 4", ["--config=index.version=4"]],
    ["with SHA-256", ["--object-format=sha256"]],
  ])("%s", async (_, [option = ""]) => {
    const repo = await repository({ init: option.startsWith("--object") ? [option] : [] })
    if (option.startsWith("--config")) await repo.git("update-index", "--index-version=4")
    await repo.write(untracked)
    const { tree, asked } = await read(repo)
    expect([...tree.files.keys()]).toEqual([...tracked, "images/a/new.txt"].sort())
    expect(asked).toBe(1)
    // A build copies folders: what is left out is gone from there, too, with the folders that held nothing else.
    expect((await readdir(join(repo.directory, "images/a"))).sort()).toEqual(
      [
        ...new Set([...tree.files.keys()].flatMap((path) => /^images\/a\/([^/]+)/.exec(path)?.[1] ?? [])),
      ].sort(),
    )
    expect(isLeftOut(tree, "images/a/data")).toBe(true)
    expect(isLeftOut(tree, "images/a/data/deep/x")).toBe(true)
    expect(isLeftOut(tree, "images/a/none")).toBe(false)
  })
})

test("without a repository only what Python leaves is left out", async () => {
  const repo = await repository()
  await repo.write({ "images/a/build.log": "1" })
  const copy = repo.at(join(repo.directory, "images"))
  const { tree } = await read(copy)
  expect([...tree.files.keys()]).toContain("a/build.log")
  expect([...tree.files.keys()]).not.toContain("a/__pycache__/tracked.pyc")
})

test("nothing outside of the folder is removed, whatever git is made to say", async () => {
  const repo = await repository()
  const outside = await GitRepo.create()
  await outside.write({ "images/a/x": "1" })
  await mkdir(join(repo.directory, "images/b"))
  await symlink(join(outside.directory, "images"), join(repo.directory, "images/b/link"))
  const tree = await readSource(repo.directory)
  const said = [`../${outside.directory.split("/").at(-1) ?? ""}/`, "images/b/link/a/"]
  await withoutIgnored(repo.directory, tree, undefined, () =>
    Promise.resolve(["images/a/forced.log", ...said]),
  )
  expect(await readFile(join(outside.directory, "images/a/x"), "utf8")).toBe("1")
})

test.each([
  ["nothing", Buffer.alloc(0)],
  ["another file", Buffer.from("DIRT and more of that")],
  ["entries that end too early", Buffer.from("4449524300000002000000ff00", "hex")],
])("an index that is none: %s", (_, bytes) => {
  expect(trackedPaths(bytes)).toBeUndefined()
})
