import { Container, Directory } from "@dagger.io/dagger"
import { checkBudget } from "../manifest/budget.js"
import { formatBytes, listOf } from "../text/format.js"
import type { TestVerdict } from "../testing/testRun.js"
import { judgeTests } from "../testing/testRun.js"
import { belowImages, commonTests, testScopes, testSettings } from "../testing/testFolders.js"
import { engineMessage } from "../engine/engineError.js"
import { judgeTags } from "./checkTags.js"
import type { BuiltImage, EndedImage, Execution, WaitingImage } from "./execution.js"
import { ended } from "./execution.js"
import type { ImageRecord, SuiteOutput } from "./record.js"
import type { ImageOutcome } from "../report/report.js"
import type { InTurns, TestPart } from "../engine/imageTests.js"
import { runBasicTests } from "../engine/imageTests.js"
import { inspectImage } from "../engine/inspectImage.js"
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
  image: BuiltImage,
  inTurns: InTurns,
): Promise<BuiltImage | EndedImage> {
  const { job, record } = image
  // Both to their end: what one of them finds out is kept where the other fails.
  const [tests] = await Promise.allSettled([
    basicTests(run, image, inTurns),
    record.step("inspect", () => inspect(run, image)),
  ])
  if (tests.status === "rejected") return checkFailed(image, tests.reason)
  const elsewhere = job.folders.integration.length > 0
  const untested = elsewhere ? "inside it: only its server has tests" : whyNoTests(run)
  const found = verdict(run, image, tests.value, untested)
  return endedBy(image, found ?? judgeSize(image) ?? judgeTags(run, image))
}

/** Why an image without tests has none. */
export function whyNoTests({ tests, platform }: Execution): string {
  return tests === "none" ? `${platform} is emulated, and tests.emulated is none` : "it has no tests"
}

/** The end of an image that could not be judged. */
export function checkFailed(image: WaitingImage | BuiltImage, error: unknown): EndedImage {
  const message = engineMessage(error)
  image.record.keep(message)
  return ended(image, { kind: "check-failed", message })
}

/** @param failure what ends the image's way; nothing where it goes on */
function endedBy(image: BuiltImage, failure: ImageOutcome | undefined): BuiltImage | EndedImage {
  return failure === undefined ? image : ended(image, failure)
}

function keepSuite({ imagesDirectory }: Execution, record: ImageRecord, suite: SuiteOutput): void {
  record.suites.push(suite)
  record.passed.push(...suite.passed.map((folder) => `${imagesDirectory}/${folder}`))
  record.notices.push(...suite.notices)
}

/** Whether there are tests against the image's running server that are not proved yet. */
export function hasServerTests({ job, record }: BuiltImage): boolean {
  return unproved(record, job.folders.integration).length > 0
}

function unproved({ proved }: ImageRecord, folders: readonly string[]): readonly string[] {
  return folders.filter((folder) => !proved.includes(folder))
}

/** Tests against the image's running server; a pass of the same image and the same tests counts. */
export async function checkServer(run: Execution, image: BuiltImage): Promise<BuiltImage | EndedImage> {
  const { record } = image
  const result = await record.step("integration tests", async () => {
    const server = await serverTests(run, image)
    const key = await passKey(run, record, server)
    const known = key === undefined ? undefined : await recalled(run, record, key)
    if (known !== undefined) return { ...known, passed: server.folders, earlier: server.folders }
    const found = await runIntegrationTests(server, run.limits, run.runId)
    if (judgeTests(found.run).kind !== "passed") return { ...found, passed: [], earlier: [] }
    if (key !== undefined) await keep(run, record, key, found)
    return { ...found, passed: server.folders, earlier: [] }
  })
  const suite = { kind: "integration" as const, ...result }
  sayEarlier(record, result.earlier)
  keepSuite(run, record, suite)
  return endedBy(image, verdict(run, image, suite, "its server has no tests"))
}

async function serverTests(run: Execution, { job, container }: BuiltImage): Promise<ServerTests> {
  const folders = job.folders.integration.map(belowImages)
  const tests = await testsIn(run, folders)
  return { image: container, tests, folders, hubVersion: run.hubVersion, serverPort: job.serverPort }
}

/** The name of a pass of these tests; none where it is not to be remembered, or nothing tells the image for certain. */
async function passKey(
  { purpose, limits }: Execution,
  { outside: { mark } }: ImageRecord,
  { image, tests, folders, hubVersion, serverPort }: ServerTests,
): Promise<string | undefined> {
  if (purpose === "tests" || limits.filter !== "" || mark === undefined) return undefined
  const settings = await Promise.all([image.entrypoint(), image.defaultArgs(), image.user(), image.workdir()])
  const terms = [mark, settings, await tests.digest(), folders, limits.spec, hubVersion, serverPort]
  return serverPassKey([...terms, await judgeHash()])
}

/** What cannot be read is tested again. */
async function recalled(
  { runId }: Execution,
  record: ImageRecord,
  key: string,
): Promise<IntegrationResult | undefined> {
  try {
    return await recallServerPass(key, runId)
  } catch (error) {
    record.keep(`no earlier pass of the server's tests can be read: ${engineMessage(error)}`)
    return undefined
  }
}

