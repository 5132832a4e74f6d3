import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { DaggerCall, FakeAnswer } from "../../support/fakeDagger.js"
import type { RunnerSettings, WorkflowRun } from "../../support/runner.js"
import { checkout } from "../../support/stack.js"
import type { Workflow } from "../../support/workflow.js"
import { readWorkflow } from "../../support/workflow.js"
import type { WorkflowEvent } from "../../support/workflowEvents.js"
import {
  dispatchEvent,
  mergeGroupEvent,
  pullRequestEvent,
  pushEvent,
  scheduleEvent,
  upstream,
} from "../../support/workflowEvents.js"
import type { RecordedRun } from "../../support/workflowRecorder.js"
import { WorkflowRecorder } from "../../support/workflowRecorder.js"
import type { WorkflowRepository } from "../../support/workflowRepository.js"
import { workflowRepository } from "../../support/workflowRepository.js"

let repository: WorkflowRepository
let commit: string
let recorder: WorkflowRecorder

beforeAll(async () => {
  repository = await workflowRepository([".github", "dagger.json", "lib"])
  commit = await repository.commit("main", "second", { "README.md": "text" })
  const secrets = { DSMLP_LOGIN_PASSWORD: "a $ecret" }
  recorder = new WorkflowRecorder({ origin: repository.folder, secrets })
})

afterAll(async () => {
  await recorder.remove()
  await repository.remove()
})

function workflowOf(file: string): Workflow {
  return readWorkflow(join(checkout, ".github/workflows", file))
}

function record(
  file: string | Workflow,
  event: WorkflowEvent,
  settings: Partial<RunnerSettings> = {},
  answer?: FakeAnswer,
  programs?: string,
): Promise<RecordedRun> {
  const workflow = typeof file === "string" ? workflowOf(file) : file
  return recorder.record(workflow, event, { ...settings, answer, programs })
}

/** Options and words of a call, without those that are always the same. */
function wordsOf(call: DaggerCall | undefined): readonly string[] {
  const always = ["call", "--progress=plain", "--source=.", "artifacts", "export", "--path=out"]
  const login = ["--registry=ghcr.io/ucsd-ets", "--registry-username=ada"]
  const origin = `--origin=https://github.example/${upstream}`
  return (
    call?.args.filter((word) => ![...always, ...login, origin].includes(word) && !word.includes("=env://")) ??
    []
  )
}

