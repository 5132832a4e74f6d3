import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { starterTexts } from "../../../dagger/lib/starter/starter.js"
import type { DaggerCall, FakeAnswer } from "../../support/fakeDagger.js"
import type { RunnerSettings, WorkflowRun } from "../../support/runner.js"
import { checkout, run } from "../../support/stack.js"
import { parseWorkflow } from "../../support/workflow.js"
import type { WorkflowEvent } from "../../support/workflowEvents.js"
import {
  dispatchEvent,
  mergeGroupEvent,
  pullRequestEvent,
  pushEvent,
  scheduleEvent,
  upstream,
  workflowRunEvent,
} from "../../support/workflowEvents.js"
import type { RecordedRun } from "../../support/workflowRecorder.js"
import { WorkflowRecorder } from "../../support/workflowRecorder.js"
import type { WorkflowRepository } from "../../support/workflowRepository.js"
import { workflowRepository } from "../../support/workflowRepository.js"

// The workflows that new-stack writes, which call those of the tool's repository.

const tool = "tools/stack"
let recorder: WorkflowRecorder
let server: string
let toolRepository: WorkflowRepository
let called: string
let repository: WorkflowRepository
let commit: string
let texts: ReadonlyMap<string, string>

beforeAll(async () => {
  server = mkdtempSync(join(tmpdir(), "server-"))
  toolRepository = await workflowRepository([".github", "dagger.json", "lib"])
  called = await toolRepository.commit("main", "the one that is called", { "README.md": "called" })
  await toolRepository.commit("main", "a newer one, which breaks everything", {
    ".github/call.sh": "exit 66\n",
    ".github/workflows/main.yml": "broken",
  })
  mkdirSync(join(server, "tools"))
  symlinkSync(toolRepository.folder, join(server, tool))
  texts = starterTexts({
    name: "physics",
    registry: "ghcr.io/my-university",
    prefix: "2026.4",
    mainBranch: "main",
    module: `${tool}@${called}`,
  })
  // Scripts of the same names are the stack's own business, whoever wrote them: a fork's pull request may.
  const scripts = ["call", "install-dagger", "job-summary", "review-comment", "propose-locks"]
  const strange = scripts.map((name) => [`.github/${name}.sh`, "exit 67\n"] as const)
  repository = await workflowRepository(["LICENSE"], Object.fromEntries<string>([...texts, ...strange]))
  commit = await repository.commit("main", "second", { "notes.txt": "text" })
  recorder = new WorkflowRecorder({
    origin: repository.folder,
    serverUrl: `file://${server}`,
    secrets: { DSMLP_LOGIN_PASSWORD: "a $ecret", OTHER: "another $ecret" },
  })
})

afterAll(async () => {
  await recorder.remove()
  rmSync(server, { recursive: true })
  await repository.remove()
  await toolRepository.remove()
})

async function record(
  file: string,
  event: WorkflowEvent,
  settings: Partial<RunnerSettings> = {},
  change = (text: string) => text,
  answer?: FakeAnswer,
): Promise<RecordedRun> {
  const text = texts.get(`.github/workflows/${file}`) ?? file
  return recorder.record(parseWorkflow(change(text), "own.yml"), event, { ...settings, answer })
}

/** Options and words of a call, without those that are always the same. */
function wordsOf(call: DaggerCall | undefined): readonly string[] {
  const always = ["call", "-m", "--progress=plain", "--source=.", "artifacts", "export", "--path=out"]
  const args = call?.args.filter((word) => !always.includes(word) && !word.includes("=env://")) ?? []
  return args.filter((word) => word !== moduleOf(call))
}

function moduleOf(call: DaggerCall | undefined): string {
  return call?.args[call.args.indexOf("-m") + 1] ?? ""
}

const jobs = ({ jobs: all }: WorkflowRun) =>
  Object.fromEntries([...all].map(([id, { conclusion }]) => [id, conclusion]))

