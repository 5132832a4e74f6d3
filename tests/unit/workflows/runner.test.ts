import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { stringify } from "yaml"
import { runWorkflow } from "../../support/runner.js"
import type { WorkflowRun } from "../../support/runner.js"
import { readWorkflow } from "../../support/workflow.js"
import { dispatchEvent } from "../../support/workflowEvents.js"

// The stand-in of the runner itself, where the workflows' own tests would not notice that it is wrong.

let folder: string
const runs: WorkflowRun[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "runner-test-"))
})

afterAll(async () => {
  for (const run of runs) await run.remove()
  rmSync(folder, { recursive: true })
})

/** A job whose one step runs a script. */
function job(script: string, more: object = {}): object {
  const step = { name: "Step", id: "step", env: { X: "${{ matrix.x }}" }, run: script }
  const { env, ...plain } = step
  const ofMatrix = "strategy" in more
  return { "runs-on": "here", permissions: {}, steps: [ofMatrix ? { ...plain, env } : plain], ...more }
}

function matrix(list: string, more: object = {}): object {
  return { strategy: { "max-parallel": 1, matrix: { x: list }, ...more } }
}

async function start(jobs: Readonly<Record<string, object>>): Promise<WorkflowRun> {
  const file = join(folder, "workflow.yml")
  const concurrency = { group: "x", "cancel-in-progress": false }
  writeFileSync(
    file,
    stringify({ name: "Test", on: { workflow_dispatch: null }, permissions: {}, concurrency, jobs }),
  )
  const run = await runWorkflow(readWorkflow(file), dispatchEvent("main", "0".repeat(40)), {
    origin: folder,
    repository: "owner/name",
    serverUrl: "https://github.example",
    path: "/usr/bin:/bin",
  })
  if (run === undefined) throw new Error("it does not start")
  runs.push(run)
  return run
}

const ends = ({ jobs }: WorkflowRun) => [...jobs].map(([name, { conclusion }]) => `${name}: ${conclusion}`)

it("hands outputs of steps on to later steps and jobs", async () => {
  const first = job('echo "list=[1]" >>"$GITHUB_OUTPUT"', {
    outputs: { list: "${{ steps.step.outputs.list }}!" },
  })
  const second = job('echo "${{ needs.first.outputs.list }} ${{ needs.first.result }}"', { needs: "first" })
  const run = await start({ first, second })
  expect(run.jobs.get("first")?.outputs).toEqual({ list: "[1]!" })
  expect(run.log).toContain("[1]! success")
})

it("gives each job of a matrix a machine of its own, in the order of the list", async () => {
  const run = await start({
    each: job('test ! -e mark && touch mark && echo "x=$X"', matrix(`\${{ fromJSON('["b","a"]') }}`)),
  })
  expect(ends(run)).toEqual(["each (b): success", "each (a): success"])
  expect(run.log).toMatch(/x=b\n+x=a/)
})

it.each([
  [{}, "cancelled"],
  [{ "fail-fast": true }, "cancelled"],
  [{ "fail-fast": false }, "success"],
])("with %j a job behind a failed one is %s", async (more, third) => {
  const each = job('test "$X" != 2', matrix("${{ fromJSON('[1,2,3]') }}", more))
  const after = job("true", { needs: "each" })
  const run = await start({ each, after })
  expect(ends(run)).toEqual([
    "each (1): success",
    "each (2): failure",
    `each (3): ${third}`,
    "after: skipped",
  ])
  expect(run.conclusion).toBe("failure")
})

it("looks at all jobs that a job stands on, and takes a skipped one for neither good nor bad", async () => {
  const goesOn = { if: "${{ !cancelled() && !failure() }}" }
  const run = await start({
    skipped: job("true", { if: "false" }),
    plain: job("true", { needs: "skipped" }),
    asked: job("true", { needs: "skipped", ...goesOn }),
    behind: job("true", { needs: "asked" }),
    failed: job("false"),
    between: job("true", { needs: "failed" }),
    far: job("true", { needs: "between", ...goesOn }),
  })
  expect(ends(run)).toEqual([
    "skipped: skipped",
    "plain: skipped",
    "asked: success",
    "behind: skipped",
    "failed: failure",
    "between: skipped",
    "far: skipped",
  ])
})

it.each([
  ["an empty matrix", job("true", matrix("${{ fromJSON('[]') }}")), /has no values for "x"/],
  ["a matrix of one text", job("true", matrix("${{ 'a' }}")), /has no values for "x"/],
  ["a matrix that is no expression", job("true", matrix("[1]")), /is no expression/],
  [
    "jobs side by side",
    job("true", matrix("${{ 1 }}", { "max-parallel": 2 })),
    /max-parallel: 1 or fail-fast: false only/,
  ],
  [
    "two variables",
    job("true", { strategy: { "max-parallel": 1, matrix: { x: "a", y: "b" } } }),
    /one variable/,
  ],
  [
    "include",
    job("true", { strategy: { "max-parallel": 1, matrix: { include: "a" } } }),
    /"include" in matrix/,
  ],
  ["an output of several lines", job('echo "a<<E" >>"$GITHUB_OUTPUT"'), /not understood in GITHUB_OUTPUT/],
  [
    "an output that nobody can read",
    { ...job(""), steps: [{ name: "Step", run: 'echo "a=b" >>"$GITHUB_OUTPUT"' }] },
    /has no id/,
  ],
  ["a need that is not there", job("true", { needs: "nobody" }), /comes before what it needs/],
  [
    "secrets in the condition of a job",
    job("true", { if: "secrets.X != ''" }),
    /Unrecognized named-value: 'secrets'/,
  ],
])("%s is refused", async (_, wrong, message) => {
  await expect(start({ wrong })).rejects.toThrow(message)
})
