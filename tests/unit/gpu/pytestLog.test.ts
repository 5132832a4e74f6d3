import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import fc from "../../support/fastCheck.js"
import { judge } from "../../../dagger/lib/gpu/judge.js"
import { decisiveRun, mergeLogs } from "../../../dagger/lib/gpu/pytestLog.js"
import { readPytestLog } from "../../support/pytestLog.js"
import type { PytestCounts } from "../../../dagger/lib/gpu/pytestSummary.js"
import { noCounts, parseSummaryLine } from "../../../dagger/lib/gpu/pytestSummary.js"
import type { Judgement } from "../../../dagger/lib/gpu/verdict.js"

const outputs = join(import.meta.dirname, "pytestOutputs")

/** Judges an output of a command that ended with a status. */
function judged(output: string, status: number): Judgement {
  const lines = output.trimEnd().split("\n")
  return judge({ kind: "exited", status }, readPytestLog(output), lines.at(-1) ?? "")
}

/** Real outputs of pytest 9.2, by the name that make.sh gives them, with and without `-q`. */
const expected: Readonly<
  Record<string, readonly [reason: Judgement["reason"], counts?: Partial<PytestCounts>]>
> = {
  passed: ["tests-passed", { passed: 2 }],
  "passed-verbose": ["tests-passed", { passed: 2 }],
  // Without a summary nothing is known of the tests.
  "passed-qq": ["no-summary"],
  terminal: ["tests-passed", { passed: 3, xfailed: 1, xpassed: 1 }],
  "colour-passed": ["tests-passed", { passed: 3, xfailed: 1, xpassed: 1 }],
  xfail: ["tests-passed", { passed: 1, xfailed: 1, xpassed: 1 }],
  warning: ["tests-passed", { passed: 1 }],
  deselected: ["tests-passed", { passed: 1, deselected: 1 }],
  failed: ["tests-failed", { passed: 1, failed: 1 }],
  colour: ["tests-failed", { passed: 4, failed: 1, skipped: 2, xfailed: 1, xpassed: 1 }],
  xdist: ["tests-failed", { passed: 3, failed: 1 }],
  "first-failure": ["tests-failed", { passed: 1, failed: 1 }],
  "no-summary": ["tests-failed", { passed: 3, failed: 1 }],
  subtests: ["tests-failed", { failed: 2 }],
  lying: ["tests-failed", { failed: 1 }],
  setup: ["test-errors", { passed: 1, errors: 1 }],
  teardown: ["test-errors", { passed: 1, errors: 1 }],
  collection: ["collection-error", { errors: 1 }],
  "mixed-collection": ["collection-error", { errors: 1 }],
  continued: ["collection-error", { passed: 2, errors: 1 }],
  "collect-only-q": ["collection-error", { errors: 1 }],
  conftest: ["collection-error"],
  empty: ["no-tests", {}],
  "all-deselected": ["no-tests", { deselected: 2 }],
  "collect-only": ["no-tests", {}],
  missing: ["no-tests", {}],
  skipped: ["all-skipped", { skipped: 2 }],
  "lying-skip": ["all-skipped", { skipped: 1 }],
  onlyxfail: ["none-passed", { xfailed: 1 }],
  exiting: ["interrupted", { passed: 1 }],
  interrupted: ["interrupted", { passed: 1 }],
  internal: ["crashed", {}],
  killed: ["killed"],
  "bad-option": ["launch-failed"],
  exitstatus: ["interrupted", { passed: 1 }],
  exitlong: ["interrupted", { passed: 1 }],
  exitlines: ["interrupted", { passed: 1 }],
  exitfixture: ["interrupted", { passed: 1 }],
  exitimport: ["collection-error", { errors: 1 }],
  "session-timeout": ["interrupted", { passed: 2 }],
  "thread-timeout": ["crashed"],
  "signal-timeout": ["tests-failed", { passed: 1, failed: 2 }],
  shouldstop: ["interrupted", { passed: 1 }],
  shouldfail: ["interrupted", { passed: 1 }],
  "xdist-stop": ["interrupted", { passed: 2 }],
  dropped: ["interrupted", { passed: 1 }],
  ownloop: ["interrupted", { passed: 1 }],
  "hard-fake": ["interrupted", { passed: 2 }],
  hardexit: ["no-summary"],
  segfault: ["killed"],
  strict: ["tests-failed", { passed: 1, failed: 1 }],
  "xdist-crash": ["tests-failed", { passed: 1, failed: 1 }],
  coverage: ["exit-status", { passed: 2 }],
  flaky: ["tests-passed", { passed: 2 }],
  skippedmodule: ["tests-passed", { passed: 1, skipped: 1 }],
  subskips: ["tests-passed", { passed: 2 }],
  printing: ["tests-passed", { passed: 3 }],
  "printing-rA": ["tests-passed", { passed: 3 }],
  nested: ["tests-passed", { passed: 2 }],
  "xdist-passed": ["tests-passed", { passed: 3, xfailed: 1, xpassed: 1 }],
  "terminal-xdist": ["tests-passed", { passed: 3, xfailed: 1, xpassed: 1 }],
  "xdist-deselected": ["tests-passed", { passed: 1, xfailed: 1 }],
  "xdist-each": ["tests-passed", { passed: 4 }],
}

