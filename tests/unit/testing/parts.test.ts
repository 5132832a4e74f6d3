import { describe, expect, test } from "vitest"
import { commonTests, testScopes } from "../../../dagger/lib/testing/testFolders.js"
import type { TestResult, TestRun } from "../../../dagger/lib/testing/testRun.js"
import { judgeTests, mergeParts } from "../../../dagger/lib/testing/testRun.js"

function result(id: string, outcome: TestResult["outcome"] = "passed"): TestResult {
  return { id, outcome, seconds: 1, message: "", output: "", attempts: 1, flaky: false }
}

function ran(seconds: number, ...tests: TestResult[]): TestRun {
  return { kind: "ran", startedAt: 100 + seconds, seconds, tests, otherUsers: [] }
}

const nothing: TestRun = { ...ran(1), kind: "no-tests-collected" }
const broken: TestRun = { ...ran(1), kind: "runner-failed", message: "pytest had an internal error" }

describe("the runs of an image's folders as one", () => {
  test.each<[string, readonly TestRun[], string]>([
    ["all pass", [ran(1, result("a")), ran(2, result("b"))], "passed"],
    ["a test of the last one fails", [ran(1, result("a")), ran(1, result("b", "failed"))], "failed"],
    ["one could not run", [ran(1, result("a")), broken], "failed"],
    ["one has no tests", [nothing, ran(1, result("b"))], "passed"],
    ["none has tests", [nothing, nothing], "failed"],
    ["one is skipped whole", [ran(1, result("a", "skipped")), ran(1, result("b"))], "passed"],
    ["all are skipped", [ran(1, result("a", "skipped")), ran(1, result("b", "skipped"))], "none"],
    ["together they take too long", [ran(6, result("a")), ran(5, result("b"))], "failed"],
  ])("%s", (_, runs, kind) => {
    expect(judgeTests(mergeParts(runs, 10)).kind).toBe(kind)
  })

  test("no test is lost, and the time of all counts", () => {
    const merged = mergeParts([ran(1, result("a")), broken, ran(2, result("b"))], 10)
    expect(merged).toMatchObject({ kind: "runner-failed", seconds: 4, startedAt: 102 })
    expect(merged.tests.map(({ id }) => id)).toEqual(["a", "b"])
  })

  test("which limit was passed is said", () => {
    expect(mergeParts([ran(6, result("a")), ran(5, result("b"))], 10)).toMatchObject({
      kind: "timed-out",
      message: "all tests together took over 10 s",
    })
  })
})

test("a folder sees the common tests and those above it, and none below", () => {
  const folders = [commonTests, "base/test", "left/test"]
  expect(testScopes(folders, commonTests)).toEqual([
    { folder: commonTests, sees: [commonTests] },
    { folder: "base/test", sees: [commonTests, "base/test"] },
    { folder: "left/test", sees: [commonTests, "base/test", "left/test"] },
  ])
  expect(testScopes(["left/test"], commonTests)).toEqual([
    { folder: "left/test", sees: [commonTests, "left/test"] },
  ])
})
