import { execFile } from "node:child_process"
import { chmod, cp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, describe, expect, test } from "vitest"
import { readGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { gatherGitFacts } from "../../../dagger/tools/git/gather.js"
import { withoutCredentials } from "../../../dagger/tools/git/url.js"
import { GitRepo, removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"

afterAll(removeTemporaryFolders)

async function twoCommits(files: Readonly<Record<string, string>> = {}): Promise<GitRepo> {
  const repo = await GitRepo.create()
  await repo.commit("First", { "spec.yml": "1", ...files })
  await repo.commit("Second", { "images/base/Dockerfile": "FROM scratch" })
  return repo
}

describe("changed paths are told as they are", () => {
  test.each([
    "images/left/with space.txt",
    "images/left/größe-日本.txt",
    'images/left/quo"te\\back.txt',
    "images/left/tab\tand\nnewline",
    "images/left/-dash",
    " leading and trailing ",
  ])("%j", async (path) => {
    const repo = await twoCommits()
    await repo.commit("Add", { [path]: "1" })
    await repo.write({ [`${path}2`]: "1", [path]: "2" })
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.changes).toEqual({ kind: "known", files: [{ path, status: "added" }] })
    expect(facts.dirty).toEqual([{ path, status: "modified" }])
    expect(facts.untracked).toEqual([`${path}2`])
  })

  test("a rename is a deletion and an addition, committed or not", async () => {
    const repo = await twoCommits({ "images/left/a": "the same content\n".repeat(20) })
    await repo.git("mv", "images/left/a", "images/left/b")
    const expected = [
      { path: "images/left/a", status: "deleted" },
      { path: "images/left/b", status: "added" },
    ]
    expect((await gatherGitFacts(repo.directory)).dirty).toEqual(expected)
    await repo.commit("Rename")
    expect((await gatherGitFacts(repo.directory)).changes).toEqual({ kind: "known", files: expected })
  })

  test("what is committed and not uploaded is not deleted, but for build contexts", async () => {
    const left = ["node_modules/x/a.js", "dagger/node_modules/a.js", "out/z", "docs/.venv/y"]
    const contexts = ["images/left/node_modules/x", "images/left/out/z", "images/left/.venv/y", "docs/out/z"]
    const repo = await twoCommits(Object.fromEntries([...left, ...contexts].map((path) => [path, path])))
    for (const path of [...left, ...contexts]) await rm(join(repo.directory, path))
    const expected = contexts.toSorted().map((path) => ({ path, status: "deleted" }))
    expect((await gatherGitFacts(repo.directory)).dirty).toEqual(expected)
  })

  test("a deleted image: each of its files", async () => {
    const repo = await twoCommits({
      "images/old/Dockerfile": "FROM scratch",
      "images/old/test/test_a.py": "",
    })
    await rm(join(repo.directory, "images/old"), { recursive: true })
    const expected = ["images/old/Dockerfile", "images/old/test/test_a.py"].map((path) => ({
      path,
      status: "deleted",
    }))
    expect((await gatherGitFacts(repo.directory)).dirty).toEqual(expected)
    await repo.commit("Remove")
    expect((await gatherGitFacts(repo.directory)).changes).toEqual({ kind: "known", files: expected })
  })

  test("only the executable bit", async () => {
    const repo = await twoCommits({ "images/left/run.sh": "" })
    await chmod(join(repo.directory, "images/left/run.sh"), 0o755)
    expect((await gatherGitFacts(repo.directory)).dirty).toEqual([
      { path: "images/left/run.sh", status: "modified" },
    ])
  })

  test("a submodule's moved pointer, even where the configuration hides it", async () => {
    const library = await twoCommits()
    const repo = await twoCommits()
    await repo.git("submodule", "--quiet", "add", `file://${library.directory}`, "images/left/vendor")
    await repo.commit("Add a submodule")
    const moved = await library.commit("Third")
    await repo.at(join(repo.directory, "images/left/vendor")).git("pull", "--quiet")
    await repo.git("config", "submodule.images/left/vendor.ignore", "all")
    await repo.git("config", "diff.ignoreSubmodules", "all")
    const expected = [{ path: "images/left/vendor", status: "modified" }]
    expect((await gatherGitFacts(repo.directory)).dirty).toEqual(expected)
    await repo.git("update-index", "--cacheinfo", `160000,${moved},images/left/vendor`)
    await repo.git("commit", "--quiet", "--allow-empty", "--message", "Move the submodule")
    expect((await gatherGitFacts(repo.directory)).changes).toEqual({ kind: "known", files: expected })
  })

  test("ignored files are not told", async () => {
    const repo = await twoCommits({ ".gitignore": "*.log\n" })
    await repo.write({ "images/base/build.log": "1", "images/new/a": "1", "images/new/b": "1" })
    await repo.git("config", "status.showUntrackedFiles", "no")
    const untracked = ["images/new/a", "images/new/b"]
    expect(await gatherGitFacts(repo.directory)).toMatchObject({ dirty: [], untracked })
  })

  test("an uploaded copy with other file times is clean, and stays as it was", async () => {
    const repo = await twoCommits()
    const copy = await temporaryFolder()
    await cp(repo.directory, copy, { recursive: true })
    await utimes(join(copy, "spec.yml"), 1, 1)
    const index = await readFile(join(copy, ".git/index"))
    const { mtimeMs } = await stat(join(copy, ".git"))
    const facts = await gatherGitFacts(copy)
    expect(facts).toMatchObject({ dirty: [], untracked: [] })
    expect(await readFile(join(copy, ".git/index"))).toEqual(index)
    expect((await stat(join(copy, ".git"))).mtimeMs).toBe(mtimeMs)
  })
})

describe("a folder that git can say nothing about", () => {
  test("not a repository, even inside of one", async () => {
    const outer = await twoCommits()
    for (const directory of [await temporaryFolder(), join(outer.directory, "images")]) {
      const facts = await gatherGitFacts(directory)
      expect(facts.repository.state).toBe("not-a-repository")
      expect(facts.changes.kind).toBe("unknown")
    }
  })

  test("empty", async () => {
    const repo = await GitRepo.create()
    expect((await gatherGitFacts(repo.directory)).repository.state).toBe("empty")
  })

  test("bare, with and without a .git folder", async () => {
    const repo = await GitRepo.create({ init: ["--bare"] })
    expect((await gatherGitFacts(repo.directory)).repository.state).toBe("bare")
    const other = await twoCommits()
    await other.git("config", "core.bare", "true")
    expect((await gatherGitFacts(other.directory)).repository.state).toBe("bare")
  })

  test("a worktree works beside its repository; uploaded alone it is told apart", async () => {
    const repo = await twoCommits()
    const worktree = join(await temporaryFolder(), "tree")
    await repo.git("worktree", "add", "--quiet", "-b", "side", worktree)
    expect(await gatherGitFacts(worktree)).toMatchObject({
      repository: { state: "ok" },
      branch: { name: "side" },
    })
    await rm(join(repo.directory, ".git"), { recursive: true })
    const facts = await gatherGitFacts(worktree)
    expect(facts.repository.state).toBe("worktree-file")
    expect(facts.notices[0]?.message).toContain(
      `points to ${repo.directory}/.git/worktrees/tree, which was not uploaded`,
    )
  })

  test("damaged", async () => {
    const repo = await twoCommits()
    await rm(join(repo.directory, ".git/HEAD"))
    expect((await gatherGitFacts(repo.directory)).repository.state).toBe("unreadable")
  })

  test("files elsewhere", async () => {
    const repo = await twoCommits()
    await repo.git("config", "core.worktree", await temporaryFolder())
    expect((await gatherGitFacts(repo.directory)).repository.state).toBe("not-the-root")
  })
})

describe("HEAD that names a commit which cannot be read is not an empty repository", () => {
  test.each([
    ["--reference, by its path", undefined],
    ["--shared, by a path from its own objects", "../../../stack-test-origin/.git/objects"],
  ])("objects borrowed by clone %s, which were not uploaded", async (_name, relative) => {
    const origin = await twoCommits()
    const clone = await origin.clone("--no-checkout", "--reference", origin.directory)
    const own = join(clone.directory, ".git/objects")
    if (relative !== undefined) await writeFile(join(own, "info/alternates"), `# moved\n${relative}\n`)
    await rm(origin.directory, { recursive: true })
    const lost = resolve(own, relative ?? join(origin.directory, ".git/objects"))
    expect((await gatherGitFacts(clone.directory)).repository).toEqual({
      state: "unreadable",
      why: expect.stringContaining(
        `the repository's objects lie in ${lost}, which was not uploaded`,
      ) as string,
    })
  })

  test("its branch is gone", async () => {
    const repo = await twoCommits()
    await repo.git("branch", "other")
    await repo.git("update-ref", "-d", "refs/heads/main")
    const { repository } = await gatherGitFacts(repo.directory)
    expect(repository).toEqual({
      state: "unreadable",
      why: "HEAD names refs/heads/main, which is gone or has no commit yet",
    })
  })

  test("its branch is a file that a crash left empty", async () => {
    const repo = await twoCommits()
    await writeFile(join(repo.directory, ".git/refs/heads/main"), "")
    const { repository } = await gatherGitFacts(repo.directory)
    expect(repository).toEqual({
      state: "unreadable",
      why: "HEAD names a branch that cannot be read: its file in .git/refs is empty or damaged",
    })
  })

  test("its commit is missing", async () => {
    const repo = await twoCommits()
    const head = await repo.git("rev-parse", "HEAD")
    await removeObject(repo, head)
    const { repository } = await gatherGitFacts(repo.directory)
    expect(repository).toEqual({
      state: "unreadable",
      why: expect.stringContaining(`HEAD names the commit ${head}, which cannot be read: `) as string,
    })
  })
})

describe("objects that are missing make the changes unknown, in git's words", () => {
  test("trees of a treeless clone that may not fetch them", async () => {
    const origin = await twoCommits({ "images/left/a": "1" })
    await origin.git("config", "uploadpack.allowFilter", "true")
    const clone = await origin.clone("--filter=tree:0")
    await clone.write({ "images/base/Dockerfile": "FROM other" })
    const facts = await gatherGitFacts(clone.directory)
    const why = expect.stringMatching(/^git cannot say what changed: .*fatal: could not fetch/) as string
    expect(facts).toMatchObject({
      repository: { state: "ok" },
      head: { message: "Second" },
      branch: { name: "main" },
      base: { kind: "previous-commit" },
      changes: { kind: "unknown", why },
      notices: [{ kind: "uncommitted-changes" }, { kind: "changes-unknown", message: why }],
    })
    expect(facts.dirty).toEqual([{ path: "images/base/Dockerfile", status: "modified" }])
  })

  test.each([
    ["the base's tree", "HEAD~1^{tree}"],
    ["the head's tree", "HEAD^{tree}"],
    ["the first commit's tree", "first^{tree}"],
  ])("%s of a damaged repository", async (_name, object) => {
    const repo = await twoCommits()
    const first = await repo.git("rev-parse", "HEAD~1")
    await repo.git("tag", "first", first)
    if (object.startsWith("first")) await repo.git("checkout", "--quiet", "-B", "main", "first")
    await removeObject(repo, await repo.git("rev-parse", object))
    const facts = await gatherGitFacts(repo.directory)
    const why = expect.stringMatching(/^git cannot say what changed: .*fatal: /) as string
    expect(facts).toMatchObject({ repository: { state: "ok" }, changes: { kind: "unknown", why } })
    expect(facts.notices).toContainEqual({ kind: "changes-unknown", message: why })
  })

  test("an index that is damaged", async () => {
    const repo = await twoCommits()
    await writeFile(join(repo.directory, ".git/index"), "what?")
    const facts = await gatherGitFacts(repo.directory)
    const why = expect.stringMatching(/^git cannot say what changed: .*index file/) as string
    expect(facts).toMatchObject({
      head: { message: "Second" },
      changes: { kind: "unknown", why },
      dirty: [],
      untracked: [],
    })
    expect(facts.notices).toEqual([{ kind: "changes-unknown", message: why }])
  })

  test("a commit between the head and the base", async () => {
    const repo = await twoCommits()
    const shared = await repo.git("rev-parse", "HEAD~1")
    await repo.git("switch", "--quiet", "--create", "topic")
    for (const name of ["a", "b"]) await repo.commit(name, { [name]: name })
    await removeObject(repo, shared)
    const { base, changes, notices } = await gatherGitFacts(repo.directory)
    const why = expect.stringContaining(`Could not read ${shared}`) as string
    expect({ base, changes }).toEqual({ base: { kind: "none", why }, changes: { kind: "unknown", why } })
    expect(notices).toContainEqual({ kind: "changes-unknown", message: why })
  })
})

/** Takes a loose object away, as a damaged file system does. */
async function removeObject(repo: GitRepo, id: string): Promise<void> {
  await rm(join(repo.directory, ".git/objects", id.slice(0, 2), id.slice(2)))
}

describe("the head commit", () => {
  test("message, times in UTC, parents", async () => {
    const repo = await twoCommits()
    const first = await repo.git("rev-parse", "HEAD")
    const sha = await repo.commit("Zwölf: full rebuild\n\nA body.\n\nMore of it.")
    expect((await gatherGitFacts(repo.directory)).head).toEqual({
      sha,
      parents: [first],
      message: "Zwölf: full rebuild\n\nA body.\n\nMore of it.",
      authorTime: "2026-10-01T08:00:00.000Z",
      committerTime: "2026-10-02T08:00:00.000Z",
    })
  })

  test("a repository with SHA-256 ids", async () => {
    const repo = await GitRepo.create({ init: ["--object-format=sha256"] })
    await repo.commit("First", { a: "1" })
    const sha = await repo.commit("Second", { a: "2" })
    expect((await gatherGitFacts(repo.directory)).head?.sha).toBe(sha)
  })

  test.each([
    ["https://user:secret@github.com/example/stack.git", "https://github.com/example/stack.git"],
    ["https://ghs_token@github.com/example/stack?token=1#x", "https://github.com/example/stack"],
    ["ssh://git:secret@github.com:22/example/stack", "ssh://github.com:22/example/stack"],
    ["git@github.com:example/stack.git", "github.com:example/stack.git"],
    ["/srv/git/stack@2.git", "/srv/git/stack@2.git"],
    ["https://user:se@cret@[bad/x", "https://[bad/x"],
  ])("URL %s without credentials", async (url, expected) => {
    expect(withoutCredentials(url)).toBe(expected)
    const repo = await twoCommits()
    await repo.git("config", "remote.origin.url", url)
    expect((await gatherGitFacts(repo.directory)).remoteUrl).toBe(expected)
  })
})

describe("an untrusted repository runs nothing", () => {
  test("hooks, monitor, filters, external diff, textconv, signature check", async () => {
    const repo = await twoCommits({ "a.txt": "one\n" })
    const proof = join(await temporaryFolder(), "proof")
    const command = `touch ${proof}; cat`
    await repo.write({ "a.txt": "two\n", ".gitattributes": "*.txt filter=bad.filter diff=bad\n" })
    await repo.write({
      ".git/hooks/post-index-change": `#!/bin/sh\n${command}\n`,
      ".git/hooks/fsmonitor": "#!/bin/sh\n",
    })
    await chmod(join(repo.directory, ".git/hooks/post-index-change"), 0o755)
    for (const key of [
      "core.fsmonitor",
      "core.pager",
      "core.sshCommand",
      "core.alternateRefsCommand",
      "diff.external",
      "diff.bad.textconv",
      "diff.bad.command",
      "filter.bad.filter.clean",
      "filter.bad.filter.process",
      "gpg.program",
    ]) {
      await repo.git("config", key, command)
    }
    await repo.git("config", "filter.bad.filter.required", "true")
    await repo.git("config", "log.showSignature", "true")
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.dirty).toEqual([{ path: "a.txt", status: "modified" }])
    expect(facts.notices.map(({ kind }) => kind)).toContain("unfiltered")
    await expect(stat(proof)).rejects.toThrow("ENOENT")
    // The trap works: git itself walks into it.
    await repo.git("status").catch(() => undefined)
    await expect(stat(proof)).resolves.toBeDefined()
  })

  test("files of another owner, and a hostile environment", async () => {
    const repo = await twoCommits()
    const saved = { ...process.env }
    Object.assign(process.env, { GIT_DIR: "/nonexistent", GIT_WORK_TREE: "/", LC_ALL: "de_DE.UTF-8" })
    try {
      expect((await gatherGitFacts(repo.directory)).repository.state).toBe("ok")
    } finally {
      process.env = saved
    }
    if (process.getuid?.() !== 0) return
    await promisify(execFile)("chown", ["-R", "12345:12345", repo.directory])
    expect((await gatherGitFacts(repo.directory)).repository.state).toBe("ok")
  })
})

describe("the program", () => {
  const tsx = join(import.meta.dirname, "../../../dagger/node_modules/.bin/tsx")
  const program = join(import.meta.dirname, "../../../dagger/tools/gitFacts.ts")

  test("prints what the module reads", async () => {
    const repo = await twoCommits()
    const { stdout } = await promisify(execFile)(tsx, [program, "--repo", repo.directory, "--base", ""])
    expect(readGitFacts(stdout)).toEqual(await gatherGitFacts(repo.directory))
  })

  test("facts of another version are refused", () => {
    expect(() => readGitFacts('{"version": 2}')).toThrow(/not of version 1/)
  })
})
