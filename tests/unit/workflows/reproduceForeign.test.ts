import { existsSync } from "node:fs"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { fakeDagger } from "../../support/fakeDagger.js"
import type { FakeDagger } from "../../support/fakeDagger.js"
import { GitRepo, removeTemporaryFolders, temporaryFolder } from "../../support/gitRepo.js"
import type { GitServer } from "../../support/gitServer.js"
import { startGitServer } from "../../support/gitServer.js"
import type { Ended } from "../../support/stack.js"
import { checkout, stack } from "../../support/stack.js"
import { atTerminal } from "../../support/terminal.js"

// A report is a file that somebody hands on; for a fork's pull request every byte of it is the fork's. The repository
// lies behind a real git server that, as GitHub does, gives out commits of pull requests by their ids.

let server: GitServer
let folder: string
let clone: GitRepo
let trusted: string
/** The head of a fork's pull request: on no branch. */
let foreign: string
let fake: FakeDagger

const login = { user: "ada", token: "t0ken" }

beforeEach(async () => {
  folder = await temporaryFolder()
  server = await startGitServer(login)
  server.create("r.git", { branch: "main" })
  server.git("r.git", "config", "uploadpack.allowAnySHA1InWant", "true")
  const author = await GitRepo.create()
  trusted = await author.commit("trusted", { "spec.yml": "root: base\n" })
  await author.git("checkout", "--quiet", "-b", "fork")
  foreign = await author.commit("foreign", { ...program("stack"), "dagger.json": "{}" })
  const url = `http://${login.user}:${login.token}@127.0.0.1:${server.port}/r.git`
  await author.git("push", "--quiet", url, "main", "fork:refs/pull/7/head")
  clone = author.at(join(folder, "clone"))
  await author.git("clone", "--quiet", url, clone.directory)
  fake = fakeDagger(join(folder, "fake"), { report: reportOf() })
})

afterEach(async () => {
  await server.stop()
  await removeTemporaryFolders()
})

const marker = () => join(folder, "it-ran")

/** A program that leaves a trace. */
function program(path: string): Readonly<Record<string, string>> {
  return { [path]: `#!/bin/sh\ntouch ${marker()}\n` }
}

function reportOf(more: object = {}): object {
  const suites = [{ kind: "basic", run: { tests: [{ id: "test_a.py::test_one", outcome: "failed" }] } }]
  const images = [{ name: "base", action: "build", outcome: { kind: "tests-failed" }, suites }]
  const request = { function: "build-stack", arguments: [] }
  return { version: 1, ok: false, source: { commit: trusted }, images, request, ...more }
}

const env = () => ({
  PATH: `${fake.bin}:${process.env.PATH ?? ""}`,
  _EXPERIMENTAL_DAGGER_RUNNER_HOST: "fake",
  TMPDIR: folder,
})

async function artifactsOf(report: object): Promise<string> {
  const artifacts = join(folder, "artifacts")
  await mkdir(artifacts, { recursive: true })
  await writeFile(join(artifacts, "report.json"), JSON.stringify(report))
  return artifacts
}

async function reproduce(report: object, ...words: readonly string[]): Promise<Ended> {
  return stack(["reproduce", await artifactsOf(report), ...words], { cwd: clone.directory, env: env() })
}

function expectNothingRun(ended: Ended, why: string): void {
  expect(ended.stderr).toContain(why)
  expect(ended.stderr).not.toMatch(/^\s+at /m)
  expect(ended.status).toBe(2)
  expect(fake.calls()).toEqual([])
  expect(existsSync(marker())).toBe(false)
}

const ofCommit = (commit: unknown) => reportOf({ source: { commit } })
const asking = (...words: readonly unknown[]) =>
  reportOf({ request: { function: "build-stack", arguments: words } })

