import { chmod, cp, readFile, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { isUploaded } from "../../../dagger/lib/dockerfile/upload.js"
import type { GitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { clonedFrom, writeMissingConfiguration } from "../../../dagger/tools/git/configuration.js"
import { gatherGitFacts } from "../../../dagger/tools/git/gather.js"
import { GitRepo, removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"

// A checkout comes without git's configuration, in which logins may stand: what is told of it is the same.

afterAll(removeTemporaryFolders)

async function history({ init = [] as readonly string[] } = {}): Promise<GitRepo> {
  const repo = await GitRepo.create({ init })
  await repo.commit("First", { "images/a/Dockerfile": "FROM one\n", "images/b/Dockerfile": "FROM one\n" })
  await repo.commit("Second", { "images/a/Dockerfile": "FROM two\n" })
  await repo.git("config", "uploadpack.allowFilter", "true")
  return repo
}

/** A copy as the engine gets it, and what is told of it. */
async function uploaded(repo: GitRepo): Promise<GitFacts> {
  const copy = await temporaryFolder()
  const filter = (path: string) => isUploaded(path.slice(repo.directory.length + 1))
  await cp(repo.directory, copy, { recursive: true, filter })
  await expect(stat(join(copy, ".git/config"))).rejects.toThrow("ENOENT")
  await writeMissingConfiguration(copy)
  return gatherGitFacts(copy)
}

describe("without its configuration, the same is told of", () => {
  test.each<[string, () => Promise<GitRepo>]>([
    ["a repository", history],
    ["one with SHA-256 ids", () => history({ init: ["--object-format=sha256"] })],
    [
      "one with SHA-256 ids in one file, and a detached head",
      async () => {
        const repo = await history({ init: ["--object-format=sha256"] })
        await repo.git("pack-refs", "--all", "--prune")
        await repo.git("checkout", "--quiet", "--detach")
        return repo
      },
    ],
    [
      "one with SHA-256 ids in one file",
      async () => {
        const repo = await history({ init: ["--object-format=sha256"] })
        await repo.git("pack-refs", "--all", "--prune")
        return repo
      },
    ],
    ["a clone", async () => (await history()).clone()],
    ["a clone without blobs", async () => (await history()).clone("--filter=blob:none")],
    ["a shallow clone", async () => (await history()).clone("--depth=1")],
    [
      "a sparse one",
      async () => {
        const clone = await (await history()).clone("--sparse")
        await clone.git("sparse-checkout", "set", "images/a")
        return clone
      },
    ],
    [
      "one with a sparse index",
      async () => {
        const clone = await (await history()).clone("--sparse")
        await clone.git("sparse-checkout", "set", "--sparse-index", "images/a")
        return clone
      },
    ],
    [
      "one with a submodule",
      async () => {
        const repo = await history()
        await repo.git("submodule", "--quiet", "add", `file://${(await history()).directory}`, "images/sub")
        await repo.commit("Third")
        await repo.git("-C", "images/sub", "checkout", "--quiet", "HEAD~1")
        return repo
      },
    ],
    [
      "one with settings for its worktree",
      async () => {
        const repo = await history()
        await repo.git("config", "extensions.worktreeConfig", "true")
        await repo.git("config", "--worktree", "status.showUntrackedFiles", "no")
        await repo.write({ "images/a/new": "1" })
        return repo
      },
    ],
    [
      "one that git takes for uncommitted where the file system calls all files executable",
      async () => {
        const repo = await history()
        await repo.git("config", "core.filemode", "false")
        for (const path of ["images/a/Dockerfile", "images/b/Dockerfile", ".git/HEAD", ".git/index"])
          await chmod(join(repo.directory, path), 0o755)
        return repo
      },
    ],
  ])("%s", async (_, make) => {
    const repo = await make()
    const expected = await gatherGitFacts(repo.directory)
    expect(expected.repository.state).toBe("ok")
    // The clone's own word on where it comes from is the same as the configuration's.
    expect(await uploaded(repo)).toEqual(expected)
  })
})

test("of a treeless clone the changes are unknown, in git's words", async () => {
  const clone = await (await history()).clone("--filter=tree:0")
  const facts = await uploaded(clone)
  expect(facts).toMatchObject({ repository: { state: "ok" }, head: { message: "Second" } })
  expect(facts.changes).toMatchObject({ kind: "unknown", why: expect.stringMatching(/fatal: /) as string })
})

test("a configuration that is there stays, and no folder becomes a repository", async () => {
  const repo = await history()
  const path = join(repo.directory, ".git/config")
  const before = await readFile(path, "utf8")
  await writeMissingConfiguration(repo.directory)
  expect(await readFile(path, "utf8")).toBe(before)
  const empty = await temporaryFolder()
  await writeMissingConfiguration(empty)
  await expect(stat(join(empty, ".git"))).rejects.toThrow("ENOENT")
})

describe("the address of a repository", () => {
  test("is what the call says, without its login", async () => {
    const { directory } = await history()
    const { remoteUrl } = await gatherGitFacts(directory, {
      origin: "https://me:TOKEN@example.org/a/b?x=TOKEN",
    })
    expect(remoteUrl).toBe("https://example.org/a/b")
  })

  test("else what it was cloned from, which git writes without a login", async () => {
    const origin = await history()
    const clone = await origin.clone()
    await rm(join(clone.directory, ".git/config"))
    expect(await clonedFrom(clone.directory)).toBe(`file://${origin.directory}`)
    expect((await gatherGitFacts(clone.directory)).remoteUrl).toBe(`file://${origin.directory}`)
    await rm(join(clone.directory, ".git/logs"), { recursive: true })
    expect((await gatherGitFacts(clone.directory)).remoteUrl).toBeUndefined()
    expect(await clonedFrom(origin.directory)).toBeUndefined()
  })
})

test.each([
  [".git/config", false],
  ["images/a/.git/config", false],
  [".git/config.worktree", false],
  [".git/modules/images/sub/config", false],
  [".git/refs/heads/config", true],
  [".git/HEAD", true],
  ["images/a/config", true],
  ["config", true],
])("%s is uploaded: %s", (path, expected) => {
  expect(isUploaded(path)).toBe(expected)
})
