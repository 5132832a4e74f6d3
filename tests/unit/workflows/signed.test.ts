import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { DaggerCall, FakeAnswer } from "../../support/fakeDagger.js"
import type { RunnerSettings } from "../../support/runner.js"
import { checkout } from "../../support/stack.js"
import type { Workflow, WorkflowJob } from "../../support/workflow.js"
import { readWorkflow } from "../../support/workflow.js"
import type { WorkflowEvent } from "../../support/workflowEvents.js"
import { dispatchEvent, pullRequestEvent, pushEvent } from "../../support/workflowEvents.js"
import { WorkflowRecorder } from "../../support/workflowRecorder.js"
import type { WorkflowRepository } from "../../support/workflowRepository.js"
import { workflowRepository } from "../../support/workflowRepository.js"

const workflows = join(checkout, ".github/workflows")
const signed = readWorkflow(join(workflows, "signed.yml"))
/** The same with the pushes and pull requests of main.yml, by which somebody may start it. */
const automatic = { ...signed, triggers: readWorkflow(join(workflows, "main.yml")).triggers }
const identityNames = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]

let repository: WorkflowRepository
let commit: string
let recorder: WorkflowRecorder

beforeAll(async () => {
  repository = await workflowRepository([".github", "dagger.json", "lib"])
  commit = await repository.commit("main", "second", { "README.md": "text" })
  const environments = { gpu: { DSMLP_LOGIN_PASSWORD: "a $ecret" } }
  recorder = new WorkflowRecorder({ origin: repository.folder, environments })
})

afterAll(async () => {
  await recorder.remove()
  await repository.remove()
})

/** What a run of a branch leaves, and what the plan says after it. */
function answer(more: Partial<FakeAnswer> = {}, branch = "main"): FakeAnswer {
  const source = { commit, dirty: false, branch }
  const plan = { branch, steps: [step("base", "retag"), step("left", "reuse")] }
  return {
    report: { ok: true, source, images },
    plan,
    files: { "plan.json": JSON.stringify({ branch }) },
    ...more,
  }
}

const images = [
  { name: "base", published: true },
  { name: "left", published: true },
]
const step = (image: string, action: string) => ({ image, action })

async function record(
  event: WorkflowEvent,
  answered: FakeAnswer = answer(),
  settings: Partial<RunnerSettings> = {},
  workflow: Workflow = signed,
) {
  const { run, calls } = await recorder.record(workflow, event, { ...settings, answer: answered })
  const ends = Object.fromEntries([...run.jobs].map(([name, { conclusion }]) => [name, conclusion]))
  return { run, ends, calls }
}

const byHand = (branch = "main", inputs: Readonly<Record<string, string>> = {}) =>
  dispatchEvent(branch, commit, inputs)
const named = (calls: readonly DaggerCall[], name: string) => calls.find(({ args }) => args.includes(name))
/** The function of each call, which comes after "call --progress=plain". */
const names = (calls: readonly DaggerCall[]) => calls.map(({ args }) => args[2])
const skipped = { sign: "skipped", tag: "skipped", wiki: "skipped", "gpu-test": "skipped" }

