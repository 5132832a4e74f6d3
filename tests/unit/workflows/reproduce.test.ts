import { mkdir, readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { FakeAnswer, FakeDagger } from "../../support/fakeDagger.js"
import { fakeDagger } from "../../support/fakeDagger.js"
import { GitRepo, removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import type { Ended } from "../../support/stack.js"
import { stack } from "../../support/stack.js"

let folder: string
let origin: GitRepo
/** The clone that it is called in. */
let repository: GitRepo
/** The commit of the report; the branch has gone on since. */
let commit: string

beforeEach(async () => {
  folder = await temporaryFolder()
  origin = await GitRepo.create()
  commit = await origin.commit("the run's", { "spec.yml": "root: base\n" })
  await origin.commit("a later one", { "spec.yml": "root: other\n" })
  repository = await origin.clone()
})

afterEach(removeTemporaryFolders)

const request = { function: "build-stack", arguments: ["--branch=main", "--set=base.X=a b"] }

/** A report of one image, with the outcome of each of its tests by id. */
function reportOf(tests: Readonly<Record<string, string>>, more: object = {}): object {
  const results = Object.entries(tests).map(([id, outcome]) => ({ id, outcome }))
  const failed = results.some(({ outcome }) => outcome !== "passed")
  const suites = [{ kind: "basic", run: { tests: results } }]
  const images = [
    { name: "base", action: "build", outcome: { kind: failed ? "tests-failed" : "passed" }, suites },
  ]
  const source = { commit, branch: "main", dirty: false }
  return { version: 1, ok: !failed, source, images, request, reproduce: "./stack ...", ...more }
}

/** Writes a run's artifacts and reproduces it with a dagger that answers so. */
async function reproduce(
  report: object,
  answer: FakeAnswer,
  {
    plan = true,
    own = [] as readonly string[],
    more = [] as readonly string[],
    cwd = repository.directory,
  } = {},
): Promise<{ readonly ended: Ended; readonly fake: FakeDagger }> {
  const artifacts = join(folder, "artifacts")
  await mkdir(artifacts, { recursive: true })
  await writeFile(join(artifacts, "report.json"), JSON.stringify(report))
  if (plan) await writeFile(join(artifacts, "plan.json"), "{}")
  const fake = fakeDagger(join(folder, "fake"), answer)
  const env = {
    PATH: `${fake.bin}:${process.env.PATH ?? ""}`,
    _EXPERIMENTAL_DAGGER_RUNNER_HOST: "fake",
    TMPDIR: folder,
  }
  return { ended: await stack(["reproduce", artifacts, ...own, ...more], { cwd, env }), fake }
}

const failed = { "base/test/test_a.py::test_one": "failed", "base/test/test_a.py::test_two": "passed" }
const passed = { "base/test/test_a.py::test_one": "passed" }

describe("./stack reproduce", () => {
  it("repeats the commit, the plan and the options, and publishes nothing", async () => {
    const { ended, fake } = await reproduce(reportOf(failed), { report: reportOf(failed) })
    const [call] = fake.calls()
    expect(call?.head).toBe(commit)
    const words = call?.args.slice(call.args.indexOf("build-stack"))
    expect(words).toEqual([
      "build-stack",
      expect.stringMatching(/^--source=.*\/source$/),
      "--set=base.X=a b",
      `--plan=${folder}/artifacts/plan.json`,
      "artifacts",
      "export",
      expect.stringMatching(/^--path=.*\/out$/),
    ])
    expect(ended.status).toBe(1)
    expect(ended.stderr).toContain(
      "reproduced: the same fails as in the report:\n  base: base/test/test_a.py::test_one\n",
    )
  })

  it("keeps the new report, not the checkout", async () => {
    const { ended } = await reproduce(reportOf(failed), { report: reportOf(failed) })
    const out = /report and logs of this run: (.*)/.exec(ended.stderr)?.[1] ?? ""
    expect(JSON.parse(await readFile(join(out, "report.json"), "utf8"))).toMatchObject({ ok: false })
    await expect(readFile(join(out, "../source/spec.yml"))).rejects.toThrow(/ENOENT/)
  })

  it("leaves the checkout that it is called in as it was", async () => {
    await repository.write({ "spec.yml": "root: unsaved\n" })
    await reproduce(reportOf(failed), { report: reportOf(failed) })
    expect(await repository.git("status", "--porcelain")).toBe("M spec.yml")
    expect(await repository.git("worktree", "list")).not.toContain("\n")
  })

  it("says so where it passes here", async () => {
    const { ended } = await reproduce(reportOf(failed), { report: reportOf(passed) })
    expect(ended.status).toBe(0)
    expect(ended.stderr).toContain("failed in the report, not here:\n  base: base/test/test_a.py::test_one")
  })

  it("tells what else fails here", async () => {
    const more = { ...failed, "base/test/test_a.py::test_two": "hung" }
    const { ended } = await reproduce(reportOf(failed), { report: reportOf(more) })
    expect(ended.status).toBe(1)
    expect(ended.stderr).toContain("fails here, too:\n  base: base/test/test_a.py::test_one")
    expect(ended.stderr).toContain("fails here, not in the report:\n  base: base/test/test_a.py::test_two")
  })

  it("compares images that do not build", async () => {
    const images = [{ name: "base", action: "build", outcome: { kind: "build-failed" }, suites: [] }]
    const report = reportOf({}, { images, ok: false })
    const { ended } = await reproduce(report, { report })
    expect(ended.stderr).toContain("the same fails as in the report:\n  base: build-failed")
  })

  it("replays no plan for the tests of one image", async () => {
    const single = reportOf(failed, { request: { function: "test-image", arguments: ["--image=base"] } })
    const { fake } = await reproduce(single, { report: single })
    expect(fake.calls()[0]?.args.join(" ")).toMatch(/ test-image --source=\S+ --image=base artifacts /)
  })

  it("hands over further options", async () => {
    const more = ["--", "--registry-password=env://TOKEN"]
    const { fake } = await reproduce(reportOf(failed), { report: reportOf(failed) }, { more })
    expect(fake.calls()[0]?.args).toContain("--registry-password=env://TOKEN")
  })

  it("fetches a commit that the clone does not have", async () => {
    commit = await origin.commit("pushed since", { "spec.yml": "root: base\n" })
    const refs = await repository.git("for-each-ref")
    const { ended, fake } = await reproduce(reportOf(failed), { report: reportOf(failed) })
    expect(ended.stderr).toContain(`fetching ${commit}`)
    expect(fake.calls()[0]?.head).toBe(commit)
    expect(await repository.git("for-each-ref")).toBe(refs)
  })

  it("is told of a shallow clone, whose branches end early", async () => {
    const cwd = (await origin.clone("--depth=1")).directory
    const refused = await reproduce(reportOf(failed), {}, { cwd })
    expect(refused.ended.stderr).toContain("this clone is shallow: `git fetch --unshallow`")
    const own = [`--trust=${commit}`]
    const { fake } = await reproduce(reportOf(failed), { report: reportOf(failed) }, { cwd, own })
    expect(fake.calls()[0]?.head).toBe(commit)
  })

  it("works in a worktree, whose .git the engine does not understand", async () => {
    const worktree = join(folder, "worktree")
    await repository.git("worktree", "add", "--quiet", "--detach", worktree)
    const { fake } = await reproduce(reportOf(failed), { report: reportOf(failed) }, { cwd: worktree })
    expect(fake.calls()[0]?.head).toBe(commit)
  })

  it("tells of uncommitted changes, and does not repeat a plan that was made for them", async () => {
    const report = reportOf(failed, { source: { commit, branch: "main", dirty: true } })
    const { ended, fake } = await reproduce(report, { report: reportOf(failed) })
    expect(ended.stderr).toContain("changes that no commit holds")
    expect(fake.calls()[0]?.args.join(" ")).toContain("--branch=main")
    expect(fake.calls()[0]?.args.join(" ")).not.toContain("--plan")
  })

  it.each<[string, () => object, string]>([
    [
      "a commit that is nowhere",
      () => reportOf(failed, { source: { commit: "e".repeat(40) } }),
      "is neither in",
    ],
    ["no commit", () => reportOf(failed, { source: {} }), "names no commit"],
    ["another version", () => reportOf(failed, { version: 2 }), "no report of version 1"],
    [
      "a promotion",
      () => reportOf({}, { request: { function: "tag-stable" } }),
      "report of tag-stable, which acts on what others use",
    ],
    ["a run that was skipped", () => reportOf({}, { skippedByRequest: "skip ci" }), "did nothing: skip ci"],
  ])("refuses %s", async (_, report, message) => {
    const { ended, fake } = await reproduce(report(), { report: {} })
    expect(ended.status).toBe(2)
    expect(ended.stderr).toContain(message)
    expect(fake.calls()).toEqual([])
  })

  it("fails where the call itself fails", async () => {
    const { ended } = await reproduce(reportOf(failed), {})
    expect(ended.status).toBe(2)
    expect(ended.stderr).toContain("the call itself failed (exit status 1)")
    expect((await readdir(folder)).filter((name) => name.startsWith("stack-reproduce-"))).toEqual([])
  })

  it("asks for a terminal before it starts", async () => {
    const { ended, fake } = await reproduce(reportOf(failed), {}, { more: ["--terminal"] })
    expect(ended.status).toBe(2)
    expect(ended.stderr).toContain("--terminal needs a terminal")
    expect(fake.calls()).toEqual([])
  })

  it.each([[["a", "b"]], [["--fast", "a"]], [[]]])("refuses the arguments %j", async (words) => {
    const ended = await stack(["reproduce", ...words], { cwd: folder })
    expect(ended.status).toBe(2)
    expect(ended.stderr).toContain("Usage: ./stack reproduce")
  })
})
