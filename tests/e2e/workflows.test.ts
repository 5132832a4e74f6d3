import { existsSync, readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { parentsIn, readPlan } from "../../dagger/lib/plan/planDocument.js"
import type { WorkflowRun } from "../support/runner.js"
import { checkout, run, stack } from "../support/stack.js"
import { dispatchEvent, pullRequestEvent, pushEvent } from "../support/workflowEvents.js"
import { workflowWorld } from "../support/workflowWorld.js"
import type { WorkflowWorld } from "../support/workflowWorld.js"

// One repository's life, in order: the workflows' own scripts, against an engine, a registry, a wiki and an sshd.

let world: WorkflowWorld

beforeAll(async () => {
  world = await workflowWorld()
})

afterAll(async () => {
  await world.stop()
})

/** report.json and the other files of an artifact. */
function artifact(
  { artifacts }: WorkflowRun,
  name: string,
): { readonly folder: string; readonly report: unknown } {
  const folder = join(artifacts, name)
  return { folder, report: JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) }
}

/** Steps that did not succeed, to show in a failing test. */
function trouble({ jobs }: WorkflowRun): readonly string[] {
  return [...jobs.values()].flatMap(({ steps }) =>
    steps
      .filter(({ conclusion }) => conclusion === "failure")
      .map(({ name, log }) => `${name}\n${log.slice(-4000)}`),
  )
}

/** Names of the steps that did not succeed; what they printed comes along where it is not the verdict's. */
function failedSteps(done: WorkflowRun): readonly string[] {
  return trouble(done).map((text) => (text.startsWith("Verdict\n") ? "Verdict" : text))
}

function expectNoSecrets({ log, artifacts }: WorkflowRun): void {
  const files = existsSync(artifacts) ? readdirSync(artifacts, { recursive: true, withFileTypes: true }) : []
  const texts = files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), "utf8"))
  for (const secret of world.secrets) {
    expect([log, ...texts].filter((text) => text.includes(secret))).toEqual([])
  }
}

const wikiFiles = () =>
  world.wiki.git(world.wikiName, "ls-tree", "-r", "--name-only", "HEAD").trim().split("\n")
const wikiFile = (path: string) => world.wiki.git(world.wikiName, "show", `HEAD:${path}`)
const wikiIsEmpty = () => world.wiki.git(world.wikiName, "branch", "--list").trim() === ""

describe("main.yml", () => {
  it("builds, tests and publishes a branch, and leaves the wiki alone", async () => {
    const commit = await world.repository.commit("kernel", "A new kernel", { "images/child/note": "new\n" })
    const done = await world.run("main.yml", pushEvent("kernel", commit))
    expect(trouble(done)).toEqual([])
    expect(done.conclusion).toBe("success")
    expect(await world.digest("base", "2026.4-kernel")).toMatch(/^sha256:/)
    expect(await world.digest("child", "2026.4-kernel")).toMatch(/^sha256:/)
    expect(done.jobs.get("wiki")?.conclusion).toBe("skipped")
    expect(wikiIsEmpty()).toBe(true)
    const { folder, report } = artifact(done, "build-artifacts")
    expect(report).toMatchObject({ ok: true, tag: "2026.4-kernel", source: { commit, dirty: false } })
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(["artifacts", "logs", "junit", "plan.json"]))
    expect(done.jobs.get("stack")?.summary).toBe(readFileSync(join(folder, "report.md"), "utf8"))
    expectNoSecrets(done)
  })

  it("builds and tests the pull request of a fork, and publishes nothing", async () => {
    await world.repository.commit("forked", "From outside", { "images/child/note": "forked\n" })
    const merge = await world.repository.pullRequest(7, "forked")
    const done = await world.run("main.yml", pullRequestEvent(7, merge, { branch: "main", fork: true }))
    expect(trouble(done)).toEqual([])
    expect(artifact(done, "build-artifacts").report).toMatchObject({
      ok: true,
      publish: false,
      tag: "2026.4-pull-7",
      source: { commit: merge },
    })
    expect(await world.digest("child", "2026.4-pull-7")).toBeUndefined()
    expect(await world.digest("child", "2026.4-main")).toBeUndefined()
    expect(done.jobs.get("wiki")?.conclusion).toBe("skipped")
    const summary = done.jobs.get("stack")?.summary ?? ""
    expect(summary).toContain("## What changes against `2026.4-main`")
    expect(summary).toMatch(/^\| child \| \*\*new image\*\* \|/m)
    expectNoSecrets(done)
  })

  it("shows a failing test, and ./stack reproduce fails the same way", async () => {
    const commit = await world.repository.commit("broken", "A mistake", {
      "images/child/test/test_more.py": "def test_promise():\n    assert open('/layer').read() == 'kept'\n",
    })
    const done = await world.run("main.yml", pushEvent("broken", commit))
    expect(done.conclusion).toBe("failure")
    expect(failedSteps(done)).toEqual(["Verdict"])
    expect(await world.digest("child", "2026.4-broken")).toBeUndefined()
    expect(done.jobs.get("stack")?.summary).toContain("test_promise")

    await run("git", ["checkout", "--quiet", "main"], { cwd: world.repository.folder })
    const { folder } = artifact(done, "build-artifacts")
    const clone = join(done.artifacts, "../clone")
    await run("git", ["clone", "--quiet", world.repository.folder, clone], { cwd: done.artifacts })
    const again = await stack(["reproduce", folder], {
      cwd: clone,
      env: { TMPDIR: done.artifacts },
    })
    expect(again.stderr).toMatch(/reproduced: the same fails as in the report:\n +child: \S+::test_promise\n/)
    expect(again.status).toBe(1)

    // The command that the summary ends with, in a checkout of the commit.
    await run("git", ["checkout", "--quiet", "--detach", commit], { cwd: world.repository.folder })
    const printed = /## Reproduce\n[\s\S]*```sh\n([^`]*)```\s*$/.exec(
      done.jobs.get("stack")?.summary ?? "",
    )?.[1]
    const command = printed?.replaceAll("./stack ", `${checkout}/stack `) ?? "no command"
    const typed = await run("bash", ["-c", command], { cwd: world.repository.folder })
    expect(typed.status).not.toBe(0)
    expect(typed.stderr).toContain("::test_promise")
  })

  it("publishes main, then its manifest pages", async () => {
    const commit = await world.repository.commit("main", "Merge kernel", { "images/child/note": "new\n" })
    const done = await world.run("main.yml", pushEvent("main", commit))
    expect(trouble(done)).toEqual([])
    expect(done.conclusion).toBe("success")
    expect(await world.digest("child", "2026.4-main")).toMatch(/^sha256:/)
    expect(wikiFile("Home.md")).toContain(commit.slice(0, 7))
    expect(wikiFiles().filter((path) => path.endsWith("-child-2026.4-main.md"))).toHaveLength(1)
    expectNoSecrets(done)
  })
})