async function keep(
  { runId }: Execution,
  record: ImageRecord,
  key: string,
  pass: IntegrationResult,
): Promise<void> {
  try {
    await keepServerPass(key, pass, runId)
  } catch (error) {
    // The verdict stands; the next run tests once more.
    record.keep(`the pass of the server's tests could not be kept: ${engineMessage(error)}`)
  }
}

async function basicTests(
  run: Execution,
  { job, record, container }: BuiltImage,
  inTurns: InTurns,
): Promise<SuiteOutput | undefined> {
  const { basic } = job.folders
  if (unproved(record, basic).length === 0) return undefined
  const image = testEnvironment(run, container)
  const result = await record.step("tests", async () =>
    runBasicTests(image, await testParts(run, record, basic), run.limits, run.runId, inTurns),
  )
  const suite = { kind: "basic" as const, ...result }
  sayEarlier(record, result.earlier)
  keepSuite(run, record, suite)
  return suite
}

/** Each folder for itself; together where a filter leaves a few tests, for which pytest is started once. */
async function testParts(
  run: Execution,
  record: ImageRecord,
  basic: readonly string[],
): Promise<readonly TestPart[]> {
  const folders = basic.map(belowImages)
  // Of a few tests, whose users they are is not to be read in the files.
  if (run.limits.filter !== "") return [{ folders, tests: await testsIn(run, folders), expectedUsers: [] }]
  const left = unproved(record, basic).map(belowImages)
  const scopes = testScopes(folders, commonTests).filter(({ folder }) => left.includes(folder))
  return Promise.all(
    scopes.map(async ({ folder, sees }) => ({
      folders: [folder],
      tests: await testsIn(run, sees),
      expectedUsers: run.writtenUsers(`${run.imagesDirectory}/${folder}`),
    })),
  )
}

function sayEarlier(record: ImageRecord, folders: readonly string[]): void {
  if (folders.length === 0) return
  record.say(`passed in an earlier run, of the same image and tests: ${listOf(folders)}`)
}

function testEnvironment({ hubVersion, purpose, runId }: Execution, container: Container): Container {
  const image =
    hubVersion === undefined ? container : container.withEnvVariable("STACK_HUB_VERSION", hubVersion)
  return purpose === "tests" ? image.withEnvVariable("STACK_RUN", runId) : image
}

/**
 * The tests without the other files of the images: a change of those does not take the worth from a cached pass. What
 * all tests may import is always there.
 */
function testsIn({ copy, imagesDirectory }: Execution, folders: readonly string[]): Promise<Directory> {
  const include = [...[commonTests, ...folders].map((folder) => `${folder}/**`), ...testSettings]
  return sourceFiles(copy, imagesDirectory, include)
}

async function inspect(run: Execution, image: BuiltImage): Promise<void> {
  const { job, record, container } = image
  try {
    const inspected = await inspectImage(container, job.probes, isMeasured(run, image))
    const { results, notices, ...outside } = inspected
    record.probes = results
    record.notices.push(...notices)
    record.outside = outside
  } catch (error) {
    // Facts for a page are not worth an image: it says what is missing.
    record.notices.push(`the image could not be inspected: ${engineMessage(error)}`)
  }
}

/**
 * Whether an image's size is for a page or a verdict, or its mark for the name of a pass: a run of some tests alone is
 * none of these.
 */
function isMeasured({ limits, purpose }: Execution, image: BuiltImage): boolean {
  const { probes, sizeBudget } = image.job
  if (limits.filter !== "" && purpose !== "pages") return false
  return probes.length > 0 || sizeBudget !== undefined || (purpose !== "tests" && hasServerTests(image))
}

/** What tests end an image's way with, where they do. @param suite none where there was nothing to run */
function verdict(
  { limits }: Execution,
  { record }: BuiltImage,
  suite: SuiteOutput | undefined,
  untested: string,
): ImageOutcome | undefined {
  if (suite === undefined && record.proved.length > 0) return undefined
  const found: TestVerdict =
    suite === undefined ? { kind: "none", reason: untested } : judgeTests(suite.run, limits.filter)
  record.say(found.kind === "passed" ? "tests passed" : `tests: ${found.reason}`)
  if (found.kind === "failed") return { kind: "tests-failed", reason: found.reason }
  if (found.kind === "none") record.notices.push(`not tested: ${found.reason}`)
  return undefined
}

/** Compares the unpacked size with the spec's budget: over it fails, near it is a notice. */
function judgeSize({ job: { sizeBudget }, record }: BuiltImage): ImageOutcome | undefined {
  const { unpackedBytes } = record.outside
  if (sizeBudget === undefined || unpackedBytes === undefined) return undefined
  const { kind, size, budget } = checkBudget(unpackedBytes, sizeBudget)
  const sizes = `${formatBytes(size)} of ${formatBytes(budget)}`
  if (kind === "over") return { kind: "over-budget", message: `larger than its size budget: ${sizes}` }
  if (kind === "near") record.notices.push(`near its size budget: ${sizes}`)
  return undefined
}