describe("main.yml", () => {
  it("publishes a branch, and leaves the wiki alone", async () => {
    const { run, calls } = await record("main.yml", pushEvent("new-kernel", commit, { before: "abc123" }))
    expect(calls).toHaveLength(1)
    expect(wordsOf(calls[0])).toEqual([
      "build-stack",
      "--publish=true",
      "--branch=new-kernel",
      "--full-rebuild=false",
      "--previous=abc123",
    ])
    expect(run.conclusion).toBe("success")
    expect(run.jobs.get("wiki")?.conclusion).toBe("skipped")
    expect(run.jobs.get("stack")?.summary).toBe("# The report\n")
  })

  it("publishes main by the clock, with the wiki, where fresh.yml calls it", async () => {
    const { run, calls } = await record("fresh.yml", scheduleEvent(commit))
    expect(run.conclusion, run.log).toBe("success")
    expect(calls.map(wordsOf)).toMatchObject([
      ["build-stack", "--publish=true", "--branch=main", "--full-rebuild=false"],
      ["publish-manifests", ...Array.from({ length: 3 }, () => expect.any(String) as string)],
    ])
    expect([...run.jobs.values()].map(({ check }) => check)).toEqual([
      "Stack / Build and test",
      "Stack / Push wiki",
    ])
  })

  it("hands over the job's token by name, never by value", async () => {
    const { calls } = await record("main.yml", pushEvent("new-kernel", commit))
    expect(calls[0]?.args).toContain(`--origin=https://github.example/${upstream}`)
    expect(calls[0]?.args).toContain("--registry-password=env://REGISTRY_PASSWORD")
    expect(calls[0]?.env.REGISTRY_PASSWORD).toBe('token {"contents":"read","packages":"write"}')
    expect(calls[0]?.args.join(" ")).not.toContain("token {")
  })

  it("publishes nothing for a pull request", async () => {
    const title = `A "quoted" $(title) 'with' everything`
    const { calls } = await record("main.yml", pullRequestEvent(7, commit, { branch: "new-kernel", title }))
    expect(wordsOf(calls[0])).toEqual([
      "build-stack",
      "--publish=false",
      "--branch=new-kernel",
      "--full-rebuild=false",
      `--pull-request-title=${title}`,
      "--target=main",
    ])
  })

  it.each([true, "deleted", "parent"] as const)(
    "runs a fork's (%s) pull request without secrets, on GitHub's machine, under another name than main",
    async (fork) => {
      const vars = { STACK_RUNNER: "our-machine" }
      const event = pullRequestEvent(8, commit, { branch: "main", fork })
      const { run, calls } = await record("main.yml", event, { vars })
      expect(wordsOf(calls[0])).toContain("--publish=false")
      expect(wordsOf(calls[0])).toContain("--branch=pull-8")
      expect(calls[0]?.env.REGISTRY_PASSWORD).toBe('token {"contents":"read","packages":"read"}')
      expect(JSON.stringify(calls[0]?.env)).not.toContain("a $ecret")
      // Neither a build's secrets nor an agent that signs with somebody's key.
      expect(calls[0]?.args.filter((word) => /^--(?:secret|ssh)\b/.test(word))).toEqual([])
      expect(run.jobs.get("stack")?.runsOn).toBe("ubuntu-latest")
    },
  )

  it("runs a pull request of the repository itself where its pushes run", async () => {
    const vars = { STACK_RUNNER: "our-machine" }
    const { run, calls } = await record("main.yml", pullRequestEvent(8, commit), { vars })
    expect(run.jobs.get("stack")?.runsOn).toBe("our-machine")
    expect(wordsOf(calls[0])).toContain("--branch=change")
  })

  it("builds what is in the merge queue, and publishes nothing of it", async () => {
    const event = mergeGroupEvent(12, commit)
    const { run, calls } = await record("main.yml", event)
    expect(wordsOf(calls[0])).toContain("--publish=false")
    expect(run.jobs.get("stack")?.check).toBe("Build and test")
    expect(run.jobs.get("wiki")?.conclusion).toBe("skipped")
    const push = { ...pushEvent("x", commit), ref: event.ref }
    await expect(record("main.yml", push)).rejects.toThrow("did not start the workflow")
  })

  it("takes the machine and the registry of the repository's variables", async () => {
    const vars = { STACK_RUNNER: "our-machine", STACK_REGISTRY: "registry.example:5000/us" }
    const { run, calls } = await record("main.yml", pushEvent("new-kernel", commit), { vars })
    expect(run.jobs.get("stack")?.runsOn).toBe("our-machine")
    expect(wordsOf(calls[0])).toContain("--registry=registry.example:5000/us")
  })

  it("pushes the wiki from main, from what the build left", async () => {
    const { run, calls } = await record("main.yml", pushEvent("main", commit))
    expect(calls).toHaveLength(2)
    expect(wordsOf(calls[1])).toEqual([
      "publish-manifests",
      "--artifacts=build",
      "--wiki=https://github.example/ucsd-ets/datahub-docker-stack.wiki.git",
      "--wiki-username=x-access-token",
    ])
    expect(calls[1]?.env.WIKI_TOKEN).toBe('token {"contents":"write"}')
    expect(calls[0]?.env).not.toHaveProperty("WIKI_TOKEN")
    expect(run.conclusion).toBe("success")
  })

  it("leaves the wiki alone when an image failed, and shows what happened all the same", async () => {
    const { run, calls } = await record("main.yml", pushEvent("main", commit), {}, { report: { ok: false } })
    expect(calls).toHaveLength(1)
    expect(run.conclusion).toBe("failure")
    expect(run.jobs.get("wiki")?.conclusion).toBe("skipped")
    const steps = run.jobs.get("stack")?.steps.map(({ name, conclusion }) => `${name}: ${conclusion}`)
    expect(steps?.slice(-3)).toEqual([
      "Job summary: success",
      "Archive artifacts and logs: success",
      "Verdict: failure",
    ])
    expect(run.jobs.get("stack")?.summary).toBe("# The report\n")
  })

  it.each([[{}], [{ ok: null }]])("takes the report %j for a failure", async (report) => {
    const { run } = await record("main.yml", pushEvent("new-kernel", commit), {}, { report })
    expect(run.conclusion).toBe("failure")
  })

  it("fails where the call itself fails", async () => {
    const { run } = await record("main.yml", pushEvent("main", commit), {}, {})
    expect(run.conclusion).toBe("failure")
    expect(run.log).toContain("spec.yml:3:1")
    expect(run.jobs.get("wiki")?.conclusion).toBe("skipped")
  })

  it("does nothing where a pushed commit says skip ci, and reports a check that nobody requires", async () => {
    const { run, calls } = await record("main.yml", pushEvent("main", commit, { message: "docs [Skip CI]" }))
    expect(run.conclusion).toBe("skipped")
    expect(run.jobs.get("stack")?.check).toBe("Build and publish")
    expect(calls).toEqual([])
  })

  it.each([
    ["a pull request", pullRequestEvent(9, "", { title: "Skip CI: docs" })],
    ["a fork's pull request", pullRequestEvent(9, "", { title: "Skip CI: docs", fork: true })],
    ["the merge queue", mergeGroupEvent(12, "")],
    ["a run by hand", dispatchEvent("try", "")],
  ])("turns no check of %s green by skipping it", async (_, event) => {
    const report = { ok: true, skippedByRequest: "the pull request's title" }
    const { run, calls } = await record("main.yml", { ...event, sha: commit }, {}, { report })
    expect(calls).toHaveLength(1)
    expect(run.jobs.get("stack")).toMatchObject({ check: "Build and test", conclusion: "failure" })
    expect(run.log).toContain("::error title=Skipped::")
  })

  it("publishes from a fork's own branches only where the fork has a registry", async () => {
    const event = pushEvent("main", commit, { fork: true })
    const without = await record("main.yml", event)
    expect(without.calls.map(wordsOf)).toEqual([expect.arrayContaining(["--publish=false"])])
    expect(without.calls[0]?.args.filter((word) => word.startsWith("--registry"))).toEqual([])
    const vars = { STACK_REGISTRY: "ghcr.io/mallory" }
    const [build, wiki] = (await record("main.yml", event, { vars })).calls
    expect(wordsOf(build)).toContain("--publish=true")
    expect(wordsOf(wiki)).toContain("publish-manifests")
  })

  it("rebuilds everything by hand", async () => {
    const { calls } = await record("main.yml", dispatchEvent("main", commit, { fullRebuild: true }))
    expect(wordsOf(calls[0])).toEqual([
      "build-stack",
      "--publish=true",
      "--branch=main",
      "--full-rebuild=true",
    ])
  })
})

