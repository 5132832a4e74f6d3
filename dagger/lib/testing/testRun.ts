import * as z from "zod"

/** Part of the key that passes are remembered by: raised when the same results are judged in another way. */
export const judgeVersion = 2

/** How one test ended. `error` is a failure outside the test's own code: collection, set-up or tear-down. */
const outcome = z.enum([
  "passed",
  "failed",
  "error",
  "skipped",
  "xfailed",
  "xpassed",
  "hung",
  "crashed",
  "killed",
])
export type TestOutcome = z.infer<typeof outcome>

/** Shape of one test's result, for documents that hold it. */
export const testResult = z.object({
  /** pytest's node id: path below the folder of images, then `::` and the test's name. */
  id: z.string(),
  outcome,
  seconds: z.number(),
  /** Why it did not pass; empty for a pass. */
  message: z.string(),
  /** What it printed, where pytest captured it. */
  output: z.string(),
  attempts: z.number(),
  /** It failed first and passed when it was run again, as its `flaky` marker allows. */
  flaky: z.boolean(),
})

/** One test of one image. */
export type TestResult = z.infer<typeof testResult>

/** The last second that a date can hold: the file comes from an image, and a report shows the time. */
const latestSecond = 8_640_000_000_000

const ended = {
  /** Seconds since 1970 at the start: tells a run of now from one that the engine had cached. */
  startedAt: z.number().min(0).max(latestSecond),
  seconds: z.number(),
  tests: z.array(testResult),
  /** `uid:gid`s that tests ask to be run as, beside the image's own user. */
  otherUsers: z.array(z.string()),
  /** By user, the files that have tests for it; node ids up to the test's name. Where it is missing, any may. */
  otherUserFiles: z.record(z.string(), z.array(z.string())).optional(),
}

const driverResult = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ran"), ...ended }),
  z.object({ kind: z.literal("no-tests-collected"), ...ended }),
  z.object({ kind: z.literal("no-python"), ...ended }),
  z.object({ kind: z.literal("no-pytest"), ...ended }),
  z.object({ kind: z.literal("runner-failed"), message: z.string(), ...ended }),
  z.object({ kind: z.literal("timed-out"), message: z.string(), ...ended }),
  z.object({ kind: z.literal("no-server"), message: z.string(), ...ended }),
])

/** What `driver.py` wrote in the image (results.json, version 1). */
export type TestRun = z.infer<typeof driverResult>

/** Reads the driver's results.json. @throws Error where it is not one */
export function parseTestRun(json: string): TestRun {
  return driverResult.parse(JSON.parse(json))
}

/** Tests by outcome, as reports show them. */
export interface TestCounts {
  readonly passed: number
  /** Failed, hung, crashed, killed or with an error. */
  readonly failed: number
  /** Skipped, or failed as expected: neither says anything for the image. pytest's JUnit counts them together, too. */
  readonly skipped: number
  /** Passed at a later attempt only; counted in `passed` too. */
  readonly flaky: number
}

const failing: ReadonlySet<TestOutcome> = new Set(["failed", "error", "hung", "crashed", "killed"])

/** Whether this test speaks against the image. */
export function isFailure(test: TestResult): boolean {
  return failing.has(test.outcome)
}

/** Whether this test speaks for the image; a pass that was not expected does, too. */
export function isPass({ outcome }: TestResult): boolean {
  return outcome === "passed" || outcome === "xpassed"
}

/** Counts the tests of a run. */
export function countTests(tests: readonly TestResult[]): TestCounts {
  const failed = tests.filter(isFailure).length
  const passed = tests.filter(isPass).length
  return {
    passed,
    failed,
    skipped: tests.length - failed - passed,
    flaky: tests.filter((t) => t.flaky).length,
  }
}

/** What a run of tests says of the image: `none` proves nothing and is never shown as passed. */
export type TestVerdict =
  | { readonly kind: "passed" }
  | { readonly kind: "none"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string }

/**
 * Judges a run; the reasons are sentences without a full stop.
 * @param filter what the caller selected tests by, as pytest's -k; it may leave none of a kind
 */