describe("build.yml", () => {
  it("calls the tool's workflow at its commit, on the stack's checkout", async () => {
    const { run: done, calls } = await record("build.yml", pushEvent("new-kernel", commit))
    expect(done.conclusion, done.log).toBe("success")
    expect(jobs(done)).toEqual({ "stack / stack": "success", "stack / wiki": "skipped" })
    expect(done.jobs.get("stack / stack")?.check).toBe("Stack / Build and publish")
    expect(calls).toHaveLength(1)
    expect(calls[0]?.args.slice(0, 2)).toEqual(["call", "-m"])
    expect(calls[0]?.args).toContain("--source=.")
    expect(calls[0]?.head).toBe(commit)
    expect(wordsOf(calls[0])).toEqual([
      "build-stack",
      "--publish=true",
      "--branch=new-kernel",
      "--full-rebuild=false",
      `--previous=${"0".repeat(40)}`,
      "--registry=ghcr.io/ucsd-ets",
      "--registry-username=ada",
      `--origin=file://${server}/${upstream}`,
    ])
    expect(calls[0]?.env.REGISTRY_PASSWORD).toBe('token {"contents":"read","packages":"write"}')
    expect(JSON.stringify(calls[0]?.env)).not.toContain("$ecret")
  })

  it("publishes by the clock, where fresh.yml calls it", async () => {
    const { run: done, calls } = await record("fresh.yml", scheduleEvent(commit))
    expect(done.conclusion, done.log).toBe("success")
    expect(jobs(done)).toEqual({ "stack / stack": "success", "stack / wiki": "success" })
    expect(wordsOf(calls[0]).slice(0, 3)).toEqual(["build-stack", "--publish=true", "--branch=main"])
  })

  it("has the module beside the checkout, as it was at the commit", async () => {
    const { calls } = await record("build.yml", pushEvent("new-kernel", commit))
    const module = moduleOf(calls[0])
    expect(module).toBe(join(calls[0]?.env.RUNNER_TEMP ?? "", "tool"))
    expect(module.startsWith(calls[0]?.env.GITHUB_WORKSPACE ?? "")).toBe(false)
    expect((await run("git", ["rev-parse", "HEAD"], { cwd: module })).stdout.trim()).toBe(called)
    expect(readFileSync(join(module, "README.md"), "utf8")).toBe("called")
    expect(existsSync(join(module, "dagger.json"))).toBe(true)
  })

  it("writes the stack's own wiki from main", async () => {
    const { run: done, calls } = await record("build.yml", pushEvent("main", commit))
    expect(jobs(done)).toEqual({ "stack / stack": "success", "stack / wiki": "success" })
    expect(wordsOf(calls[1])).toEqual([
      "publish-manifests",
      "--artifacts=build",
      `--wiki=file://${server}/${upstream}.wiki.git`,
      "--wiki-username=x-access-token",
    ])
    expect(calls[1]?.env.WIKI_TOKEN).toBe('token {"contents":"write"}')
  })

  it("gives a fork's pull request a token that reads, no secret, and nothing to publish", async () => {
    const event = pullRequestEvent(8, commit, { branch: "main", fork: true })
    const vars = { STACK_RUNNER: "our-machine" }
    const { run: done, calls } = await record("build.yml", event, { vars })
    expect(done.conclusion, done.log).toBe("success")
    expect(calls).toHaveLength(1)
    expect(wordsOf(calls[0])).toEqual(expect.arrayContaining(["--publish=false", "--branch=pull-8"]))
    expect(calls[0]?.env.REGISTRY_PASSWORD).toBe('token {"contents":"read","packages":"read"}')
    expect(JSON.stringify(calls[0]?.env)).not.toContain("$ecret")
    expect(done.jobs.get("stack / stack")?.runsOn).toBe("ubuntu-latest")
    expect(done.jobs.get("stack / wiki")?.conclusion).toBe("skipped")
  })

  it.each([
    ["a pull request", pullRequestEvent(9, "")],
    ["the merge queue", mergeGroupEvent(12, "")],
  ])("publishes nothing of %s", async (_, event) => {
    const { run: done, calls } = await record("build.yml", { ...event, sha: commit })
    expect(wordsOf(calls[0])).toContain("--publish=false")
    expect(done.jobs.get("stack / stack")?.check).toBe("Stack / Build and test")
  })

  it("fails where an image does", async () => {
    const same = (text: string) => text
    const answer = { report: { ok: false } }
    const { run: done } = await record("build.yml", pushEvent("main", commit), {}, same, answer)
    expect(jobs(done)).toEqual({ "stack / stack": "failure", "stack / wiki": "skipped" })
    expect(done.jobs.get("stack / stack")?.summary).toBe("# The report\n")
    expect(done.conclusion).toBe("failure")
  })
})

it("review.yml: comments with the tool's script", async () => {
  const about = { event: "pull_request", owner: "mallory", branch: "x", head: commit }
  const artifactsOfRun = recorder.folder("artifacts-")
  const { run: done } = await record("review.yml", workflowRunEvent(commit, about), { artifactsOfRun })
  expect(jobs(done)).toEqual({ "review / comment": "success" })
  expect(done.log).toContain("The run has told nothing of its images: no comment.")
})