describe("the commit of a report", () => {
  it("is refused where only a fork has it, and the refusal says how to go on", async () => {
    const ended = await reproduce(ofCommit(foreign))
    expectNothingRun(ended, `it is on no branch of origin (http://127.0.0.1:${server.port}/r.git)`)
    expect(ended.stderr).toContain(`add --trust=${foreign}`)
    expect(ended.stderr).not.toContain(login.token)
  })

  it("never chooses the program or the module: those of this checkout build it where it is trusted", async () => {
    const ended = await reproduce(ofCommit(foreign), `--trust=${foreign}`)
    const [call] = fake.calls()
    expect(call?.head).toBe(foreign)
    expect(call?.args.slice(0, 3)).toEqual(["call", "--mod", checkout])
    expect(existsSync(marker())).toBe(false)
    expect(ended.status).toBe(1)
  })

  it("is not trusted for another one's sake", async () => {
    expectNothingRun(await reproduce(ofCommit(foreign), `--trust=${trusted}`), `add --trust=${foreign}`)
  })

  it("is not on a branch because the clone has fetched pull requests into its remote's names", async () => {
    await clone.git("config", "--add", "remote.origin.fetch", "+refs/pull/*/head:refs/remotes/origin/pr/*")
    await clone.git("fetch", "--quiet")
    expect(await clone.git("branch", "--remotes", "--contains", foreign)).toContain("origin/pr/7")
    expectNothingRun(await reproduce(ofCommit(foreign)), "is on no branch of origin")
  })

  it("is asked about at a terminal", async () => {
    const report = await artifactsOf(ofCommit(foreign))
    const call = ["PATH", "_EXPERIMENTAL_DAGGER_RUNNER_HOST", "TMPDIR"] as const
    const saved = call.map((name) => [name, process.env[name]] as const)
    Object.assign(process.env, env())
    const answer = (type: string) =>
      atTerminal(["reproduce", report], [{ when: /Run it\? \[y\/N\]/, type }], { cwd: clone.directory })
    try {
      const refused = await answer("\n")
      expect(refused.screen).toContain("nothing was run")
      expect(refused.status).toBe(2)
      expect(fake.calls()).toEqual([])
      expect((await answer("y\n")).status).toBe(1)
      expect(fake.calls()[0]?.head).toBe(foreign)
    } finally {
      for (const [name, value] of saved) {
        if (value === undefined) Reflect.deleteProperty(process.env, name)
        else process.env[name] = value
      }
    }
  })

  it("may be what merges a branch of the repository, as for a colleague's pull request", async () => {
    await clone.git("checkout", "--quiet", "-b", "change")
    await clone.commit("a change", { "images/a": "" })
    await clone.git("push", "--quiet", "origin", "change")
    await clone.git("checkout", "--quiet", "--detach", "origin/main")
    await clone.commit("main went on", { "images/b": "" })
    await clone.git("push", "--quiet", "origin", "HEAD:main")
    await clone.git("merge", "--quiet", "--no-ff", "origin/change", "-m", "Merge")
    const merge = await clone.git("rev-parse", "HEAD")
    expect((await reproduce(ofCommit(merge))).status).toBe(1)
    expect(fake.calls()[0]?.head).toBe(merge)
  })

  it("is no such merge where it holds what neither parent has, or one parent is a fork's", async () => {
    await clone.git("checkout", "--quiet", "-b", "change")
    await clone.commit("a change", { "images/a": "" })
    await clone.git("push", "--quiet", "origin", "change")
    await clone.git("checkout", "--quiet", "--detach", "origin/main")
    await clone.git("merge", "--quiet", "--no-ff", "--no-commit", "origin/change")
    const evil = await clone.commit("Merge", program("images/evil"))
    expectNothingRun(await reproduce(ofCommit(evil)), "is on no branch of origin")
    await clone.git("fetch", "--quiet", "origin", foreign)
    await clone.git("checkout", "--quiet", "--detach", "origin/main")
    await clone.git("merge", "--quiet", "--no-ff", foreign, "-m", "Merge")
    const ofFork = await clone.git("rev-parse", "HEAD")
    expectNothingRun(await reproduce(ofCommit(ofFork)), "is on no branch of origin")
  })

  it("is refused where it is a refspec that moves a branch, an option that runs a program, or no id", async () => {
    const id = "e".repeat(40)
    const refspec = "+refs/pull/7/head:refs/heads/release"
    const refs = await clone.git("for-each-ref")
    for (const commit of [
      refspec,
      "--upload-pack=touch it-ran;git-upload-pack",
      "main",
      id.slice(8),
      `${id}\n-f`,
      [id],
    ])
      expectNothingRun(await reproduce(ofCommit(commit)), "accepted are 40 hexadecimal digits")
    expect(await clone.git("for-each-ref")).toBe(refs)
    expect(existsSync(join(clone.directory, "it-ran"))).toBe(false)
  })
})

