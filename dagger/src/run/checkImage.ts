import { Container, Directory } from "@dagger.io/dagger"
import { checkBudget } from "../manifest/budget.js"
import { formatBytes } from "../text/format.js"
import type { TestVerdict } from "../testing/testRun.js"
import { judgeTests } from "../testing/testRun.js"
import { commonTests, testSettings } from "../testing/testFolders.js"
import { engineMessage } from "./engineError.js"
import type { Execution, ImageJob, ImageState, SuiteOutput } from "./execution.js"
import { runBasicTests } from "./imageTests.js"
import { runProbes, unpackedBytes } from "./inspectImage.js"
import { runIntegrationTests } from "./integrationTests.js"
import { sourceFiles } from "./openSource.js"

/** Basic tests inside the image, and facts about it for its manifest page, side by side; then its size is judged. */
export async function checkImage(
  run: Execution,
  state: ImageState,
  container: Container,
): Promise<ImageState> {
  const [tests, facts] = await Promise.allSettled([
    basicTests(run, state, container),
    state.journal.step("inspect", () => inspect(state, container)),
  ])
  const inspected = facts.status === "fulfilled" ? { ...state, ...facts.value } : state
  if (tests.status === "rejected") return checkFailed(inspected, tests.reason)
  const checked = tests.value === undefined ? inspected : withSuite(inspected, tests.value)
  const elsewhere = hasServerTests(state.job)
  const untested = elsewhere ? "inside it: only its server has tests" : "it has no tests"
  return judgeSize(withVerdict(run, checked, untested))
}

/** The state of an image that could not be judged; what was found out before stays. */
export function checkFailed(state: ImageState, error: unknown): ImageState {
  const message = engineMessage(error)
  state.journal.keep(message)
  return { ...state, outcome: { kind: "check-failed", message } }
}

function withSuite(state: ImageState, suite: SuiteOutput): ImageState {
  return {
    ...state,
    suites: [...state.suites, suite],
    notices: [...state.notices, ...suite.notices],
  }
}

/** Whether there are tests against the image's running server. */
export function hasServerTests({ folders }: ImageJob): boolean {
  return folders.integration.length > 0
}

/** Tests against the image's running server. */
export async function checkServer(
  run: Execution,
  state: ImageState,
  container: Container,
): Promise<ImageState> {
  const folders = belowImages(state.job.folders.integration)
  const settings = { hubVersion: run.hubVersion, serverPort: state.job.serverPort }
  const result = await state.journal.step("integration tests", async () =>
    runIntegrationTests(container, await testsIn(run, folders), folders, run.limits, settings, run.runId),
  )
  return withVerdict(run, withSuite(state, { kind: "integration", ...result }), "its server has no tests")
}

async function basicTests(
  run: Execution,
  state: ImageState,
  container: Container,
): Promise<SuiteOutput | undefined> {
  const folders = belowImages(state.job.folders.basic)
  if (folders.length === 0) return undefined
  const image = testEnvironment(run, container)
  const result = await state.journal.step("tests", async () =>
    runBasicTests(image, await testsIn(run, folders), folders, run.limits, run.runId),
  )
  return { kind: "basic", ...result }
}

function testEnvironment({ hubVersion, fresh, runId }: Execution, container: Container): Container {
  const image =
    hubVersion === undefined ? container : container.withEnvVariable("STACK_HUB_VERSION", hubVersion)
  return fresh === true ? image.withEnvVariable("STACK_RUN", runId) : image
}

/**
 * The tests without the other files of the images: a change of those does not take the worth from a cached pass. What
 * all tests may import is always there.
 */
function testsIn({ copy, imagesDirectory }: Execution, folders: readonly string[]): Promise<Directory> {
  const include = [...[commonTests, ...folders].map((folder) => `${folder}/**`), ...testSettings]
  return sourceFiles(copy, imagesDirectory, include)
}

/** Folders are named from the root of the source; tests are mounted from the folder of images. */
function belowImages(folders: readonly string[]): readonly string[] {
  return folders.map((folder) => folder.slice(folder.indexOf("/") + 1))
}

async function inspect(
  { job, notices }: ImageState,
  container: Container,
): Promise<Pick<ImageState, "probes" | "notices"> & Partial<Pick<ImageState, "unpackedBytes">>> {
  try {
    const [answers, bytes] = await Promise.all([runProbes(container, job.probes), unpackedBytes(container)])
    const found = { probes: answers.results, notices: [...notices, ...answers.notices] }
    return bytes === undefined ? found : { ...found, unpackedBytes: bytes }
  } catch (error) {
    // Facts for a page are not worth an image: it says what is missing.
    return {
      probes: new Map(),
      notices: [...notices, `the image could not be inspected: ${engineMessage(error)}`],
    }
  }
}

function withVerdict({ limits }: Execution, state: ImageState, untested: string): ImageState {
  const suite = state.suites.at(-1)
  const verdict: TestVerdict =
    suite === undefined ? { kind: "none", reason: untested } : judgeTests(suite.run, limits.filter)
  state.journal.say(verdict.kind === "passed" ? "tests passed" : `tests: ${verdict.reason}`)
  if (verdict.kind === "failed")
    return { ...state, outcome: { kind: "tests-failed", reason: verdict.reason } }
  if (verdict.kind === "none")
    return { ...state, notices: [...state.notices, `not tested: ${verdict.reason}`] }
  return state
}

/** Compares the unpacked size with the spec's budget: over it fails, near it is a notice. */
function judgeSize(state: ImageState): ImageState {
  const { sizeBudget } = state.job
  if (state.outcome !== undefined || sizeBudget === undefined || state.unpackedBytes === undefined)
    return state
  const { kind, size, budget } = checkBudget(state.unpackedBytes, sizeBudget)
  const sizes = `${formatBytes(size)} of ${formatBytes(budget)}`
  switch (kind) {
    case "over":
      return { ...state, outcome: { kind: "over-budget", message: `larger than its size budget: ${sizes}` } }
    case "near":
      return { ...state, notices: [...state.notices, `near its size budget: ${sizes}`] }
    case "within":
      return state
  }
}