describe("platforms.yml", () => {
  const event = (branch = "try") => dispatchEvent(branch, commit)
  const conclusions = ({ jobs }: WorkflowRun) =>
    Object.fromEntries([...jobs].map(([name, { conclusion }]) => [name, conclusion]))

  it("has a job for each platform, and one that joins them and moves the tags", async () => {
    const { run, calls } = await record("platforms.yml", event(), {}, { report: { ok: true } })
    const one = ["--publish=true", "--candidates-only=true", "--branch=try"]
    expect(calls.map(wordsOf)).toEqual([
      ["build-stack", "--platform=linux/amd64", ...one],
      ["build-stack", "--platform=linux/arm64", ...one],
      ["build-stack", "--publish=true", "--branch=try"],
    ])
    expect(readdirSync(run.artifacts)).toEqual([
      "build-artifacts",
      "build-artifacts-amd64",
      "build-artifacts-arm64",
    ])
  })

  it("moves no tag where one platform failed", async () => {
    const failing = "linux/arm64"
    const { run, calls } = await record("platforms.yml", event(), {}, { report: { ok: true }, failing })
    expect(calls).toHaveLength(2)
    expect(conclusions(run)).toEqual({
      "platform (linux/amd64)": "success",
      "platform (linux/arm64)": "failure",
      publish: "skipped",
      wiki: "skipped",
    })
  })

  it("writes the pages of each platform's run into the wiki, on main", async () => {
    const { calls } = await record("platforms.yml", event("main"), {}, { report: { ok: true } })
    expect(wordsOf(calls[3])[0]).toBe("publish-manifests")
  })
})

