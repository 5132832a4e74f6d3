import type { ImageOutcome, ImageReport, StackReport } from "../../dagger/lib/report/report.js"
import type { TestResult, TestRun } from "../../dagger/lib/testing/testRun.js"

/** A test's result; it took a second. */
export function result(
  id: string,
  outcome: TestResult["outcome"],
  more: Partial<TestResult> = {},
): TestResult {
  return { id, outcome, seconds: 1, message: "", output: "", attempts: 1, flaky: false, ...more }
}

/** A run of tests that came to its end. */
export function ran(...tests: TestResult[]): TestRun {
  return { kind: "ran", startedAt: 1_795_486_214, seconds: tests.length, tests, otherUsers: [] }
}

/** An image of a run that was built in 61 s. */
export function image(name: string, outcome: ImageOutcome, more: Partial<ImageReport> = {}): ImageReport {
  return {
    name,
    action: "build",
    reasons: ["its files changed"],
    outcome,
    reference: `ghcr.io/example/${name}:2026.4-main`,
    published: false,
    inputKey: "k".repeat(64),
    steps: [{ name: "build", startedAt: 1000, milliseconds: 61_000 }],
    suites: [],
    notices: [],
    logs: [`logs/${name}.log`],
    ...more,
  }
}

/** A run of `build-stack` that published nothing. */
export function report(...images: ImageReport[]): StackReport {
  return {
    version: 1,
    source: { branch: "main", commit: "c".repeat(40), message: "A | change\n\nwith a body", dirty: false },
    tag: "2026.4-main",
    publish: false,
    startedAt: 0,
    milliseconds: 125_000,
    images,
    notices: [],
    retries: [],
    request: { function: "build-stack", arguments: [] },
    reproduce: "./stack build-stack --source=.",
  }
}