describe("real outputs of pytest", () => {
  const files = readdirSync(outputs).filter((file) => file.endsWith(".txt"))

  it.each(files)("%s", (file) => {
    const [, name = "", status] = /^(.+?)\.(\d+)\.txt$/.exec(file) ?? []
    const verdict = judged(readFileSync(join(outputs, file), "utf8"), Number(status))
    const [reason, counts] = expected[name] ?? expected[name.replace(/-q$/, "")] ?? []
    expect(verdict.reason).toBe(reason)
    expect(verdict.counts).toEqual(counts === undefined ? undefined : { ...noCounts, ...counts })
  })

  it.each(files)("%s says the same in the launch script's output", (file) => {
    const output = readFileSync(join(outputs, file), "utf8")
    const status = Number(/\.(\d+)\.txt$/.exec(file)?.[1])
    const before = "Tue Nov 24 Submitting job test-1\nstarting up - pod status: Pending ; 30s\r\n"
    const after = "\npod test-1 deleted\nexited due to: Completed\n"
    expect(judged(before + output.replaceAll("\n", "\r\n") + after, status).reason).toBe(
      judged(output, status).reason,
    )
  })

  it.each(files)("%s passes by the tests alone where the launch script always ends with 0", (file) => {
    const [, name = "", status] = /^(.+?)\.(\d+)\.txt$/.exec(file) ?? []
    const output = readFileSync(join(outputs, file), "utf8")
    const [reason] = expected[name] ?? expected[name.replace(/-q$/, "")] ?? []
    // pytest ends with 0 where it was told to, and where all were skipped or expected to fail.
    expect(judged(output, 0).kind === "passed").toBe(reason === "tests-passed")
    if (status !== "0") expect(judged(output, 0).kind).not.toBe("passed")
  })

  it.each(files)("%s never passes where its end is missing", (file) => {
    const output = readFileSync(join(outputs, file), "utf8")
    const summary = output.trimEnd().lastIndexOf(" in ")
    for (let cut = 0; cut <= summary; cut += 7) {
      // A test that prints a summary of its own could pass until the real one is there.
      if (!/^(?:lying|printing)/.test(file)) expect(judged(output.slice(0, cut), 0).kind).not.toBe("passed")
    }
  })
})

describe("several runs in one log", () => {
  const good = "===== 3 passed in 1.00s =====\n"
  const bad = "===== 1 failed, 3 passed in 1.00s =====\n"
  const session = (items: number) => `===== test session starts =====\ncollected ${items} items\n`
  const cases: readonly [string, string, Judgement["reason"]][] = [
    ["two good ones", good + good, "tests-passed"],
    ["a failure after a good one", good + bad, "tests-failed"],
    ["a failure before a good one", bad + good, "tests-failed"],
    ["a good one before an empty one", `${good}===== no tests ran in 0.01s =====\n`, "no-tests"],
    ["an interruption before a good one", `!!!!! KeyboardInterrupt !!!!!\n${good}${good}`, "interrupted"],
    ["an interruption after a good one", `${good}!!! words of a plug-in !!!\n`, "interrupted"],
    ["an interruption in a word of three marks", `!!! the GPU\nis gone !!!\n${good}`, "interrupted"],
    ["a line that only begins with a mark", `! take care\n!important\n${good}`, "tests-passed"],
    ["a session without a summary before a good one", `${session(3)}${session(3)}${good}`, "crashed"],
    ["a session without a summary after a good one", `${session(3)}${good}${session(3)}`, "crashed"],
    ["fewer tests than were collected", `${session(4)}${good}`, "interrupted"],
    ["more tests than were collected", `${session(2)}${good}`, "interrupted"],
    [
      "a good one after its --collect-only",
      `${session(3)}3 tests collected in 0.01s\n${session(3)}${good}`,
      "tests-passed",
    ],
    ["a failure before 1100 good ones", bad + good.repeat(1100), "tests-failed"],
  ]
  it.each(cases)("%s", (_name, log, reason) => {
    expect(judged(log, 0).reason).toBe(reason)
  })

  it("heeds both streams of a command", () => {
    const log = mergeLogs(readPytestLog(bad), readPytestLog(good))
    expect(decisiveRun(log)?.counts.failed).toBe(1)
  })
})