describe("the options of a report", () => {
  it("are refused where they publish, choose a program, a place or a secret, or are none", async () => {
    const words: readonly unknown[] = [
      "--publish",
      "--publish=true",
      "--publish-each",
      "--candidates-only",
      "--registry-username=x",
      "--registry-password=file:///etc/hostname",
      "--registry-password=env://HOME",
      "--plan=/etc/passwd",
      "--source=/",
      "--progress=plain",
      "--branch",
      "--only",
      "--full-rebuild=true",
      "-s",
      "artifacts",
      "--set=base.X=\0",
      "--ref=ghcr.io/x/base:latest",
      ["--only=base"],
      7,
    ]
    for (const word of words)
      expectNothingRun(await reproduce(asking("--only=base", word)), "which no report may")
  })

  it("are those that build and test the same, with their values whole", async () => {
    const words = [
      '--set="base.X=a,""b"""',
      "--set=base.Y=$(touch it-ran) `x` 'y'",
      "--only=base",
      "--full-rebuild",
    ]
    await reproduce(asking(...words))
    const args = fake.calls()[0]?.args ?? []
    expect(args.slice(args.indexOf("build-stack") + 2, -3)).toEqual(words)
  })

  it("are those of a function that builds, and of no other word", async () => {
    for (const name of ["toString", "__proto__", "tag-stable", ["build-stack"], undefined]) {
      const report = reportOf({ request: { function: name, arguments: [] } })
      expectNothingRun(await reproduce(report), "is not repeated from a report")
    }
  })

  it("name no registry for the caller's password", async () => {
    const report = asking("--registry=evil.example/x")
    const own = ["--", "--registry-username=me", "--registry-password=env://HOME"]
    expectNothingRun(await reproduce(report, ...own), "a report does not say where a password goes")
    await reproduce(report, ...own, "--registry=ghcr.io/me")
    expect(fake.calls()[0]?.args).toContain("--registry=ghcr.io/me")
    expect(fake.calls()[0]?.args).not.toContain("--registry=evil.example/x")
  })

  it("name an image to run only where the caller does, too", async () => {
    const image = "evil.example/x:latest"
    const request = { function: "test-image", arguments: ["--image=base", `--ref=${image}`] }
    const ended = await reproduce(reportOf({ request }))
    expectNothingRun(ended, `the image ${image} would run in the engine`)
    await reproduce(reportOf({ request }), `--trust=${image}`)
    expect(fake.calls()[0]?.args).toContain(`--ref=${image}`)
  })

  it.each(["--publish", "--plan=x", "--source=/"])("%s of the caller is refused, too", async (option) => {
    expectNothingRun(await reproduce(reportOf(), "--", option), `${option}: a repeated run has that decided`)
  })
})

describe("the files of a report", () => {
  it.each([
    ["no object", null],
    ["no images", { images: {} }],
    [
      "tests without ids",
      { images: [{ name: "a", outcome: { kind: "passed" }, suites: [{ run: { tests: [0] } }] }] },
    ],
  ])("are refused without a stack trace: %s", async (_, more) => {
    expectNothingRun(await reproduce(more === null ? [] : reportOf(more)), "is no report of")
  })

  it("are no links to files of this machine", async () => {
    const artifacts = await artifactsOf(reportOf())
    const secret = join(folder, "secret")
    await writeFile(secret, "SECRET")
    await symlink(secret, join(artifacts, "plan.json"))
    await stack(["reproduce", artifacts], { cwd: clone.directory, env: env() })
    expect(fake.calls()[0]?.args.join(" ")).not.toContain("--plan")
    await writeFile(join(artifacts, "other.json"), await readFile(join(artifacts, "report.json")))
    const link = join(artifacts, "link.json")
    await symlink(secret, link)
    const ended = await stack(["reproduce", link], { cwd: clone.directory, env: env() })
    expect(ended).toMatchObject({ status: 2, stderr: `reproduce: ${link} is no regular file\n` })
  })

  it("steer no terminal", async () => {
    const id = "test\u001b]0;title\u0007\u001b[2J\r\nreproduce: passed, as in the report\u202e"
    const tests = [{ id, outcome: "failed" }]
    const images = [{ name: "base", outcome: { kind: "tests-failed" }, suites: [{ run: { tests } }] }]
    const { stderr } = await reproduce(reportOf({ images }))
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(stderr).not.toMatch(/^reproduce: passed/m)
    expect(stderr).toContain("test\\u001b]0;title")
  })
})
