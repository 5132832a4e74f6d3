import { Container, Directory } from "@dagger.io/dagger"
import { checkBudget } from "../manifest/budget.js"
import { formatBytes, listOf } from "../text/format.js"
import type { TestVerdict } from "../testing/testRun.js"
import { judgeTests } from "../testing/testRun.js"
import { commonTests, testScopes, testSettings } from "../testing/testFolders.js"
import { engineMessage } from "../engine/engineError.js"
import type { Execution, ImageJob, ImageState, SuiteOutput } from "./execution.js"
import type { InTurns, TestPart } from "../engine/imageTests.js"
import { runBasicTests } from "../engine/imageTests.js"
import type { OutsideFacts } from "../engine/inspectImage.js"
import { outsideFacts, runProbes } from "../engine/inspectImage.js"
import type { IntegrationResult, ServerTests } from "../engine/integrationTests.js"
import { runIntegrationTests } from "../engine/integrationTests.js"
import { judgeHash } from "../engine/judge.js"
import { sourceFiles } from "../gather/openSource.js"
import { keepServerPass, recallServerPass, serverPassKey } from "../engine/serverPasses.js"

/**
 * Basic tests inside the image, and facts about it for its manifest page, side by side; then its size is judged.
 * @param inTurns runs the folders of tests
 */
export async function checkImage(
  run: Execution,
  state: ImageState,
  container: Container,
  inTurns: InTurns,
): Promise<ImageState> {
  const [tests, facts] = await Promise.allSettled([
    basicTests(run, state, container, inTurns),
    state.journal.step("inspect", () => inspect(run, state, container)),
  ])
  const inspected = facts.status === "fulfilled" ? { ...state, ...facts.value } : state
  if (tests.status === "rejected") return checkFailed(inspected, tests.reason)
  const checked = tests.value === undefined ? inspected : withSuite(run, inspected, tests.value)
  const elsewhere = state.job.folders.integration.length > 0
  const untested = elsewhere ? "inside it: only its server has tests" : "it has no tests"
  return judgeSize(withVerdict(run, checked, untested))
}

/** The state of an image that could not be judged; what was found out before stays. */
export function checkFailed(state: ImageState, error: unknown): ImageState {
  const message = engineMessage(error)
  state.journal.keep(message)
  return { ...state, outcome: { kind: "check-failed", message } }
}

function withSuite({ imagesDirectory }: Execution, state: ImageState, suite: SuiteOutput): ImageState {
  return {
    ...state,
    suites: [...state.suites, suite],
    passed: [...state.passed, ...suite.passed.map((folder) => `${imagesDirectory}/${folder}`)],
    notices: [...state.notices, ...suite.notices],
  }
}

/** Whether there are tests against the image's running server that are not proved yet. */
export function hasServerTests(state: ImageState): boolean {
  return unproved(state, state.job.folders.integration).length > 0
}

function unproved({ proved }: ImageState, folders: readonly string[]): readonly string[] {
  return folders.filter((folder) => !proved.includes(folder))
}

/** Tests against the image's running server; a pass of the same image and the same tests counts. */
export async function checkServer(
  run: Execution,
  state: ImageState,
  container: Container,
): Promise<ImageState> {
  const result = await state.journal.step("integration tests", async () => {
    const server = await serverTests(run, state, container)
    const key = await passKey(run, state, server)
    const known = key === undefined ? undefined : await recalled(run, state, key)
    if (known !== undefined) return { ...known, passed: server.folders, earlier: server.folders }
    const found = await runIntegrationTests(server, run.limits, run.runId)
    if (judgeTests(found.run).kind !== "passed") return { ...found, passed: [], earlier: [] }
    if (key !== undefined) await keep(run, state, key, found)
    return { ...found, passed: server.folders, earlier: [] }
  })
  sayEarlier(state, result.earlier)
  return withVerdict(
    run,
    withSuite(run, state, { kind: "integration", ...result }),
    "its server has no tests",
  )
}

