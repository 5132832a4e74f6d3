import { randomBytes } from "node:crypto"
import { CacheVolume, Container, dag, Directory, ReturnType } from "@dagger.io/dagger"
import { engineMessage } from "./engineError.js"
import type { SuiteResult, TestLimits } from "./imageTests.js"
import { driverArguments, runSuite } from "./imageTests.js"
import { runnerImage, runnerPackages, testingFolder } from "./judge.js"

/** Settings that integration tests find in their environment. */
export interface IntegrationSettings {
  /** Version of the hub that the spec names, where it names one. */
  readonly hubVersion?: string
}

/** An integration suite's result, and what the server printed meanwhile. */
export interface IntegrationResult extends SuiteResult {
  readonly serverLog: string
}

const serverPort = 8888
const logFolder = "/stack/log"

/** Where a server's output and exit status are kept. The engine makes another volume for every owner: all that mount it name the same. */
interface ServerLog {
  readonly volume: CacheVolume
  readonly owner: string
}

async function serverLogOf(image: Container, name: string): Promise<ServerLog> {
  const uid = (await image.withExec(["id", "-u"]).stdout()).trim()
  return { volume: dag.cacheVolume(`stack-server-log-${name}`), owner: uid }
}

/**
 * Runs tests in a container with a browser against the image's own server, started as the image starts it.
 * @param folders paths below `tests`
 * @param runId fresh for every run of the pipeline: a server's answers are never taken from a cache
 */
export async function runIntegrationTests(
  image: Container,
  tests: Directory,
  folders: readonly string[],
  limits: TestLimits,
  settings: IntegrationSettings,
  runId: string,
): Promise<IntegrationResult> {
  const token = randomBytes(16).toString("hex")
  const log = await serverLogOf(image, `${runId}-${token}`)
  try {
    const server = await startableServer(image, token, log)
    const port = await portOf(image)
    const url = `http://server:${port}`
    const runner = runnerContainer(await testingFolder(), tests, settings)
      .withMountedCache(logFolder, log.volume, { owner: log.owner })
      .withServiceBinding("server", server.asService({ args: await serverCommand(image) }))
      .withEnvVariable("STACK_SERVER_URL", url)
      .withEnvVariable("STACK_SERVER_TOKEN", token)
      .withEnvVariable("STACK_RUN", runId)
    const waiting = ["--server", url, "--server-state", logFolder]
    const result = await runSuite(runner, [...waiting, ...driverArguments(folders, limits, "")])
    return { ...result, serverLog: await readServerLog(log, runId) }
  } catch (error) {
    const message = `the server could not be started: ${engineMessage(error)}`
    const run = { kind: "no-server" as const, message, startedAt: 0, seconds: 0, tests: [], otherUsers: [] }
    return { run, log: message, serverLog: await readServerLog(log, runId) }
  }
}

/** The port that the image exposes first; Jupyter's where it exposes none. */
export async function portOf(image: Container): Promise<number> {
  const [first] = await image.exposedPorts()
  return first === undefined ? serverPort : first.port()
}

/**
 * The image's own command, with its output and its exit status kept where the test's side can read them: the engine
 * gives no access to a service's.
 */
async function serverCommand(image: Container): Promise<string[]> {
  const own = [...(await image.entrypoint()), ...(await image.defaultArgs())]
  if (own.length === 0) throw new Error("the image has neither ENTRYPOINT nor CMD")
  // A service that has ended has no name any more, which the tests' container may be about to look up: it stays until
  // the engine ends it with the tests.
  const script = `"$@" >${logFolder}/server.log 2>&1; echo $? >${logFolder}/exit; exec sleep 86400`
  return ["sh", "-c", script, "server", ...own]
}

async function startableServer(image: Container, token: string, log: ServerLog): Promise<Container> {
  return (
    image
      .withEnvVariable("JUPYTER_TOKEN", token)
      .withMountedCache(logFolder, log.volume, { owner: log.owner })
      // The driver waits for the server itself: the engine's own wait has no limit.
      .withExposedPort(await portOf(image), { experimentalSkipHealthcheck: true })
  )
}

function runnerContainer(
  testing: Directory,
  tests: Directory,
  { hubVersion }: IntegrationSettings,
): Container {
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

async function readServerLog(log: ServerLog, runId: string): Promise<string> {
  const reader = dag
    .container()
    .from("debian:bookworm-slim")
    .withMountedCache(logFolder, log.volume, { owner: log.owner })
    .withEnvVariable("STACK_RUN", runId)
    .withExec(["cat", `${logFolder}/server.log`], { expect: ReturnType.Any })
  return reader.stdout()
}
