import { isDeepStrictEqual } from "node:util"
import { Container, dag, Directory, ReturnType } from "@dagger.io/dagger"
import { takeIn } from "./border.js"
import { engineMessage } from "./engineError.js"
import { testingFolder } from "./judge.js"
import { inTime } from "../async/inTime.js"
import type { TestSpec } from "../spec/spec.js"
import type { TestRun } from "../testing/testRun.js"
import { cleanRun } from "../testing/cleanRun.js"
import { judgeTests, mergeParts, mergeRuns, parseTestRun } from "../testing/testRun.js"
import type { OtherUser } from "../testing/writtenUsers.js"
import { cleanText } from "../text/cleanText.js"

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
  /** What of all this was left out, and why. */
  readonly notices: readonly string[]
}

/** What folders of tests can be remembered by. */
export interface FolderPasses {
  /** Folders that passed. */
  readonly passed: readonly string[]
  /** Those of them whose pass is that of an earlier run. */
  readonly earlier: readonly string[]
}

const results = "/stack/results"

/** Tests of one image that run together, and are remembered together. */
export interface TestPart {
  /** Paths below `tests`. */
  readonly folders: readonly string[]
  /** The folders, and all that their tests may import. */
  readonly tests: Directory
  /** Users that the tests seem to ask for, before pytest has told. */
  readonly expectedUsers: readonly OtherUser[]
}

/** Runs some tasks, beside each other as far as there is room for it; results in the order of the tasks. */
export type InTurns = <T>(tasks: readonly (() => Promise<T>)[]) => Promise<readonly T[]>

/**
 * Runs tests inside an image as its user, and once more for every other user that a test asks for; each part for itself.
 * A pass that the engine has cached for the same image and the same part counts; a failure does not: it may have had a
 * cause outside, so it is run again.
 * @param runId fresh for every run of the pipeline
 * @param inTurns for the parts, and in each of them for the other users
 */
export async function runBasicTests(
  image: Container,
  parts: readonly TestPart[],
  limits: TestLimits,
  runId: string,
  inTurns: InTurns,
): Promise<SuiteResult & FolderPasses> {
  const testing = await testingFolder()
  const [first, ...others] = await inTurns(
    parts.map(({ tests, folders, expectedUsers }) => () => {
      const prepared = withTests(image, testing, tests)
      return partResult({ prepared, folders, expectedUsers, limits, runId, inTurns })
    }),
  )
  if (first === undefined) throw new RangeError("there are no tests to run")
  return others.length === 0 ? first : together([first, ...others], limits)
}

/** All that the tests of one part are run with. */
interface PartRun extends Omit<TestPart, "tests"> {
  /** The image with the tests in it. */
  readonly prepared: Container
  readonly limits: TestLimits
  readonly runId: string
  readonly inTurns: InTurns
}

/**
 * As many users as tests ask for: a container for each, and each with servers of its own. pytest tells of them when it
 * ends; those that the files' text tells of before do not wait for it, and count where it tells of the same.
 */
async function partResult({
  prepared,
  folders,
  expectedUsers,
  limits,
  runId,
  inTurns,
}: PartRun): Promise<SuiteResult & FolderPasses> {
  const runAs = (asUser: OtherUser) =>
    settledSuite(prepared.withUser(asUser.user), folders, limits, runId, asUser)
  const [main, ...suites] = await inTurns([
    () => settledSuite(prepared, folders, limits, runId),
    ...expectedUsers.map((expected) => () => runAs(expected)),
  ])
  if (main === undefined) throw new RangeError("a part's tests run once at least")
  const early = expectedUsers.map((asUser, index) => ({ asUser, suite: suites[index] }))
  const others = await inTurns(
    main.run.otherUsers.map((user) => async () => {
      const told = { user, files: main.run.otherUserFiles?.[user] ?? [] }
      return early.find(({ asUser }) => isDeepStrictEqual(asUser, told))?.suite ?? runAs(told)
    }),
  )
  const all = [main, ...others]
  const log = [
    main.log,
    ...others.map(({ log }, index) => `\n===== as ${main.run.otherUsers[index] ?? ""} =====\n${log}`),
  ]
  const run = mergeRuns(
    main.run,
    others.map(({ run }, index) => ({ user: main.run.otherUsers[index] ?? "", run })),
  )
  const earlier = all.every(({ isEarlierPass }) => isEarlierPass) ? folders : []
  const passed = judgeTests(run).kind === "passed" ? folders : []
  return {
    run,
    log: log.join(""),
    notices: all.flatMap(({ notices }) => notices),
    passed,
    earlier,
    ...(main.files !== undefined && { files: main.files }),
  }
}

/** The results of all parts as those of one suite. */
function together(
  all: readonly (SuiteResult & FolderPasses)[],
  { spec }: TestLimits,
): SuiteResult & FolderPasses {
  const run = mergeParts(
    all.map((each) => each.run),
    spec.imageTimeoutSeconds,
  )
  const folders = all.flatMap(({ files }) => (files === undefined ? [] : [files]))
  const [files, ...more] = folders
  return {
    run,
    log: all.map(({ log }) => log).join("\n"),
    notices: all.flatMap(({ notices }) => notices),
    passed: all.flatMap(({ passed }) => passed),
    earlier: all.flatMap(({ earlier }) => earlier),
    ...(files !== undefined && {
      files: more.reduce((merged, each) => merged.withDirectory(".", each), files),
    }),
  }
}

