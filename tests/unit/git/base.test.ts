import { afterAll, describe, expect, test } from "vitest"
import type { GitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { gatherGitFacts } from "../../../dagger/tools/git/gather.js"
import { GitRepo, removeTemporaryFolders } from "../../support/gitRepo.js"

afterAll(removeTemporaryFolders)

function changedPaths(facts: GitFacts): readonly string[] | string {
  return facts.changes.kind === "known" ? facts.changes.files.map(({ path }) => path) : facts.changes.why
}

function noticeKinds(facts: GitFacts): readonly string[] {
  return facts.notices.map(({ kind }) => kind)
}

/** main with two commits, and a branch of two more that is checked out. */
async function branched(): Promise<GitRepo> {
  const repo = await GitRepo.create()
  await repo.commit("First", { "spec.yml": "1" })
  await repo.commit("Second", { "images/base/Dockerfile": "FROM scratch" })
  await repo.git("switch", "--quiet", "--create", "feature")
  await repo.commit("Third", { "images/left/a": "1" })
  await repo.commit("Fourth", { "images/right/b": "1" })
  return repo
}

describe("what the head is compared with", () => {
  test("a branch: all its commits since it left main, not only the last one", async () => {
    const repo = await branched()
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.base).toMatchObject({
      kind: "merge-base",
      ref: "main",
      commit: await repo.git("rev-parse", "main"),
    })
    expect(changedPaths(facts)).toEqual(["images/left/a", "images/right/b"])
    expect(facts.branch).toEqual({ kind: "branch", name: "feature", given: false })
    expect(facts.notices).toEqual([])
  })

  test("main's own commits after the branch left do not count", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "main")
    await repo.commit("Elsewhere", { "images/base/new": "1" })
    await repo.git("switch", "--quiet", "feature")
    expect(changedPaths(await gatherGitFacts(repo.directory))).toEqual(["images/left/a", "images/right/b"])
  })

  test("origin/main goes before a local main that is old", async () => {
    const origin = await branched()
    const clone = await origin.clone("--branch=feature")
    await clone.git("branch", "main", "origin/main~1")
    const facts = await gatherGitFacts(clone.directory)
    expect(facts.base).toMatchObject({ kind: "merge-base", ref: "origin/main" })
    expect(changedPaths(facts)).toEqual(["images/left/a", "images/right/b"])
  })

  test("another base by name, as GitHub gives it for a pull request", async () => {
    const repo = await branched()
    await repo.git("branch", "develop", "HEAD~1")
    const facts = await gatherGitFacts(repo.directory, { base: "develop" })
    expect(facts.base).toMatchObject({ kind: "merge-base", ref: "develop" })
    expect(changedPaths(facts)).toEqual(["images/right/b"])
  })

  test("on main: the previous commit", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "main")
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.base).toMatchObject({
      kind: "previous-commit",
      commit: await repo.git("rev-parse", "main~1"),
    })
    expect(changedPaths(facts)).toEqual(["images/base/Dockerfile"])
  })

  test("a push of several commits to main: from where it was before", async () => {
    const repo = await branched()
    const before = await repo.git("rev-parse", "main~1")
    await repo.git("switch", "--quiet", "main")
    await repo.git("merge", "--quiet", "--ff-only", "feature")
    const facts = await gatherGitFacts(repo.directory, { previous: before })
    expect(facts.base).toMatchObject({ kind: "push", commit: before })
    expect(changedPaths(facts)).toEqual(["images/base/Dockerfile", "images/left/a", "images/right/b"])
  })

  test("a new branch on main's tip has changed nothing", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "--create", "fresh", "main")
    const facts = await gatherGitFacts(repo.directory, { previous: "0".repeat(40) })
    expect(changedPaths(facts)).toEqual([])
    expect(noticeKinds(facts)).toEqual(["new-branch"])
  })

  test("first commit: everything is new", async () => {
    const repo = await GitRepo.create()
    await repo.commit("First", { "spec.yml": "1", "images/ünï code/Dockerfile": "FROM scratch" })
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.base.kind).toBe("first-commit")
    expect(changedPaths(facts)).toEqual(["images/ünï code/Dockerfile", "spec.yml"])
    expect(noticeKinds(facts)).toEqual(["first-commit"])
  })

  test("merge commit on main: what the merge brought in", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "main")
    await repo.git("merge", "--quiet", "--no-ff", "--message=Merge", "feature")
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.head?.parents).toHaveLength(2)
    expect(changedPaths(facts)).toEqual(["images/left/a", "images/right/b"])
    expect(noticeKinds(facts)).toEqual(["merge-commit"])
  })

  test("pull request checkout: a detached merge into main, branch named by the caller", async () => {
    const origin = await branched()
    const clone = await origin.clone()
    await clone.git("checkout", "--quiet", "--detach", "origin/main")
    await clone.git("merge", "--quiet", "--no-ff", "--message=Merge", "origin/feature")
    const facts = await gatherGitFacts(clone.directory, { branch: "feature", base: "main" })
    expect(facts.branch).toEqual({ kind: "branch", name: "feature", given: true })
    expect(facts.merged).toEqual({ sha: await clone.git("rev-parse", "origin/feature"), message: "Fourth" })
    expect(changedPaths(facts)).toEqual(["images/left/a", "images/right/b"])
  })

  test("detached head: said, and main's tip counts as main", async () => {
    const repo = await branched()
    await repo.git("checkout", "--quiet", "--detach", "main")
    const facts = await gatherGitFacts(repo.directory)
    expect(facts.branch.kind).toBe("detached")
    expect(noticeKinds(facts)).toEqual(["detached-head"])
    expect(facts.base.kind).toBe("previous-commit")
  })
})