describe("summary lines", () => {
  const read: readonly [string, Partial<PytestCounts>, number][] = [
    ["=== 2 passed in 65.03s (0:01:05) ===", { passed: 2 }, 65.03],
    ["2 passed in 90061.00s (1 day, 1:01:01)", { passed: 2 }, 90061],
    ["=== 1 failed, 2 passed, 3 warnings in 0.12 seconds ===", { failed: 1, passed: 2 }, 0.12],
    ["=== 2 passed, 1 rerun in 0.10s ===", { passed: 2 }, 0.1],
    ["=== 2 passed, 1 subtests failed in 0.10s ===", { passed: 2, failed: 1 }, 0.1],
    ["=== 1 passed, 2 errors in 0.10s ===", { passed: 1, errors: 2 }, 0.1],
    ["=== 1 warning in 0.10s ===", {}, 0.1],
    ["=== no tests ran in 0.00s ===", {}, 0],
    ["1/2 tests collected (1 deselected) in 0.00s", {}, 0],
  ]
  it.each(read)("reads %s", (line, counts, seconds) => {
    expect(parseSummaryLine(line)).toEqual({ counts: { ...noCounts, ...counts }, seconds })
  })

  const others = [
    ...["", "====", "= passed =", "passed in 0.1s", "=== 2 passed, 1 fai", "=== 2 passed in 0.1", "2 passed"],
    ...["it passed in 0.1s", "=== FAILURES ===", "=== 2 passed and more in 0.1s ===", "3 rabbits in 0.1s"],
    ...[
      "2 passed in 0.1s or so",
      "collected 2 items",
      "-1 passed in 0.1s",
      "1e9 passed in 0.1s",
      "2 hasOwnProperty in 1s",
    ],
  ]
  it.each(others)("does not take %j for one", (line) => {
    expect(parseSummaryLine(line)).toBeUndefined()
  })

  const counts = fc.record({
    ...{ passed: fc.nat(999), failed: fc.nat(999), errors: fc.nat(999), skipped: fc.nat(999) },
    ...{ xfailed: fc.nat(999), xpassed: fc.nat(999), deselected: fc.nat(999) },
  })
  /** A summary as pytest writes it. */
  const summaryOf = (some: PytestCounts) => {
    const parts = Object.entries(some).filter(([, number]) => number > 0)
    const body = parts.map(
      ([word, number]) => `${String(number)} ${number === 1 && word === "errors" ? "error" : word}`,
    )
    return `=== ${body.join(", ") || "no tests ran"} in 1.50s ===`
  }

  it("reads whatever pytest can count", () => {
    fc.assert(
      fc.property(counts, (some) => {
        expect(parseSummaryLine(summaryOf(some))).toEqual({ counts: some, seconds: 1.5 })
      }),
    )
  })

  it("finds the summary in any noise, and passes only what pytest passed", () => {
    const noise = fc.array(fc.string({ unit: "binary" }), { maxLength: 8 }).map((lines) => lines.join("\n"))
    fc.assert(
      fc.property(noise, counts, noise, fc.integer({ min: 0, max: 255 }), (before, some, after, status) => {
        const verdict = judged(`${before}\n${summaryOf(some)}\n${after}`, status)
        const good = some.failed + some.errors === 0 && some.passed > 0 && status === 0
        expect(verdict.kind === "passed").toBe(good)
      }),
    )
  })

  it("passes no text without a passed test", () => {
    const words = [
      "=",
      "== ",
      "passed",
      "1 passed",
      " in ",
      "0.1",
      "s",
      ", ",
      "\n",
      "\r",
      "\u001b[31m",
      "!!! ",
      "no tests",
    ]
    const text = fc
      .array(fc.oneof(fc.constantFrom(...words), fc.string()), { maxLength: 30 })
      .map((all) => all.join(""))
    fc.assert(
      fc.property(text, (some) => {
        const verdict = judged(some, 0)
        if (verdict.kind === "passed") expect(verdict.counts.passed).toBeGreaterThan(0)
      }),
    )
  })

  it("reads long lines in time that grows with their length", () => {
    const started = performance.now()
    for (const piece of ["= ", "1 passed, ", " in 1", "!", "[ 1", "\u001b[", "_ ERROR collecting "]) {
      readPytestLog(piece.repeat(65_536 / piece.length))
    }
    expect(performance.now() - started).toBeLessThan(2000)
  })
})
