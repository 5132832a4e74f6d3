import * as z from "zod"

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

const testResult = z.object({
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
  readonly skipped: number
  /** Passed at a later attempt only; counted in `passed` too. */
  readonly flaky: number
}

const failing: ReadonlySet<TestOutcome> = new Set(["failed", "error", "hung", "crashed", "killed"])

/** Whether this test speaks against the image. */
export function isFailure(test: TestResult): boolean {
  return failing.has(test.outcome)
}

/** Counts the tests of a run; expected failures count as passed, unexpected passes too. */
export function countTests(tests: readonly TestResult[]): TestCounts {
  const failed = tests.filter(isFailure).length
  const skipped = tests.filter((test) => test.outcome === "skipped").length
  return {
    passed: tests.length - failed - skipped,
    failed,
    skipped,
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
  const { skipped } = countTests(tests)
  if (skipped === tests.length) return { kind: "none", reason: "all tests were skipped" }
  return { kind: "passed" }
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

/**
 * Puts the runs of one image together: the main one and those as other users. The first that could not run decides
 * the kind, and no test is lost.
 */
export function mergeRuns(main: TestRun, others: readonly TestRun[]): TestRun {
  const runs = [main, ...others]
  const broken = runs.find((run) => run.kind !== "ran")
  const tests = runs.flatMap((run) => run.tests)
  return { ...(broken ?? main), tests, seconds: runs.reduce((sum, run) => sum + run.seconds, 0) }
}