describe("tag.yml", () => {
  const inputs = { originalTag: "2026.4-main" }
  const environments = { production: { DSMLP_LOGIN_PASSWORD: "production's", NEVER_NAMED: "hidden" } }

  it("promotes in the stack's environment, with the secrets that are named", async () => {
    const { run: done, calls } = await record("tag.yml", dispatchEvent("main", commit, inputs), {
      environments,
    })
    expect(jobs(done)).toEqual({ "tag / tagging": "success", "tag / dry_run": "skipped" })
    expect(done.jobs.get("tag / tagging")?.environment).toBe("production")
    expect(wordsOf(calls[0]).slice(0, 4)).toEqual([
      "tag-stable",
      "--tag=2026.4-main",
      "--dry-run=false",
      "--skip-gpu-test=false",
    ])
    expect(calls[0]?.env.GPU_PASSWORD).toBe("production's")
    expect(JSON.stringify(calls[0]?.env)).not.toMatch(/another|hidden/)
  })

  it("gives a dry run a token that only reads, and no secret", async () => {
    const event = dispatchEvent("main", commit, { ...inputs, dryRun: true })
    const { run: done, calls } = await record("tag.yml", event, { environments })
    expect(jobs(done)).toEqual({ "tag / tagging": "skipped", "tag / dry_run": "success" })
    expect(wordsOf(calls[0])).toContain("--dry-run=true")
    expect(calls[0]?.env.WIKI_TOKEN).toBe('token {"contents":"read","packages":"read"}')
    expect(JSON.stringify(calls[0]?.env)).not.toMatch(/\$ecret|production's/)
  })

  it("promotes from main only", async () => {
    await repository.commit("try", "try", {})
    const { run: done, calls } = await record("tag.yml", dispatchEvent("try", commit, inputs))
    expect(done.conclusion).toBe("failure")
    expect(calls).toEqual([])
  })
})

it("tag_global_stable.yml: promotes the quarter", async () => {
  const event = dispatchEvent("main", commit, { stablePrefix: "2026.4" })
  const { run: done, calls } = await record("tag_global_stable.yml", event)
  expect(done.conclusion, done.log).toBe("success")
  expect(wordsOf(calls[0]).slice(0, 3)).toEqual(["tag-global-stable", "--prefix=2026.4", "--dry-run=false"])
})

describe("docs/own-stack.md", () => {
  const page = readFileSync(join(checkout, "docs/own-stack.md"), "utf8")
  const examples = [...page.matchAll(/```yaml\n(name: [^]*?)```/g)].map(([, text = ""]) => text)

  it.each(examples)("has a workflow that runs: %s", async (example) => {
    const text = example.replaceAll("OWNER/NAME", tool).replaceAll("COMMIT", called)
    const vars = { STACK_SCANNER: `anchore/grype:v0.121.2@sha256:${"a".repeat(64)}` }
    const { run: done, calls } = await record(text, scheduleEvent(commit), { vars })
    expect(done.conclusion, done.log).toBe("success")
    expect(calls).toHaveLength(1)
    expect(moduleOf(calls[0])).toMatch(/\/temp\/tool$/)
  })

  it("has some", () => {
    expect(examples.length).toBeGreaterThan(1)
  })
})

describe("refused as GitHub does:", () => {
  const push = () => pushEvent("main", commit)
  it.each([
    ["less than the jobs ask for", "packages: write", "packages: read", /"packages: write", but is only/],
    [
      "a commit that is not there",
      /@[0-9a-f]{40}/,
      `@${"0".repeat(40)}`,
      /tools\/stack has no .*main.yml at/,
    ],
    ["a workflow that cannot be called", "main.yml", "per_image.yml", /per_image.yml cannot be called/],
    ["a branch, which anybody may move", /@[0-9a-f]{40}/, "@main", /at a full commit/],
    ["an input that is unknown", "    permissions: #", "    with: { x: y }\n    permissions: #", /input "x"/],
    [
      "a secret that nobody asks for",
      "    permissions: #",
      "    secrets: { X: y }\n    permissions: #",
      /takes no secret "X"/,
    ],
    [
      "a group of one's own that the called one waits for",
      "permissions: {}",
      "permissions: {}\nconcurrency:\n  group: stack-${{ github.ref }}\n  cancel-in-progress: false",
      /waits for itself/,
    ],
  ])("%s", async (_, from, to, message) => {
    const change = (text: string) => text.replace(from, () => to)
    await expect(record("build.yml", push(), {}, change)).rejects.toThrow(message)
  })
})