describe("signed.yml", () => {
  it("builds candidates, signs what they left, asks who is believed, and moves the tags to what was planned", async () => {
    const { run, ends, calls } = await record(byHand())
    expect(names(calls)).toEqual(["build-stack", "attest", "plan", "build-stack", "publish-manifests"])
    expect(ends).toEqual({
      "build (all)": "success",
      sign: "success",
      tag: "success",
      wiki: "success",
      "gpu-test": "skipped",
    })
    const [build, sign, plan, tag] = calls.map(({ args }) => args)
    expect(build).toEqual(
      expect.arrayContaining(["--publish=true", "--candidates-only=true", "--branch=main"]),
    )
    const temp = (job: string) => join(run.artifacts, "..", job, "temp")
    expect(sign).toContain(`--artifacts=${temp("sign")}/build`)
    expect(readFileSync(join(temp("sign"), "build/build-artifacts/report.json"), "utf8")).toContain(commit)
    expect(plan).toEqual(expect.arrayContaining(["--branch=main", "--publish=true"]))
    expect(tag).toEqual(expect.arrayContaining([`--plan=${temp("tag")}/plan.json`, "--publish=true"]))
    expect(tag).not.toContain("--candidates-only=true")
    expect(JSON.parse(readFileSync(join(temp("tag"), "plan.json"), "utf8"))).toEqual(answer().plan)
    expect(run.jobs.get("tag")?.summary).toBe("- base: retag\n- left: reuse\n# The report\n")
    expect(readdirSync(run.artifacts)).toEqual([
      "build-artifacts",
      "sign-artifacts",
      "tag-artifacts",
      "wiki-artifacts",
    ])
  })

  it("gives the identity to the job that signs, by name and never by value, and to no other", async () => {
    const { calls } = await record(byHand())
    const attest = named(calls, "attest")
    expect(attest?.args).toEqual(
      expect.arrayContaining([
        "--oidc-url=https://github.example/identity?api-version=2.0",
        "--oidc-token=env://ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "--registry-password=env://REGISTRY_PASSWORD",
      ]),
    )
    expect(attest?.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN).toBe("identity of sign")
    expect(attest?.env.REGISTRY_PASSWORD).toBe(
      'token {"contents":"read","packages":"write","id-token":"write"}',
    )
    for (const { args, env } of calls) {
      expect(args.join(" ")).not.toMatch(/identity of|token \{/)
      if (args.includes("attest")) continue
      expect(identityNames.filter((name) => name in env)).toEqual([])
      expect(args.join(" ")).not.toContain("oidc")
    }
    // Sigstore's own services.
    expect(attest?.args.join(" ")).not.toMatch(/--(?:fulcio|rekor|timestamp)/)
    const wiki = named(calls, "publish-manifests")
    expect(wiki?.env.WIKI_TOKEN).toBe('token {"contents":"write"}')
  })

  it("signs on GitHub's machine, whatever machine builds", async () => {
    const vars = { STACK_RUNNER: "our-machine" }
    const { run } = await record(byHand(), answer(), { vars })
    const machines = [...run.jobs].map(([name, { runsOn }]) => `${name}: ${runsOn}`)
    expect(machines).toEqual([
      "build (all): our-machine",
      "sign: ubuntu-latest",
      "tag: ubuntu-latest",
      "wiki: ubuntu-latest",
      "gpu-test: ",
    ])
  })

  it("tells the identity to the services of the repository's variables", async () => {
    const services = {
      STACK_FULCIO: "https://ca.example",
      STACK_REKOR: "https://log.example",
      STACK_TIMESTAMP_AUTHORITY: "https://time.example",
    }
    const words = ["--fulcio=https://ca.example", "--rekor=https://log.example"]
    const { calls } = await record(byHand("try"), answer({}, "try"), { vars: services })
    expect(named(calls, "attest")?.args).toEqual(
      expect.arrayContaining([...words, "--timestamp-authority=https://time.example"]),
    )
  })

  it.each([
    ["an image that failed", { report: { ok: false } }],
    ["a call that failed", { report: undefined }],
    ["nothing, by request", { report: { ok: true, skippedByRequest: "the commit says so" } }],
  ])("signs nothing of a build that left %s, and moves no tag", async (_, more) => {
    const { ends, calls } = await record(byHand(), answer(more as Partial<FakeAnswer>))
    expect(names(calls)).toEqual(["build-stack"])
    expect(ends).toEqual({ ...skipped, "build (all)": "failure" })
  })

  it("moves no tag where an image could not be signed; a second run of the job has what the first one had", async () => {
    const { run, ends, calls } = await record(byHand(), answer({ failing: "attest" }))
    expect(names(calls)).toEqual(["build-stack", "attest"])
    expect(ends).toEqual({ ...skipped, "build (all)": "success", sign: "failure" })
    expect(run.jobs.get("sign")?.summary).toBe("# The report\n")
    expect(existsSync(join(run.artifacts, "build-artifacts/report.json"))).toBe(true)
  })

  it.each([
    ["another commit", { commit: "0".repeat(40) }, {}],
    ["uncommitted changes", { dirty: true }, {}],
    ["another branch", { branch: "main2" }, {}],
    ["a plan for another branch", {}, { "plan.json": '{"branch":"main2"}' }],
    ["a plan that is none", {}, { "plan.json": "main" }],
    ["a second run beside it", {}, { "logs/report.json": "{}", "logs/plan.json": "{}" }],
  ])("signs nothing of artifacts that tell of %s", async (_, source, files) => {
    const usual = { commit, dirty: false, branch: "main" }
    const more = {
      report: { ok: true, source: { ...usual, ...source } },
      files: { "plan.json": '{"branch":"main"}', ...files },
    }
    const { run, ends, calls } = await record(byHand(), answer(more))
    expect(names(calls)).toEqual(["build-stack"])
    expect(ends).toEqual({ ...skipped, "build (all)": "success", sign: "failure" })
    expect(run.log).toContain("::error title=Not signed::")
  })

  it.each(["build", "retest", "skip"])(
    "moves no tag where the plan is to %s an image all the same",
    async (action) => {
      const plan = { steps: [step("base", "retag"), step("left", action)] }
      const { run, ends, calls } = await record(byHand(), answer({ plan }))
      expect(names(calls)).toEqual(["build-stack", "attest", "plan"])
      expect(ends).toEqual({ ...skipped, "build (all)": "success", sign: "success", tag: "failure" })
      expect(run.jobs.get("tag")?.summary).toBe(`- base: retag\n- left: ${action}\n`)
      expect(run.log).toContain("::error title=Not believed::")
    },
  )

  it("moves no tag quietly: one that stays fails the job", async () => {
    const report = { ok: true, source: { commit, dirty: false, branch: "main" } }
    const unsigned = { ...report, images: [...images, { name: "right", published: false }] }
    const { ends } = await record(byHand(), answer({ report: unsigned }))
    expect(ends).toEqual({ ...skipped, "build (all)": "success", sign: "success", tag: "failure" })
  })

  it("builds platform by platform where the repository says so, and signs what all have left", async () => {
    const vars = { STACK_PLATFORMS: '["linux/amd64", "linux/arm64"]', STACK_RUNNER_ARM64: "our-arm" }
    const { run, ends, calls } = await record(byHand("try"), answer({}, "try"), { vars })
    expect(ends).toEqual({
      ...skipped,
      "build (linux/amd64)": "success",
      "build (linux/arm64)": "success",
      sign: "success",
      tag: "success",
    })
    expect(names(calls)).toEqual(["build-stack", "build-stack", "attest", "plan", "build-stack"])
    expect(calls.map(({ args }) => args.find((word) => word.startsWith("--platform=")))).toEqual([
      "--platform=linux/amd64",
      "--platform=linux/arm64",
      ...[undefined, undefined, undefined],
    ])
    expect(run.jobs.get("build (linux/arm64)")?.runsOn).toBe("our-arm")
    const fetched = readdirSync(join(run.artifacts, "../sign/temp/build"))
    expect(fetched).toEqual(["build-artifacts-amd64", "build-artifacts-arm64"])
  })

  it("leaves the wiki alone but on main", async () => {
    const { ends, calls } = await record(byHand("try"), answer({}, "try"))
    expect(ends).toEqual({ ...skipped, "build (all)": "success", sign: "success", tag: "success" })
    expect(calls[0]?.args).toContain("--branch=try")
  })

  it("keeps a branch with signs of the shell in one word", async () => {
    const branch = `a$(id)'"b`
    const name = await repository.commit(branch, "third", { "README.md": "more" })
    const source = { commit: name, dirty: false, branch }
    const { ends, calls } = await record(
      dispatchEvent(branch, name),
      answer({ report: { ok: true, source, images } }, branch),
    )
    expect(ends).toEqual({ ...skipped, "build (all)": "success", sign: "success", tag: "success" })
    expect(calls[0]?.args).toContain(`--branch=${branch}`)
  })
})

describe("who starts it", () => {
  it("is a person: no push, and no pull request", () => {
    expect([...signed.triggers.keys()]).toEqual(["workflow_dispatch"])
    expect(signed.permissions).toEqual({})
  })

  it("may be a push, as docs/evidence.md says", async () => {
    const event = pushEvent("main", commit, { before: "abc123" })
    const { run, ends, calls } = await record(event, answer(), {}, automatic)
    expect(ends).toEqual({
      ...skipped,
      "build (all)": "success",
      sign: "success",
      tag: "success",
      wiki: "success",
    })
    const deciding = calls.filter(({ args }) => args.includes("--previous=abc123"))
    expect(names(deciding)).toEqual(["build-stack", "plan"])
    expect(run.group).toBe("stack-refs/heads/main")
  })

  it.each([false, true, "deleted", "parent"] as const)(
    "is never a pull request (of a fork: %s), whatever triggers are added",
    async (fork) => {
      const { ends, calls } = await record(pullRequestEvent(7, commit, { fork }), answer(), {}, automatic)
      expect([ends, calls]).toEqual([{ ...skipped, build: "skipped" }, []])
    },
  )

  it.each(["", "2026.4-main"])(
    "is no fork, with a registry of its own or without (tag %j)",
    async (gpuTag) => {
      const event = {
        ...byHand("main", { gpuTag }),
        payload: { repository: { fork: true, default_branch: "main" } },
      }
      const vars = { STACK_REGISTRY: "ghcr.io/mallory" }
      const { ends, calls } = await record(event, answer(), { vars })
      expect([ends, calls]).toEqual([{ ...skipped, build: "skipped" }, []])
    },
  )
})

describe("signed.yml for a GPU test", () => {
  it("tests a tag on the cluster, signs the verdict, and builds nothing", async () => {
    const vars = { DSMLP_LOGIN_HOST: "login.example", DSMLP_LOGIN_HOST_KEY: "ssh-ed25519 AAAA" }
    const { run, ends, calls } = await record(byHand("main", { gpuTag: "2026.4-main" }), answer(), { vars })
    expect(ends).toEqual({ ...skipped, build: "skipped", "gpu-test": "success" })
    expect(names(calls)).toEqual(["gpu-test"])
    const call = named(calls, "gpu-test")
    expect(call?.args).toEqual(
      expect.arrayContaining([
        "gpu-test",
        "--tag=2026.4-main",
        "--host=login.example",
        "--host-key=ssh-ed25519 AAAA",
        "--password=env://GPU_PASSWORD",
        "--oidc-token=env://ACTIONS_ID_TOKEN_REQUEST_TOKEN",
      ]),
    )
    expect(call?.env).toMatchObject({
      GPU_PASSWORD: "a $ecret",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "identity of gpu-test",
    })
    expect(run.jobs.get("gpu-test")?.environment).toBe("gpu")
    expect(run.group).toBe("gpu-test-2026.4-main")
  })

  it("gives the login of the cluster to nobody who builds or signs images", async () => {
    const { calls } = await record(byHand())
    expect(JSON.stringify(calls)).not.toContain("a $ecret")
  })
})

describe("in all workflows, an identity", () => {
  const jobs = readdirSync(workflows).flatMap((file) =>
    readWorkflow(join(workflows, file)).jobs.map((job) => ({ file, job })),
  )
  const hasIdentity = ({ permissions }: WorkflowJob) => "id-token" in permissions
  const calledBy = ({ steps }: WorkflowJob) =>
    steps.flatMap(({ run = "" }) => [...run.matchAll(/call\.sh"? ([\w-]+)/g)].map(([, name]) => name))

  it("is given to jobs that run nothing of an image, on GitHub's machines", () => {
    const given = jobs.filter(({ job }) => hasIdentity(job))
    expect(given.map(({ file, job }) => `${file} ${job.id}: ${calledBy(job).join()}`)).toEqual([
      "signed.yml sign: attest",
      "signed.yml gpu-test: gpu-test",
    ])
    expect(given.map(({ job }) => job.runsOn)).toEqual(["ubuntu-latest", "ubuntu-latest"])
  })

  it("is spoken of by no other job, and is never all that a workflow has", () => {
    const others = jobs.filter(({ job }) => !hasIdentity(job))
    const speaking = others.filter(({ job }) => JSON.stringify(job).includes("ID_TOKEN"))
    expect(speaking.map(({ file }) => file)).toEqual([])
    for (const file of readdirSync(workflows)) {
      expect(readFileSync(join(workflows, file), "utf8")).not.toMatch(/write-all|read-all/)
    }
  })
})