describe("where git cannot say what changed, it says why", () => {
  test("shallow clone of main", async () => {
    const clone = await (await branched()).clone("--depth=1", "--branch=main")
    const facts = await gatherGitFacts(clone.directory)
    expect(facts).toMatchObject({ shallow: true, base: { kind: "none" } })
    expect(changedPaths(facts)).toMatch(
      /previous commit is not in this clone, which is shallow: fetch the whole/,
    )
    expect(noticeKinds(facts)).toEqual(["shallow"])
  })

  test("shallow clone of a branch", async () => {
    const clone = await (await branched()).clone("--depth=1", "--branch=feature")
    const facts = await gatherGitFacts(clone.directory)
    expect(noticeKinds(facts)).toEqual(["shallow", "base-missing"])
    expect(changedPaths(facts)).toMatch(/neither origin\/main nor main .* shallow/)
  })

  test("shallow clone with main's tip but not the commit they share", async () => {
    const clone = await (await branched()).clone("--depth=1", "--branch=feature", "--no-single-branch")
    const facts = await gatherGitFacts(clone.directory)
    expect(noticeKinds(facts)).toEqual(["shallow", "no-common-history"])
  })

  test("no main branch", async () => {
    const repo = await branched()
    await repo.git("branch", "--quiet", "--delete", "--force", "main")
    const facts = await gatherGitFacts(repo.directory)
    expect(noticeKinds(facts)).toEqual(["base-missing"])
    expect(changedPaths(facts)).toMatch(
      /neither origin\/main nor main is in this clone: name another with --base/,
    )
  })

  test("a base that does not exist, or looks like an option", async () => {
    const repo = await branched()
    for (const base of ["nowhere", "--help"]) {
      expect(changedPaths(await gatherGitFacts(repo.directory, { base }))).toContain(`origin/${base}`)
    }
  })

  test("unrelated histories", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "--orphan", "other")
    await repo.commit("One", { a: "1" })
    await repo.commit("Two", { b: "1" })
    expect(noticeKinds(await gatherGitFacts(repo.directory))).toEqual(["no-common-history"])
  })
})

describe("force push", () => {
  test("of main: from the last commit that both histories share", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "main")
    const shared = await repo.git("rev-parse", "main~1")
    const before = await repo.git("rev-parse", "main")
    await repo.git("reset", "--quiet", "--hard", shared)
    await repo.commit("Instead", { "images/other/a": "1" })
    await repo.commit("And more", { "images/other/b": "1" })
    const facts = await gatherGitFacts(repo.directory, { previous: before })
    expect(facts.base).toMatchObject({ kind: "push", commit: shared })
    expect(changedPaths(facts)).toEqual(["images/other/a", "images/other/b"])
    expect(noticeKinds(facts)).toEqual(["force-push"])
  })

  test("of main, the old commit gone: the previous commit, and said", async () => {
    const repo = await branched()
    await repo.git("switch", "--quiet", "main")
    const facts = await gatherGitFacts(repo.directory, { previous: "1".repeat(40) })
    expect(facts.base.kind).toBe("previous-commit")
    expect(noticeKinds(facts)).toEqual(["force-push"])
  })

  test("of a branch: still compared with main", async () => {
    const repo = await branched()
    const before = await repo.git("rev-parse", "HEAD")
    await repo.git("commit", "--quiet", "--amend", "--message=Reworded")
    const facts = await gatherGitFacts(repo.directory, { previous: before })
    expect(facts.base.kind).toBe("merge-base")
    expect(noticeKinds(facts)).toEqual(["force-push"])
  })

  test("an ordinary push is not one", async () => {
    const repo = await branched()
    const facts = await gatherGitFacts(repo.directory, { previous: await repo.git("rev-parse", "HEAD~1") })
    expect(facts.notices).toEqual([])
  })
})