describe("a pull request by the book", () => {
  it("shows in its summary which packages and how many MB change", async () => {
    const page = readFileSync(join(checkout, "docs/changing-an-image.md"), "utf8")
    const [, section = ""] = page.split("## A package more, in a pull request\n")
    const [line = "", , sample = ""] = [...section.matchAll(/^```\w*\n([^]*?)^```$/gm)].map(
      ([, text]) => text,
    )
    const path = "images/child/Dockerfile"
    const before = readFileSync(join(world.repository.folder, path), "utf8")
    await world.repository.commit("tree", "tree, to list files", { [path]: `${before}${line}` })
    const merge = await world.repository.pullRequest(8, "tree")
    const done = await world.run("main.yml", pullRequestEvent(8, merge, { branch: "tree" }))
    await run("git", ["checkout", "--quiet", "main"], { cwd: world.repository.folder })
    expect(trouble(done)).toEqual([])
    // As it is written, but for numbers and their units.
    const shape = (text: string) =>
      text
        .replaceAll(/\d[\d.]* (?:ms|s|min|h)(?: \d+ (?:s|min))?/g, "T")
        .replaceAll(/\d[\d.-]*(?: (?:B|kB|MB)\b)?/g, "N")
        .split("\n")
    const summary = shape(done.jobs.get("stack")?.summary ?? "")
    expect(summary).toEqual(expect.arrayContaining(shape(sample).filter((each) => each !== "")))
    expectNoSecrets(done)
  })
})