describe("per_image.yml", () => {
  it("has one job for an image of several platforms", async () => {
    const steps = ["linux/amd64", "linux/arm64"].flatMap((platform) =>
      ["base", "left"].map((image) => ({ image, platform, action: "build" })),
    )
    const answer = { report: { ok: true }, plan: { steps } }
    const { calls } = await record("per_image.yml", dispatchEvent("try", commit), {}, answer)
    expect(calls.map((call) => wordsOf(call).find((word) => word.startsWith("--only")))).toEqual([
      undefined,
      "--only=base",
      "--only=left",
      undefined,
    ])
  })

  const planOf = (steps: Readonly<Record<string, string>>) => ({
    steps: Object.entries(steps).map(([image, action]) => ({ image, action })),
  })
  const plan = planOf({ base: "build", same: "reuse", left: "retest", moved: "retag", right: "build" })
  const report = { ok: true }
  const event = () => dispatchEvent("try", commit)
  const conclusions = ({ jobs }: WorkflowRun) =>
    Object.fromEntries([...jobs].map(([name, { conclusion }]) => [name, conclusion]))

  it("has a job for each image that needs work, parents first, and one that moves the tags", async () => {
    const { run, calls } = await record("per_image.yml", event(), {}, { report, plan })
    const one = ["--publish=true", "--candidates-only=true", "--branch=try"]
    expect(calls.map(wordsOf)).toEqual([
      ["plan", "--branch=try", "json"],
      ["build-stack", "--only=base", ...one],
      ["build-stack", "--only=left", ...one],
      ["build-stack", "--only=right", ...one],
      ["build-stack", "--publish=true", "--branch=try"],
    ])
    expect(run.conclusion).toBe("success")
    expect(readdirSync(run.artifacts)).toEqual([
      "build-artifacts",
      "build-artifacts-base",
      "build-artifacts-left",
      "build-artifacts-right",
    ])
    expect(run.jobs.get("plan")?.summary).toBe(
      "- base: build\n- same: reuse\n- left: retest\n- moved: retag\n- right: build\n",
    )
    expect(run.jobs.get("image (left)")?.summary).toBe("# The report\n")
  })

  it("only moves tags where nothing needs work", async () => {
    const answer = { report, plan: planOf({ base: "retag", left: "reuse" }) }
    const { run, calls } = await record("per_image.yml", event(), {}, answer)
    expect(calls.map((call) => wordsOf(call)[0])).toEqual(["plan", "build-stack"])
    expect(conclusions(run)).toEqual({
      plan: "success",
      image: "skipped",
      publish: "success",
      wiki: "skipped",
    })
  })

  it("moves no tag where an image failed, and starts no job behind it", async () => {
    const { run, calls } = await record("per_image.yml", event(), {}, { report, plan, failing: "left" })
    expect(calls).toHaveLength(3)
    expect(conclusions(run)).toEqual({
      plan: "success",
      "image (base)": "success",
      "image (left)": "failure",
      "image (right)": "cancelled",
      publish: "skipped",
      wiki: "skipped",
    })
    expect(run.jobs.get("image (left)")?.summary).toBe("# The report\n")
  })

  it.each([
    ["build", ["build-artifacts-base"]],
    ["reuse", []],
  ])("pushes the wiki from main, from what all jobs left (%s)", async (action, images) => {
    const answer = { report, plan: planOf({ base: action }) }
    const { run, calls } = await record("per_image.yml", dispatchEvent("main", commit), {}, answer)
    expect(run.conclusion).toBe("success")
    expect(wordsOf(calls.at(-1)).slice(0, 2)).toEqual(["publish-manifests", "--artifacts=build"])
    expect(calls.at(-1)?.env.WIKI_TOKEN).toBe('token {"contents":"write"}')
    const build = join(run.artifacts, "../wiki/workspace/build")
    expect(existsSync(join(build, "report.json"))).toBe(true)
    expect(existsSync(join(build, "images")) ? readdirSync(join(build, "images")) : []).toEqual(images)
  })

  it("stops where there is no plan", async () => {
    const { run } = await record("per_image.yml", event(), {}, {})
    expect(conclusions(run)).toEqual({
      plan: "failure",
      image: "skipped",
      publish: "skipped",
      wiki: "skipped",
    })
    expect(run.log).toContain("spec.yml:3:1")
  })

  it("keeps names with signs of the shell in one word", async () => {
    const names = ["$(touch /tmp/x)", "a b", `'"`, "; exit 1", "-x"]
    const answer = { report, plan: planOf(Object.fromEntries(names.map((name) => [name, "build"]))) }
    const { run, calls } = await record("per_image.yml", event(), {}, answer)
    expect(calls.slice(1, -1).map((call) => wordsOf(call)[1])).toEqual(names.map((name) => `--only=${name}`))
    expect(run.conclusion).toBe("success")
  })

  it.each([
    [true, ["rm -rf /usr/local/lib/android /usr/share/dotnet /opt/ghc /opt/hostedtoolcache"]],
    [false, []],
  ])("makes room on GitHub's machines (%s), and leaves others as they are", async (hosted, removed) => {
    const folder = recorder.folder("fake-sudo-")
    const log = join(folder, "log")
    writeFileSync(log, "")
    writeFileSync(join(folder, "sudo"), `#!/bin/bash\necho "$*" >>${log}\n`, { mode: 0o755 })
    const answer = { report, plan: planOf({ base: "build" }) }
    const settings = { hosted, env: { AGENT_TOOLSDIRECTORY: "/opt/hostedtoolcache" } }
    await record("per_image.yml", event(), settings, answer, folder)
    expect(readFileSync(log, "utf8").split("\n").slice(0, -1)).toEqual(removed)
  })

  it("can be given the pushes of main.yml, as docs/operating.md says", async () => {
    const workflow = { ...workflowOf("per_image.yml"), triggers: workflowOf("main.yml").triggers }
    const push = pushEvent("try", commit, { before: "abc123" })
    const { run, calls } = await record(workflow, push, {}, { report, plan })
    expect(run.conclusion).toBe("success")
    const all = calls.map(wordsOf)
    expect(all).toHaveLength(5)
    expect(all.filter((words) => words.includes("--previous=abc123"))).toEqual(all)
  })

  it("needs a registry of its own in a fork", async () => {
    const forked = { ...event(), payload: { repository: { fork: true, default_branch: "main" } } }
    const { run, calls } = await record("per_image.yml", forked, {}, { report, plan })
    expect(conclusions(run)).toEqual({
      plan: "skipped",
      image: "skipped",
      publish: "skipped",
      wiki: "skipped",
    })
    expect(calls).toEqual([])
    const vars = { STACK_REGISTRY: "ghcr.io/mallory", STACK_RUNNER: "our-machine" }
    const own = await record("per_image.yml", forked, { vars }, { report, plan })
    expect(own.calls.filter(({ args }) => args.includes("--registry=ghcr.io/mallory"))).toHaveLength(5)
    const machines = [...own.run.jobs.values()].map(({ runsOn }) => runsOn)
    expect(machines).toEqual([...Array<string>(5).fill("our-machine"), ""])
  })
})