/** Failures of one part that the engine may have kept, each of which is tried again under a name of its own. */
const namedAttempts = 4

interface SettledSuite extends SuiteResult {
  readonly isEarlierPass: boolean
}

/** A pass that follows on a failure is one that the engine can remember, too: the attempts have names. */
async function settledSuite(
  container: Container,
  folders: readonly string[],
  limits: TestLimits,
  runId: string,
  asUser?: OtherUser,
): Promise<SettledSuite> {
  const run = (image: Container) => runSuite(() => ownResults(image), folders, limits, asUser)
  for (let attempt = 0; attempt < namedAttempts; attempt += 1) {
    const asked = Date.now()
    const named = attempt === 0 ? container : container.withEnvVariable("STACK_RUN", `attempt ${attempt + 1}`)
    const result = await run(named)
    // Without results nothing tells when it was.
    if (result.run.startedAt === 0) break
    const isEarlier = result.run.startedAt * 1000 < asked - clockSlack
    if (!isEarlier) return { ...result, isEarlierPass: false }
    if (judgeTests(result.run).kind === "passed") return { ...result, isEarlierPass: true }
  }
  return { ...(await run(container.withEnvVariable("STACK_RUN", runId))), isEarlierPass: false }
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

/** More files than a command line should hold are not named: then all of them are looked at. */
const mostFiles = 500

/** Arguments of `run.sh`. Only what has tests for a user is imported as that user, which takes seconds each time. */
function driverArguments(
  folders: readonly string[],
  { spec, filter }: TestLimits,
  asUser: OtherUser | undefined,
): readonly string[] {
  const { timeoutSeconds, imageTimeoutSeconds, memoryBytes } = spec
  return [
    ...["--timeout", String(timeoutSeconds)],
    ...["--total", String(imageTimeoutSeconds)],
    ...(memoryBytes === undefined ? [] : ["--memory", String(memoryBytes)]),
    ...(asUser === undefined ? [] : ["--user", asUser.user]),
    ...(asUser === undefined || asUser.files.length > mostFiles ? [] : asUser.files.map(onlyOption)),
    ...(filter === "" ? [] : ["--filter", filter]),
    ...folders.map((folder) => `/stack/tests/${folder}`),
  ]
}

function onlyOption(file: string): string {
  return `--only=/stack/tests/${file}`
}

/**
 * Runs the driver in a container that has tests and a folder for results; what goes wrong is a result too.
 * @param prepared the container; what it takes to prepare it may go wrong as well
 * @param more options of the driver
 */
export async function runSuite(
  prepared: () => Promise<Container>,
  folders: readonly string[],
  limits: TestLimits,
  asUser?: OtherUser,
  more: readonly string[] = [],
): Promise<SuiteResult> {
  const startedAt = Date.now() / 1000
  const args = [...more, ...driverArguments(folders, limits, asUser)]
  try {
    const ended = (await prepared()).withExec(["sh", "/stack/testing/run.sh", ...args], {
      expect: ReturnType.Any,
    })
    return await readResults(await inTime(limits.spec.imageTimeoutSeconds + slackSeconds, ended.sync()))
  } catch (error) {
    // Not even the shell could be started, or the driver itself was killed, or does not end.
    return { run: brokenRun(startedAt, engineMessage(error)), log: engineMessage(error), notices: [] }
  }
}

/** Seconds beside the limit for all tests: the driver waits for a server and ends what hangs, twice where it is killed. */
const slackSeconds = 900

/** Bytes of results, without which there is no verdict, and of a log's start and end. */
const resultsBytes = 96 << 20
const logBytes = 8 << 20

/** The results come first: a log that cannot be read is a notice and turns no verdict. */
async function readResults(ended: Container): Promise<SuiteResult> {
  const { texts, files, leftOut } = await takeIn(ended.directory(results), {
    texts: [
      { name: "results.json", bytes: resultsBytes, whole: true },
      { name: "output.log", bytes: logBytes, whole: false },
    ],
    files: "files",
  })
  const log = cleanText(texts.get("output.log") ?? "")
  const notices = leftOut.map((left) => `of what the tests left: ${left}`)
  const written = texts.get("results.json")
  const status = await ended.exitCode()
  // A driver that ended in another way has not written what lies there: a test has.
  if (status !== 0 || written === undefined) {
    const why = [`the test driver ended with status ${status}, without results`, ...notices].join("; ")
    const output = `${await driverOutput(ended)}\n${log}`.trim()
    return { run: brokenRun(0, `${why}\n${output.slice(-longestTail)}`), log: output, notices }
  }
  const run = cleanRun(parseTestRun(written))
  return { run, log, notices, ...(files !== undefined && { files }) }
}

/** What the driver itself printed; an engine does not hand out more than 128 MiB. */
async function driverOutput(ended: Container): Promise<string> {
  try {
    return cleanText(`${await ended.stdout()}\n${await ended.stderr()}`.slice(-logBytes))
  } catch (error) {
    return engineMessage(error)
  }
}

/** Characters of a log in a message. */
const longestTail = 20_000

function brokenRun(startedAt: number, message: string): TestRun {
  return { kind: "runner-failed", message, startedAt, seconds: 0, tests: [], otherUsers: [] }
}