describe("per_image.yml", () => {
  const greeting = (word: string, expected: string) => ({
    "images/base/greeting": `${word}\n`,
    "images/base/test/test_base.py": "def test_greeting():\n    assert open('/opt/greeting').read()\n",
    "images/child/test/test_greeting.py": `def test_below():\n    assert open('/opt/greeting').read() == '${expected}\\n'\n`,
  })

  it("builds each image in a job of its own, and moves no tag where one fails", async () => {
    const commit = await world.repository.commit("slim", "Another greeting", greeting("hi", "hello"))
    const done = await world.run("per_image.yml", dispatchEvent("slim", commit))
    expect(conclusions(done)).toEqual({
      plan: "success",
      "image (base)": "success",
      "image (child)": "failure",
      publish: "skipped",
      wiki: "skipped",
    })
    expect(failedSteps(done)).toEqual(["Verdict"])
    expectBuiltAlone(done)
    expect(done.jobs.get("image (base)")?.summary).toContain(
      "published: nothing; 1 candidate waits: a run without --candidates-only tags it",
    )
    expect(await world.digest("base", "2026.4-slim")).toBeUndefined()
    expect(await world.digest("child", "2026.4-slim")).toBeUndefined()
    expectNoSecrets(done)
  })

  it("moves all tags in its last job, to what the others have tested, and writes the wiki of main", async () => {
    const commit = await world.repository.commit("main", "Another greeting", greeting("hi", "hi"))
    const done = await world.run("per_image.yml", dispatchEvent("main", commit))
    expect(trouble(done)).toEqual([])
    const { base, child } = expectBuiltAlone(done)
    expect(artifact(done, "build-artifacts").report).toMatchObject({
      ok: true,
      images: [
        { name: "base", action: "retag", published: true, digest: base, steps: [{ name: "tag" }] },
        { name: "child", action: "retag", published: true, digest: child, steps: [{ name: "tag" }] },
      ],
    })
    expect(await world.digest("base", "2026.4-main")).toBe(base)
    expect(await world.digest("child", "2026.4-main")).toBe(child)
    const [page = ""] = wikiFiles().filter((path) => path.endsWith("-child-2026.4-main.md"))
    expect(wikiFile(page)).toContain(child)
    // The job that moved the tag has not looked into the image.
    expect(wikiFile(page)).toContain("python3-pytest")
    expectNoSecrets(done)
  })

  function conclusions({ jobs }: WorkflowRun) {
    return Object.fromEntries([...jobs].map(([name, { conclusion }]) => [name, conclusion]))
  }

  /** Each job built its own image and tagged nothing; the child's took the base from where the base's had put it. */
  function expectBuiltAlone(done: WorkflowRun): { readonly base: string; readonly child: string } {
    const skipped = { action: "skip", steps: [] }
    const built = { action: "build", published: false }
    expect(artifact(done, "build-artifacts-base").report).toMatchObject({
      images: [
        { name: "base", ...built },
        { name: "child", ...skipped },
      ],
    })
    const { folder, report } = artifact(done, "build-artifacts-child")
    expect(report).toMatchObject({
      images: [
        { name: "base", ...skipped },
        { name: "child", ...built },
      ],
    })
    const base = digestIn(done, "base")
    const { steps } = readPlan(readFileSync(join(folder, "plan.json"), "utf8"))
    const child = steps.find(({ image }) => image === "child")
    expect(child && parentsIn(child)).toMatchObject([{ from: "registry", image: "base", digest: base }])
    expect(base).toMatch(/^sha256:/)
    return { base, child: digestIn(done, "child") }
  }

  function digestIn(done: WorkflowRun, name: string): string {
    const { report } = artifact(done, `build-artifacts-${name}`)
    const { images } = report as { images: readonly { readonly name: string; readonly digest?: string }[] }
    return images.find((image) => image.name === name)?.digest ?? "no digest"
  }
})

describe("the GPU test", () => {
  const failing = "def test_cuda():\n    assert False, 'no CUDA device'\n"

  it("fails with what failed on the cluster", async () => {
    await world.gpuTests(failing)
    const done = await world.run(
      "test_gpu.yml",
      dispatchEvent("main", await head(), { originalTag: "2026.4-main" }),
    )
    expect(done.conclusion).toBe("failure")
    expect(failedSteps(done)).toEqual(["Verdict"])
    expect(done.jobs.get("gpu-test")?.summary).toContain("test_cuda")
    expectNoSecrets(done)
  })

  it("keeps images from being tagged as stable", async () => {
    const before = wikiFile("Home.md")
    const done = await world.run(
      "tag.yml",
      dispatchEvent("main", await head(), { originalTag: "2026.4-main" }),
    )
    expect(done.conclusion).toBe("failure")
    expect(failedSteps(done)).toEqual(["Verdict"])
    expect(await world.digest("child", "2026.4-stable")).toBeUndefined()
    expect(wikiFile("Home.md")).toBe(before)
    expectNoSecrets(done)
  })
})

describe("tag.yml", () => {
  it("writes nothing in a dry run", async () => {
    const before = wikiFile("Home.md")
    const event = dispatchEvent("main", await head(), { originalTag: "2026.4-main", dryRun: true })
    const done = await world.run("tag.yml", event)
    expect(trouble(done)).toEqual([])
    expect(done.conclusion).toBe("success")
    expect(done.jobs.get("dry_run")?.summary).toContain("2026.4-stable")
    expect(await world.digest("child", "2026.4-stable")).toBeUndefined()
    expect(wikiFile("Home.md")).toBe(before)
  })

  it("tags what passed on the GPU, and adds it to the wiki's table", async () => {
    await world.gpuTests("def test_cuda():\n    pass\n")
    const done = await world.run(
      "tag.yml",
      dispatchEvent("main", await head(), { originalTag: "2026.4-main" }),
    )
    expect(trouble(done)).toEqual([])
    for (const image of ["base", "child"]) {
      expect(await world.digest(image, "2026.4-stable")).toBe(await world.digest(image, "2026.4-main"))
    }
    expect(wikiFile("Home.md")).toContain("2026.4-stable")
    expectNoSecrets(done)
  })
})

describe("tag_global_stable.yml", () => {
  it("puts the quarter's images into production, and rewrites the wiki's page", async () => {
    const event = dispatchEvent("main", await head(), { stablePrefix: "2026.4" })
    const done = await world.run("tag_global_stable.yml", event)
    expect(trouble(done)).toEqual([])
    for (const image of ["base", "child"]) {
      expect(await world.digest(image, "stable")).toBe(await world.digest(image, "2026.4-stable"))
    }
    expect(wikiFile("Stable_Tag.md")).toContain("2026.4-stable")
    expectNoSecrets(done)
  })
})

async function head(): Promise<string> {
  const { stdout } = await run("git", ["rev-parse", "main"], { cwd: world.repository.folder })
  return stdout.trim()
}