describe("tag.yml", () => {
  const inputs = { originalTag: "2026.4-main" }

  it("tags what passes the GPU test, in the environment with the rules", async () => {
    const vars = { DSMLP_LOGIN_HOST_KEY: "ssh-ed25519 AAAA" }
    const { run, calls } = await record("tag.yml", dispatchEvent("main", commit, inputs), { vars })
    expect(wordsOf(calls[0])).toEqual([
      "tag-stable",
      "--tag=2026.4-main",
      "--dry-run=false",
      "--skip-gpu-test=false",
      "--wiki=https://github.example/ucsd-ets/datahub-docker-stack.wiki.git",
      "--wiki-username=x-access-token",
      "--gpu-host-key=ssh-ed25519 AAAA",
    ])
    expect(calls[0]?.args).toContain("--gpu-password=env://GPU_PASSWORD")
    expect(calls[0]?.env.GPU_PASSWORD).toBe("a $ecret")
    expect(run.jobs.get("tagging")?.environment).toBe("production")
    expect(run.conclusion).toBe("success")
  })

  it("needs no secret of production for a dry run", async () => {
    const settings = { secrets: {}, environments: { production: { DSMLP_LOGIN_PASSWORD: "secret" } } }
    const event = dispatchEvent("try", commit, { ...inputs, dryRun: true })
    await repository.commit("try", "try", {})
    const { run, calls } = await record("tag.yml", event, settings)
    expect(wordsOf(calls[0])).toContain("--dry-run=true")
    expect(calls[0]?.args.join(" ")).not.toContain("--gpu-password")
    expect(run.jobs.get("tagging")?.conclusion).toBe("skipped")
    expect(run.jobs.get("dry_run")).not.toHaveProperty("environment")
  })

  it("hands over the wish to skip the GPU test", async () => {
    const event = dispatchEvent("main", commit, { ...inputs, skipGPUTest: true })
    expect(wordsOf((await record("tag.yml", event)).calls[0])).toContain("--skip-gpu-test=true")
  })

  it("keeps a tag with signs of the shell in one word", async () => {
    const originalTag = "2026.4-$(touch /tmp/x) 'a' \"b\""
    const { calls } = await record("tag.yml", dispatchEvent("main", commit, { originalTag }))
    expect(wordsOf(calls[0])).toContain(`--tag=${originalTag}`)
  })

  it("fails with its report", async () => {
    const event = dispatchEvent("main", commit, inputs)
    const { run } = await record("tag.yml", event, {}, { report: { ok: false } })
    expect(run.conclusion).toBe("failure")
    expect(run.jobs.get("tagging")?.summary).toBe("# The report\n")
  })
})