async function serverTests(run: Execution, { job }: ImageState, image: Container): Promise<ServerTests> {
  const folders = belowImages(job.folders.integration)
  const { hubVersion } = run
  return { image, tests: await testsIn(run, folders), folders, hubVersion, serverPort: job.serverPort }
}

/** The name of a pass of these tests; none where it is not to be remembered, or nothing tells the image for certain. */
async function passKey(
  { fresh, limits }: Execution,
  { mark }: ImageState,
  { image, tests, folders, hubVersion, serverPort }: ServerTests,
): Promise<string | undefined> {
  if (fresh === true || limits.filter !== "" || mark === undefined) return undefined
  const settings = await Promise.all([image.entrypoint(), image.defaultArgs(), image.user(), image.workdir()])
  const terms = [mark, settings, await tests.digest(), folders, limits.spec, hubVersion, serverPort]
  return serverPassKey([...terms, await judgeHash()])
}

/** What cannot be read is tested again. */
async function recalled(
  { runId }: Execution,
  { journal }: ImageState,
  key: string,
): Promise<IntegrationResult | undefined> {
  try {
    return await recallServerPass(key, runId)
  } catch (error) {
    journal.keep(`no earlier pass of the server's tests can be read: ${engineMessage(error)}`)
    return undefined
  }
}

async function keep(
  { runId }: Execution,
  { journal }: ImageState,
  key: string,
  pass: IntegrationResult,
): Promise<void> {
  try {
    await keepServerPass(key, pass, runId)
  } catch (error) {
    // The verdict stands; the next run tests once more.
    journal.keep(`the pass of the server's tests could not be kept: ${engineMessage(error)}`)
  }
}

async function basicTests(
  run: Execution,
  state: ImageState,
  container: Container,
  inTurns: InTurns,
): Promise<SuiteOutput | undefined> {
  const { basic } = state.job.folders
  if (unproved(state, basic).length === 0) return undefined
  const image = testEnvironment(run, container)
  const result = await state.journal.step("tests", async () =>
    runBasicTests(image, await testParts(run, state), run.limits, run.runId, inTurns),
  )
  sayEarlier(state, result.earlier)
  return { kind: "basic", ...result }
}

/** Each folder for itself; together where a filter leaves a few tests, for which pytest is started once. */
async function testParts(run: Execution, state: ImageState): Promise<readonly TestPart[]> {
  const folders = belowImages(state.job.folders.basic)
  if (run.limits.filter !== "") return [{ folders, tests: await testsIn(run, folders) }]
  const left = belowImages(unproved(state, state.job.folders.basic))
  const scopes = testScopes(folders, commonTests).filter(({ folder }) => left.includes(folder))
  return Promise.all(
    scopes.map(async ({ folder, sees }) => ({
      folders: [folder],
      tests: await testsIn(run, sees),
    })),
  )
}

function sayEarlier({ journal }: ImageState, folders: readonly string[]): void {
  if (folders.length === 0) return
  journal.say(`passed in an earlier run, of the same image and tests: ${listOf(folders)}`)
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
  run: Execution,
  { job, notices }: ImageState,
  container: Container,
): Promise<Pick<ImageState, "probes" | "notices"> & OutsideFacts> {
  try {
    const [answers, outside] = await Promise.all([
      runProbes(container, job.probes),
      isMeasured(run, job) ? outsideFacts(container) : {},
    ])
    return { probes: answers.results, notices: [...notices, ...answers.notices], ...outside }
  } catch (error) {
    // Facts for a page are not worth an image: it says what is missing.
    return {
      probes: new Map(),
      notices: [...notices, `the image could not be inspected: ${engineMessage(error)}`],
    }
  }
}

/** Whether an image's size is for a page or a verdict: a run of some tests alone is neither. */
function isMeasured({ limits }: Execution, { probes, sizeBudget }: ImageJob): boolean {
  return limits.filter === "" && (probes.length > 0 || sizeBudget !== undefined)
}

function withVerdict({ limits }: Execution, state: ImageState, untested: string): ImageState {
  const suite = state.suites.at(-1)
  if (suite === undefined && state.proved.length > 0) return state
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
