import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { execute } from "../../../dagger/src/run/execute.js"
import type { Execution, ImageJob, ImageState } from "../../../dagger/src/run/execution.js"
import type { Publishing } from "../../../dagger/src/report/report.js"
import { freePort } from "../../support/freePort.js"

// The engine is away: the SDK is the real one, and each step that needs it fails.
beforeAll(async () => {
  vi.stubEnv("DAGGER_SESSION_PORT", String(await freePort()))
  vi.stubEnv("DAGGER_SESSION_TOKEN", "none")
  vi.spyOn(console, "log").mockImplementation(() => undefined)
})

afterAll(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const digest = `sha256:${"d".repeat(64)}`

function job(name: string, action: ImageJob["action"], more: Partial<ImageJob> = {}): ImageJob {
  const known = { reference: `ghcr.io/example/${name}@${digest}`, digest }
  return {
    name,
    parents: [],
    action,
    reasons: ["a test"],
    target: name,
    builderArgs: new Map(),
    inputKey: "i".repeat(64),
    testKey: "t".repeat(64),
    movesTag: true,
    repository: { registry: "ghcr.io", path: `example/${name}` },
    ...(action !== "build" && action !== "skip" && { known }),
    folders: { basic: [], integration: [], serverUntested: false },
    probes: [],
    labels: new Map(),
    foreignLabels: [],
    notices: [],
    ...more,
  }
}

/** Outcomes of a run whose builds fail: their context cannot be made. */
async function run(publishing: Publishing, ...jobs: ImageJob[]): Promise<ReadonlyMap<string, ImageState>> {
  const tests = { timeoutSeconds: 5, imageTimeoutSeconds: 5 }
  const execution: Execution = {
    context: () => Promise.reject(new Error("there is no context")),
    copy: { folder: "none" },
    imagesDirectory: "images",
    jobs,
    tag: "2026.4-main",
    publishing,
    limits: { spec: tests, filter: "" },
    parallel: 2,
    runId: "run",
    platform: "linux/amd64",
    secrets: new Map(),
  }
  const tags = new Map<string, string>()
  const states = await execute(execution, {
    write: (repository, digest, tag) => Promise.resolve(void tags.set(`${repository.path}:${tag}`, digest)),
    read: (repository, tag) => Promise.resolve(tags.get(`${repository.path}:${tag}`)),
  })
  return new Map(states.map((state) => [state.job.name, state]))
}

describe("what a run says of an image", () => {
  test("retagged is only what was tagged", async () => {
    const states = await run("together", job("same", "retag"), job("broken", "build"))
    expect(states.get("broken")?.outcome?.kind).toBe("build-failed")
    expect(states.get("same")).toMatchObject({
      published: false,
      outcome: { kind: "not-needed", reason: expect.stringContaining("not tagged 2026.4-main") as string },
    })
    const tagged = await run("together", job("same", "retag"))
    expect(tagged.get("same")).toMatchObject({ published: true, outcome: { kind: "retagged" } })
  })

  test("images that nobody asked for are not skipped because of a parent", async () => {
    const states = await run("nothing", job("base", "build"), job("leaf", "skip", { parents: ["base"] }))
    expect(states.get("base")?.outcome?.kind).toBe("build-failed")
    expect(states.get("leaf")?.outcome?.kind).toBe("not-needed")
  })

  test("what was to be built on a failed parent is skipped", async () => {
    const states = await run("nothing", job("base", "build"), job("leaf", "build", { parents: ["base"] }))
    expect(states.get("leaf")?.outcome).toMatchObject({ kind: "skipped", because: "base" })
  })

  test("an error while an image is checked fails no build, and loses nothing of what was found before", async () => {
    const folders = { basic: [], integration: ["images/served/integration_tests"], serverUntested: false }
    const states = await run("nothing", job("served", "retest", { folders }))
    const state = states.get("served")
    expect(state?.outcome?.kind).toBe("check-failed")
    expect(state?.digest).toBe(digest)
    expect(state?.journal.steps.map(({ name }) => name)).toEqual(["inspect", "integration tests"])
    expect(state?.notices.join()).toContain("not tested")
  })

  test("a published image that cannot be asked for was not built, and did not fail to build", async () => {
    const known = { reference: "ghcr.io/example/leaf:2026.4-main" }
    const states = await run("nothing", job("leaf", "retest", { known }))
    expect(states.get("leaf")?.outcome?.kind).toBe("check-failed")
  })
})