describe.each([
  ["tag.yml", { originalTag: "2026.4-main" }],
  ["tag_global_stable.yml", { stablePrefix: "2026.4" }],
])("%s", (file, inputs) => {
  it("gives a dry run a token that only reads and no secret, and lets it wait for no promotion", async () => {
    await repository.commit("try", "try", {})
    const event = dispatchEvent("try", commit, { ...inputs, dryRun: true })
    const { run, calls } = await record(file, event)
    expect(run.conclusion).toBe("success")
    expect(calls).toHaveLength(1)
    expect(calls[0]?.args).toContain("--dry-run=true")
    const token = 'token {"contents":"read","packages":"read"}'
    expect(calls[0]?.env).toMatchObject({ REGISTRY_PASSWORD: token, WIKI_TOKEN: token })
    expect(JSON.stringify(calls[0]?.env)).not.toContain("a $ecret")
    expect([run.group, (await record(file, dispatchEvent("main", commit, inputs))).run.group]).toEqual([
      "dry-run-1",
      "promotion",
    ])
  })

  it("promotes from main only", async () => {
    const { run, calls } = await record(file, dispatchEvent("try", commit, inputs))
    expect(run.conclusion).toBe("failure")
    expect(calls).toEqual([])
    expect(run.log).toContain("from try only a dry run works")
  })

  it("asks for its input", async () => {
    await expect(record(file, dispatchEvent("main", commit))).rejects.toThrow(/is required/)
  })
})

