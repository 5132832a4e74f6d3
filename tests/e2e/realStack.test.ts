import { existsSync, readFileSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { StackReport } from "../../dagger/lib/report/report.js"
import { isFailure } from "../../dagger/lib/testing/testRun.js"
import type { Ended } from "../support/stack.js"
import { checkout, removeFolder, run, stack } from "../support/stack.js"

/**
 * The stack of this repository, from a clean clone. Its root alone where nothing else is asked for (`STACK_REAL=all`):
 * the children repeat their parent's tests, which takes a quarter of an hour on two cores.
 */
const only = process.env.STACK_REAL === "all" ? [] : ["--only=datascience-notebook"]

let folder: string
let ended: Ended
let report: StackReport

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "real-stack-"))
  await run("git", ["clone", "--quiet", checkout, join(folder, "clone")], { cwd: folder })
  const args = [
    "build-stack",
    "--source=.",
    "--branch=main",
    ...only,
    "artifacts",
    "export",
    `--path=${folder}/out`,
  ]
  ended = await stack(args, { cwd: join(folder, "clone"), timeout: 3_600_000 })
  report = JSON.parse(readFileSync(join(folder, "out/report.json"), "utf8")) as StackReport
}, 3_600_000)

afterAll(async () => {
  await removeFolder(folder)
})

test("every image that was asked for is built and passes its tests", () => {
  expect(ended.status, ended.stderr.slice(-2000)).toBe(0)
  const worked = report.images.filter(({ action }) => action !== "skip")
  expect(worked.map(({ name, outcome }) => [name, outcome.kind])).toEqual(
    worked.map(({ name }) => [name, "passed"]),
  )
  expect(worked.map(({ name }) => name)).toContain("datascience-notebook")
})

test("the root's tests cover packages, kernels, servers and R, and none failed", () => {
  const root = report.images.find(({ name }) => name === "datascience-notebook")
  const tests = root?.suites.flatMap((suite) => suite.run.tests) ?? []
  expect(tests.filter(isFailure).map(({ id, message, output }) => ({ id, message, output }))).toEqual([])
  expect(tests.length).toBeGreaterThan(100)
  for (const file of ["test_kernels", "test_hub", "test_server", "test_python", "test_r"]) {
    expect(
      tests.some(({ id }) => id.includes(`/${file}.py`)),
      file,
    ).toBe(true)
  }
})

test("the browser opened JupyterLab, and its screenshots are kept", () => {
  const root = report.images.find(({ name }) => name === "datascience-notebook")
  const beside = root?.suites.find(({ kind }) => kind === "integration")
  expect(beside?.run.tests.map(({ outcome }) => outcome)).toContain("passed")
  expect(existsSync(join(folder, "out/screenshots/datascience-notebook/integration"))).toBe(true)
  expect(readFileSync(join(folder, "out/logs/datascience-notebook.server.log"), "utf8")).toContain("Serving")
})

test("the manifest page has packages of Debian, Python and R", () => {
  const page = join(folder, "out/manifests/ghcr-io-ucsd-ets-datascience-notebook-2026.4-main.md")
  const text = readFileSync(page, "utf8")
  for (const name of ["jupyterlab", "r-base-core", "IRkernel"]) expect(text).toContain(name)
})
