import { Container, dag, Directory, ReturnType } from "@dagger.io/dagger"
import { engineMessage } from "./engineError.js"
import { testingFolder } from "./judge.js"
import type { TestSpec } from "../spec/spec.js"
import type { TestRun } from "../testing/testRun.js"
import { judgeTests, mergeRuns, parseTestRun } from "../testing/testRun.js"

/** Limits and choices of one image's tests. */
export interface TestLimits {
  readonly spec: TestSpec
  /** pytest's `-k` expression; empty runs all. */
  readonly filter: string
}

/** What a suite left behind: the verdict's data, pytest's whole output, and files that tests wrote. */
export interface SuiteResult {
  readonly run: TestRun
  readonly log: string
  /** Screenshots and the like, where there are any. */
  readonly files?: Directory
}

const results = "/stack/results"

/**
 * Runs tests inside an image as its user, and once more for every other user that a test asks for.
 * A pass that the engine has cached for the same image and the same tests counts; a failure does not: it may have
 * had a cause outside, so it is run again.
 * @param folders paths below `tests`
 * @param runId fresh for every run of the pipeline
 */
export async function runBasicTests(
  image: Container,
  tests: Directory,
  folders: readonly string[],
  limits: TestLimits,
  runId: string,
): Promise<SuiteResult> {
  const prepared = withTests(image, await testingFolder(), tests)
  const main = await settledSuite(prepared, folders, limits, runId)
  const others = await Promise.all(
    main.run.otherUsers.map((user) => settledSuite(prepared.withUser(user), folders, limits, runId, user)),
  )
  const log = [
    main.log,
    ...others.map(({ log }, index) => `\n===== as ${main.run.otherUsers[index] ?? ""} =====\n${log}`),
  ]
  return {
    ...main,
    run: mergeRuns(
      main.run,
      others.map(({ run }, index) => ({ user: main.run.otherUsers[index] ?? "", run })),
    ),
    log: log.join(""),
  }
}

async function settledSuite(
  container: Container,
  folders: readonly string[],
  limits: TestLimits,
  runId: string,
  user = "",
): Promise<SuiteResult> {
  const asked = Date.now()
  const first = await runSuite(await ownResults(container), driverArguments(folders, limits, user))
  const fromCache = first.run.startedAt * 1000 < asked - clockSlack
  if (!fromCache || judgeTests(first.run).kind === "passed") return first
  const fresh = container.withEnvVariable("STACK_RUN", runId)
  return runSuite(await ownResults(fresh), driverArguments(folders, limits, user))
}

/** Clocks of two processes on one machine differ by less; a cached result is older. */
const clockSlack = 2000

function withTests(image: Container, testing: Directory, tests: Directory): Container {
  return image
    .withMountedDirectory("/stack/testing", testing)
    .withMountedDirectory("/stack/tests", tests)
    .withWorkdir("/tmp")
}

/** The results' folder must belong to whoever runs the tests. */
async function ownResults(container: Container): Promise<Container> {
  const user = await container.user()
  const owned = user === "" ? {} : { owner: user }
  return container.withMountedDirectory(results, dag.directory(), owned)
}

/** Arguments of `run.sh`. */
export function driverArguments(
  folders: readonly string[],
  { spec, filter }: TestLimits,
  user: string,
): readonly string[] {
  const { timeoutSeconds, imageTimeoutSeconds, memoryBytes } = spec
  return [
    ...["--timeout", String(timeoutSeconds)],
    ...["--total", String(imageTimeoutSeconds)],
    ...(memoryBytes === undefined ? [] : ["--memory", String(memoryBytes)]),
    ...(user === "" ? [] : ["--user", user]),
    ...(filter === "" ? [] : ["--filter", filter]),
    ...folders.map((folder) => `/stack/tests/${folder}`),
  ]
}

/** Runs the driver in a container that has tests and a folder for results; what goes wrong is a result too. */
export async function runSuite(container: Container, args: readonly string[]): Promise<SuiteResult> {
  const startedAt = Date.now() / 1000
  try {
    const ended = await container
      .withExec(["sh", "/stack/testing/run.sh", ...args], { expect: ReturnType.Any })
      .sync()
    return await readResults(ended)
  } catch (error) {
    // Not even the shell could be started, or the driver itself was killed.
    return { run: brokenRun(startedAt, engineMessage(error)), log: engineMessage(error) }
  }
}

async function readResults(ended: Container): Promise<SuiteResult> {
  const files = ended.directory(results)
  const [names, status] = await Promise.all([files.entries(), ended.exitCode()])
  const log = names.includes("output.log") ? await files.file("output.log").contents() : ""
  // A driver that ended in another way has not written what lies there: a test has.
  if (status !== 0 || !names.includes("results.json")) {
    const output = `${await ended.stdout()}\n${await ended.stderr()}\n${log}`.trim()
    const message = `the test driver ended with status ${status}, without results\n${output}`
    return { run: brokenRun(0, message), log: output }
  }
  const run = parseTestRun(await files.file("results.json").contents())
  return names.includes("files/") ? { run, log, files: files.directory("files") } : { run, log }
}

function brokenRun(startedAt: number, message: string): TestRun {
  return { kind: "runner-failed", message, startedAt, seconds: 0, tests: [], otherUsers: [] }
}
