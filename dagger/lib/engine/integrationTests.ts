import { randomBytes } from "node:crypto"
import { CacheVolume, Container, dag, Directory, ReturnType } from "@dagger.io/dagger"
import { serverPort as chosenPort } from "../testing/serverPort.js"
import { noneSelected } from "../testing/testRun.js"
import { cleanText } from "../text/cleanText.js"
import { borderContainer, foreignFolder, takeFrom } from "./border.js"
import { engineMessage } from "./engineError.js"
import type { SuiteResult, TestLimits } from "./imageTests.js"
import { runSuite } from "./imageTests.js"
import { runnerImage, runnerPackages, testingFolder } from "./judge.js"
import { serverLogText, serverLogTexts, serverScript } from "./serverLog.js"

/** Tests against the server of an image. */
export interface ServerTests {
  readonly image: Container
  readonly tests: Directory
  /** Paths below `tests`. */
  readonly folders: readonly string[]
  /** Version of the hub that the spec names, where it names one. */
  readonly hubVersion: string | undefined
  /** TCP port of the server, where the spec names one. */
  readonly serverPort: number | undefined
}

/** An integration suite's result, and what the server printed meanwhile. */
export interface IntegrationResult extends SuiteResult {
  readonly serverLog: string
}

const logFolder = "/stack/log"

/**
 * Runs tests in a container with a browser against the image's own server, started as the image starts it; none is
 * started where the filter leaves no test for it.
 * @param runId fresh for every run of the pipeline: a server's answers are never taken from a cache
 */
export async function runIntegrationTests(
  server: ServerTests,
  limits: TestLimits,
  runId: string,
): Promise<IntegrationResult> {
  if (limits.filter !== "" && (await selectsNone(server, limits.filter))) return nothingSelected(limits)
  const token = randomBytes(16).toString("hex")
  const log = dag.cacheVolume(`stack-server-log-${runId}-${token}`)
  const result = await testServer(server, { limits, runId, token, log })
  const { text, notices } = await readServerLog(log, runId)
  return { ...result, serverLog: text, notices: [...result.notices, ...notices] }
}

/** pytest's exit status where it collects nothing. */
const noTestsCollected = 5

/** Whether pytest by itself finds no test to run. What goes wrong while it collects is for the real run to tell. */
async function selectsNone({ tests, folders, hubVersion }: ServerTests, filter: string): Promise<boolean> {
  const collecting = runnerContainer(await testingFolder(), tests, hubVersion)
    // What tests may read while they are imported.
    .withEnvVariable("STACK_SERVER_URL", "http://server")
    .withEnvVariable("STACK_SERVER_TOKEN", "none")
    .withEnvVariable("STACK_ARTIFACTS", "/tmp")
    .withEnvVariable("PYTHONPATH", "/stack/testing:/stack/tests")
    .withExec(
      [
        ...["timeout", String(collectingSeconds), "python3", "-m", "pytest", "--collect-only", "-q"],
        ...["-p", "no:cacheprovider", "--import-mode=importlib"],
        ...["--rootdir", "/stack/tests", "--confcutdir", "/stack/tests", "-k", filter],
        ...folders.map((folder) => `/stack/tests/${folder}`),
      ],
      { expect: ReturnType.Any },
    )
  try {
    return (await collecting.exitCode()) === noTestsCollected
  } catch {
    return false
  }
}

const collectingSeconds = 60

function nothingSelected({ filter }: TestLimits): IntegrationResult {
  const run = { kind: "no-tests-collected" as const, startedAt: Date.now() / 1000, seconds: 0 }
  const said = `${noneSelected(filter)}: the server was not started\n`
  return {
    run: { ...run, tests: [], otherUsers: [] },
    log: said,
    serverLog: said,
    notices: [],
  }
}

/** All that a server's tests are run with. */
interface ServerRun {
  readonly limits: TestLimits
  readonly runId: string
  readonly token: string
  /** Where the server's output and exit status are kept. */
  readonly log: CacheVolume
}