describe("tag_global_stable.yml", () => {
  it("tags the quarter's images", async () => {
    const event = dispatchEvent("main", commit, { stablePrefix: "2026.4" })
    const { run, calls } = await record("tag_global_stable.yml", event)
    expect(wordsOf(calls[0])).toEqual([
      "tag-global-stable",
      "--prefix=2026.4",
      "--dry-run=false",
      "--wiki=https://github.example/ucsd-ets/datahub-docker-stack.wiki.git",
      "--wiki-username=x-access-token",
    ])
    expect(run.jobs.get("global_stable_tagging")?.environment).toBe("production")
  })
})

describe("test_gpu.yml", () => {
  it("tests with the login of its environment", async () => {
    const settings = {
      secrets: {},
      vars: { DSMLP_LOGIN_HOST: "login.example", DSMLP_LOGIN_PORT: "2222", DSMLP_LOGIN_USER: "tester" },
      environments: { gpu: { DSMLP_LOGIN_PRIVATE_KEY: "-----BEGIN\nkey" } },
    }
    const event = dispatchEvent("main", commit, { originalTag: "2026.4-main" })
    const { run, calls } = await record("test_gpu.yml", event, settings)
    expect(wordsOf(calls[0])).toEqual([
      "gpu-test",
      "--tag=2026.4-main",
      "--dry-run=false",
      "--host=login.example",
      "--port=2222",
      "--user=tester",
    ])
    expect(calls[0]?.args).toContain("--private-key=env://GPU_PRIVATE_KEY")
    expect(calls[0]?.env.GPU_PRIVATE_KEY).toBe("-----BEGIN\nkey")
    expect(run.conclusion).toBe("success")
  })
})

describe("scan.yml", () => {
  const scanner = `anchore/grype:v0.121.2@sha256:${"a".repeat(64)}`
  const always = [
    "--database-url=https://grype.anchore.io/databases",
    `--wiki=https://github.example/${upstream}.wiki.git`,
    "--wiki-username=x-access-token",
  ]

  it("by the clock, scans what the stable tags name, with a token that only reads", async () => {
    const { run, calls } = await record("scan.yml", scheduleEvent(commit), {
      vars: { STACK_SCANNER: scanner },
    })
    const [database = "", ...wiki] = always
    expect(wordsOf(calls[0])).toEqual(["scan", database, `--scanner=${scanner}`, ...wiki])
    expect(calls[0]?.args).toContain("--registry=ghcr.io/ucsd-ets")
    expect(calls[0]?.env.WIKI_TOKEN).toBe('token {"contents":"read"}')
    expect(run.conclusion).toBe("success")
  })

  it("does nothing by the clock where nobody has chosen a scanner", async () => {
    const { run, calls } = await record("scan.yml", scheduleEvent(commit))
    expect(calls).toEqual([])
    expect(run.jobs.get("scan")?.conclusion).toBe("skipped")
  })

  it("by hand, scans a tag with the spec's scanner, and fails where the policy does", async () => {
    const event = dispatchEvent("main", commit, { tag: "2026.4-main" })
    const { run, calls } = await record(
      "scan.yml",
      event,
      {},
      { report: { ok: false }, markdown: "# Failed" },
    )
    expect(wordsOf(calls[0])).toEqual(["scan", "--tag=2026.4-main", ...always])
    expect(run.conclusion).toBe("failure")
  })
})