export function judgeTests(run: TestRun, filter = ""): TestVerdict {
  switch (run.kind) {
    case "no-python":
      return { kind: "failed", reason: "the image has tests but no Python to run them" }
    case "no-pytest":
      return { kind: "failed", reason: "the image has tests but no pytest to run them" }
    case "no-tests-collected":
      if (run.tests.length > 0) return judgeResults(run.tests)
      if (filter !== "") return { kind: "none", reason: noneSelected(filter) }
      return {
        kind: "failed",
        reason: "no tests were collected: pytest found none in the image's test folders",
      }
    case "runner-failed":
    case "timed-out":
    case "no-server":
      return { kind: "failed", reason: firstLine(run.message) }
    case "ran":
      return judgeResults(run.tests)
  }
}

/** That a filter leaves no test. */
export function noneSelected(filter: string): string {
  return `no test matches the filter "${filter}"`
}

function judgeResults(tests: readonly TestResult[]): TestVerdict {
  const bad = tests.filter(isFailure)
  if (bad.length > 0) return { kind: "failed", reason: describeFailures(bad) }
  return tests.some(isPass) ? { kind: "passed" } : { kind: "none", reason: whyUnproved(tests) }
}

/** Why tests of which none failed prove nothing. */
export function whyUnproved(tests: readonly TestResult[]): string {
  return tests.every(({ outcome }) => outcome === "skipped")
    ? "all tests were skipped"
    : "no test passed: all were skipped, or failed as expected"
}

function describeFailures(tests: readonly TestResult[]): string {
  const [first] = tests
  if (first === undefined) return "no test failed"
  const others = tests.length === 1 ? "" : ` and ${tests.length - 1} more`
  return `${first.id} ${wording[first.outcome]}${others}`
}

const wording: Readonly<Record<TestOutcome, string>> = {
  passed: "passed",
  failed: "failed",
  error: "ended with an error",
  skipped: "was skipped",
  xfailed: "failed as expected",
  xpassed: "passed, which was not expected",
  hung: "hung",
  crashed: "crashed the interpreter",
  killed: "was killed",
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? ""
}

/** A run of the tests that ask for another user than the image's own. */
export interface UserRun {
  readonly user: string
  readonly run: TestRun
}

/**
 * Puts the runs of one image together: the main one and those as other users. The first that could not run decides
 * the kind; no test is lost, and a run without a test is none as soon as another one has some.
 */
export function mergeRuns(main: TestRun, others: readonly UserRun[]): TestRun {
  const runs = [main, ...others.map(withItsTests)]
  const { startedAt, otherUsers } = main
  return { ...decisive(runs, main), ...summed(runs), startedAt, otherUsers }
}

/**
 * Puts the runs of one image's folders together, as if one process had run all of them. The first that could not run
 * decides the kind; a folder without a test is none as soon as another one has some.
 * @param mostSeconds what all of them together may take; each is ended at that limit by itself
 */
export function mergeParts(runs: readonly TestRun[], mostSeconds: number): TestRun {
  const [first] = runs
  if (first === undefined) throw new RangeError("there is no run to put together")
  const run = decisive(runs, first)
  const all = {
    ...summed(runs),
    startedAt: Math.max(...runs.map(({ startedAt }) => startedAt)),
    otherUsers: [...new Set(runs.flatMap(({ otherUsers }) => otherUsers))],
  }
  if (run.kind === "ran" && all.seconds > mostSeconds) {
    return { ...all, kind: "timed-out", message: `all tests together took over ${mostSeconds} s` }
  }
  return { ...run, ...all }
}

/** The run whose kind is that of all: the first that could not run, else one that ran. */
function decisive(runs: readonly TestRun[], first: TestRun): TestRun {
  return (
    runs.find(({ kind }) => kind !== "ran" && kind !== "no-tests-collected") ??
    runs.find(({ kind }) => kind === "ran") ??
    first
  )
}

function summed(runs: readonly TestRun[]): Pick<TestRun, "tests" | "seconds"> {
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0)
  return { tests: runs.flatMap(({ tests }) => tests), seconds }
}

/** The main run has seen tests for this user: that there are none now is a failure, not an empty folder. */
function withItsTests({ user, run }: UserRun): TestRun {
  if (run.kind !== "no-tests-collected") return run
  const message = `the tests marked as_user("${user}") were not found when run as this user`
  return { ...run, kind: "runner-failed", message }
}