async function testServer(tested: ServerTests, run: ServerRun): Promise<SuiteResult> {
  const { image, tests, folders, hubVersion, serverPort } = tested
  const { limits, runId, token, log } = run
  try {
    const port = await portOf(image, serverPort)
    const command = await serverCommand(image)
    await openToAll(log, runId)
    const server = startableServer(image, port, token, log)
    const url = `http://server:${port}`
    const runner = async () =>
      // Installed now: what that takes is not the tests' time.
      (await runnerContainer(await testingFolder(), tests, hubVersion).sync())
        .withMountedCache(logFolder, log)
        .withServiceBinding("server", server.asService({ args: command }))
        .withEnvVariable("STACK_SERVER_URL", url)
        .withEnvVariable("STACK_SERVER_TOKEN", token)
        .withEnvVariable("STACK_RUN", runId)
    const waiting = ["--server", url, "--server-state", logFolder]
    return await runSuite(runner, folders, limits, undefined, waiting)
  } catch (error) {
    const message = `the server could not be started: ${engineMessage(error)}`
    const run = { kind: "no-server" as const, message, startedAt: 0, seconds: 0, tests: [], otherUsers: [] }
    return { run, log: message, notices: [] }
  }
}

/**
 * The port of the image's server.
 * @param named what the spec says
 * @throws Error where nothing says which of several it is
 */
export async function portOf(image: Container, named: number | undefined): Promise<number> {
  const ports = await image.exposedPorts()
  const exposed = await Promise.all(
    ports.map(async (each) => ({ port: await each.port(), protocol: await each.protocol() })),
  )
  return chosenPort(exposed, named)
}

/**
 * The image's own command, with its output and its exit status kept where the test's side can read them: the engine
 * gives no access to a service's.
 */
async function serverCommand(image: Container): Promise<string[]> {
  const own = [...(await image.entrypoint()), ...(await image.defaultArgs())]
  if (own.length === 0) throw new Error("the image has neither ENTRYPOINT nor CMD")
  return ["sh", "-c", serverScript(logFolder), "server", ...own]
}

/** Whoever the server runs as may write its log: the image need not be able to tell who that is. */
async function openToAll(log: CacheVolume, runId: string): Promise<void> {
  await borderContainer()
    .withMountedCache(logFolder, log)
    .withEnvVariable("STACK_RUN", runId)
    .withExec(["chmod", "0777", logFolder])
    .sync()
}

function startableServer(image: Container, port: number, token: string, log: CacheVolume): Container {
  return (
    image
      .withEnvVariable("JUPYTER_TOKEN", token)
      .withMountedCache(logFolder, log)
      // The driver waits for the server itself: the engine's own wait has no limit.
      .withExposedPort(port, { experimentalSkipHealthcheck: true })
  )
}

function runnerContainer(testing: Directory, tests: Directory, hubVersion: string | undefined): Container {
  const install = `apt-get update -qq && apt-get install -qq -y --no-install-recommends ${runnerPackages.join(" ")}`
  const runner = dag
    .container()
    .from(runnerImage)
    .withExec(["sh", "-c", `${install} >/dev/null && rm -rf /var/lib/apt/lists/*`])
    .withMountedDirectory("/stack/testing", testing)
    .withMountedDirectory("/stack/tests", tests)
    .withDirectory("/stack/results", dag.directory())
    .withWorkdir("/tmp")
  return hubVersion === undefined ? runner : runner.withEnvVariable("STACK_HUB_VERSION", hubVersion)
}

/** What is left of the server's log, whatever the server has made of it. The volume is emptied: nobody uses it again. */
async function readServerLog(
  log: CacheVolume,
  runId: string,
): Promise<{ readonly text: string; readonly notices: readonly string[] }> {
  try {
    const reader = borderContainer()
      .withMountedCache(foreignFolder, log)
      .withEnvVariable("STACK_RUN", runId)
      .withEnvVariable("STACK_STEP", "read the log")
    const { texts, leftOut } = await takeFrom(reader, { texts: serverLogTexts, empty: true })
    return {
      text: cleanText(serverLogText(texts)),
      notices: leftOut.map((left) => `of the server's log: ${left}`),
    }
  } catch (error) {
    const message = `the server's log could not be read: ${engineMessage(error)}`
    return { text: message, notices: [message] }
  }
}