describe("what a call leaves", () => {
  const event = () => pushEvent("try", commit)

  it("ends between two paragraphs on the page of the run, where it is too long for it", async () => {
    const open = `<details>\n\n\`\`\`text\n${"x\n\n".repeat(400_000)}\`\`\`\n\n</details>\n`
    const markdown = `# Title\n\nWhy\n\n${open}\nlast\n`
    const { run } = await record("main.yml", event(), {}, { report: { ok: true }, markdown })
    expect(run.jobs.get("stack")?.summary).toBe(
      "# Title\n\nWhy\n\n\n_This goes on: all of it is report.md in the artifacts of the run._\n",
    )
  })

  it("is on the page as it is, where it is not", async () => {
    const markdown = `# Title\n\n~~~~\n~~~\n\n\`\`\`\n~~~~\n${"y".repeat(900_000)}`
    const { run } = await record("main.yml", event(), {}, { report: { ok: true }, markdown })
    expect(run.jobs.get("stack")?.summary).toBe(markdown)
  })

  it("is packed without links and pipes", async () => {
    const { run } = await record("main.yml", event(), {}, { report: { ok: true }, strange: true })
    expect(run.conclusion).toBe("success")
    const packed = readdirSync(join(run.artifacts, "build-artifacts"), { recursive: true })
    expect(packed.sort()).toEqual(["report.json", "report.md", "screenshots", "screenshots/real.png"])
  })

  const progress = [
    "1   : connect",
    "12  : JupyterStack.buildStack(",
    "12  : [5.8s] | base: build ...",
    "39  : ┆ [1/2] RUN make",
    "39  : ┆ ┆ [6.1s] | ::error::printed by a build",
    "12  : [9.0s] | ----- result -----",
    "12  : [9.0s] | all good",
    "",
  ].join("\n")
  const files = { "artifacts/base.yaml": "", "logs/base.log": "built\n##[error]stolen" }

  it("has a line a step in the log, the result, and the logs in a group for each image", async () => {
    const { run } = await record("main.yml", event(), {}, { report: { ok: true }, progress, files })
    // What the call prints itself comes on another stream, sooner or later.
    expect(run.log.replace(/^said by an image: .*\n/m, "")).toMatch(
      /::stop-commands::(\w{32})\n[^]*\[5\.8 s\] base: build \.\.\.\nall good\n[^]*\n::\1::\n/,
    )
    expect(run.log).not.toContain("printed by a build")
    expect(run.log).toMatch(
      /^::group::base\n::stop-commands::(\w{32})\nbuilt\n##\[error\]stolen\n[^]*\n::\1::\n::endgroup::$/m,
    )
  })

  it("has all that dagger says in the log where the runner is in its debug mode, or the call fails", async () => {
    const debug = await record(
      "main.yml",
      event(),
      { env: { RUNNER_DEBUG: "1" } },
      { report: { ok: true }, progress },
    )
    expect(debug.run.log).toContain("printed by a build")
    const failed = await record("main.yml", event(), {}, { progress })
    expect(failed.run.conclusion).toBe("failure")
    expect(failed.run.log).toContain("spec.yml:3:1: this is not understood")
    expect(failed.run.log).toContain("printed by a build")
  })

  it("steers the runner by no line of its own", async () => {
    const { run } = await record("main.yml", event())
    const [, token = "", said] = /::stop-commands::(\w{32})\n([^]*?)\n::\1::\n/.exec(run.log) ?? []
    expect(said).toContain("said by an image: ##[add-mask]x")
    const other = await record("main.yml", event())
    expect(other.run.log).not.toContain(token)
  })
})

describe("events", () => {
  it("of one branch follow each other, whichever workflow builds it", async () => {
    const push = await record("main.yml", pushEvent("try", commit))
    const byHand = await record(
      "per_image.yml",
      dispatchEvent("try", commit),
      {},
      { report: { ok: true }, plan: { steps: [] } },
    )
    const other = await record("main.yml", pushEvent("other", commit))
    expect(byHand.run.group).toBe(push.run.group)
    expect(other.run.group).not.toBe(push.run.group)
  })

  it.each([
    ["main.yml", true, true, true],
    ["tag.yml", false, false, true],
    ["tag_global_stable.yml", false, false, true],
    ["test_gpu.yml", false, false, true],
    ["per_image.yml", false, false, true],
    ["platforms.yml", false, false, true],
  ])("%s: push %s, pull request %s, by hand %s", (file, ...starts) => {
    const workflow = workflowOf(file)
    const events = ["push", "pull_request", "workflow_dispatch"]
    expect(events.map((event) => workflow.triggers.has(event))).toEqual(starts)
  })

  it("give no workflow a permission that its jobs do not ask for", () => {
    for (const file of readdirSync(join(checkout, ".github/workflows"))) {
      expect(workflowOf(file).permissions).toEqual({})
    }
  })
})
