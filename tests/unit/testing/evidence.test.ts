import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import type { TestOutcome, TestResult, TestRun } from "../../../dagger/lib/testing/testRun.js"
import { judgeTests, mergeRuns } from "../../../dagger/lib/testing/testRun.js"
import type { TestFiles } from "../../support/driver.js"
import { TestFolder, drive, interpreters } from "../../support/driver.js"

const outcomes = (run: TestRun) =>
  Object.fromEntries(run.tests.map(({ id, outcome }) => [id.split("::")[1] ?? id, outcome]))

test.each(interpreters)("%s: a killed driver's work is taken up by another one", (python) => {
  const kills = `import os
def test_first(): pass
def test_kills_the_driver():
    os.kill(os.getppid(), 9)
    os.kill(os.getpid(), 9)
def test_behind(): assert False
`
  const folder = new TestFolder({ "test_it.py": kills }, python)
  try {
    const run = folder.runScript()
    expect(outcomes(run)).toEqual({
      test_first: "passed",
      test_kills_the_driver: "killed",
      test_behind: "failed",
    })
    expect(run.kind).toBe("ran")
  } finally {
    folder.remove()
  }
})

test.each(interpreters)(
  "%s: a driver that is killed between a test's last report and its end loses no pass",
  (python) => {
    const kills = `import os, time
def pytest_runtest_logfinish(nodeid):
    if "first" in nodeid:
        time.sleep(0.5)
        os.kill(os.getppid(), 9)
        os.kill(os.getpid(), 9)
`
    const files = { "conftest.py": kills, "test_it.py": "def test_first(): pass\ndef test_behind(): pass\n" }
    const folder = new TestFolder(files, python)
    try {
      expect(outcomes(folder.runScript())).toEqual({ test_first: "passed", test_behind: "passed" })
    } finally {
      folder.remove()
    }
  },
)

test("a driver that is killed again and again says so, with what had ended", () => {
  const kill = (n: number) => `def test_${n}():\n    os.kill(os.getppid(), 9)\n    time.sleep(9)\n`
  const text = `import os, time\ndef test_good(): pass\n${[0, 1, 2, 3, 4, 5, 6].map(kill).join("")}`
  const folder = new TestFolder({ "test_it.py": text })
  try {
    const run = folder.runScript()
    expect(judgeTests(run)).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("killed again and again") as string,
    })
    expect(outcomes(run)).toMatchObject({ test_good: "passed", test_0: "killed", test_4: "killed" })
  } finally {
    folder.remove()
  }
})

test("an exception of the driver is told as what it is", () => {
  const text = `import os, pathlib, shutil
def test_takes_the_driver_s_place():
    folder = pathlib.Path(os.environ["STACK_SETTINGS"]).parent
    shutil.rmtree(folder)
    folder.write_text("no folder")
    os._exit(3)
def test_behind(): pass
`
  const run = drive({ "test_it.py": text })
  expect(judgeTests(run)).toMatchObject({
    kind: "failed",
    reason: expect.stringMatching(
      /^the test driver failed: FileExistsError.*stack_process\.py, line \d+/,
    ) as string,
  })
  expect(outcomes(run)).toEqual({ test_takes_the_driver_s_place: "crashed" })
})

test("ids of any length are left to another process when one of two thousand tests hangs", () => {
  const text = `import time, pytest
@pytest.mark.parametrize("n", [f"{n:0200}" for n in range(2000)])
@pytest.mark.timeout(1)
def test_it(n):
    if n.endswith("0007"): time.sleep(99)
`
  const run = drive({ "test_it.py": text }, "--timeout", "60", "--total", "300")
  const count = (outcome: TestOutcome) => run.tests.filter((each) => each.outcome === outcome).length
  expect([run.kind, count("passed"), count("hung")]).toEqual(["ran", 1999, 1])
}, 200_000)

test("a hundred megabytes in one line end in a result, and in bounded memory", () => {
  const text = `import sys
def test_loud():
    sys.stdout.write("x" * 100_000_000)
    assert False, "after all of it"
def test_behind(): pass
`
  const folder = new TestFolder({ "test_it.py": text })
  const command = ["python3", folder.driver, "--timeout", "60", "--total", "120", folder.tests]
  try {
    execFileSync("python3", ["-c", peakOf, ...command], { env: folder.environment() })
    const run = folder.results()
    expect(outcomes(run)).toEqual({ test_loud: "failed", test_behind: "passed" })
    const loud = run.tests.find(({ id }) => id.endsWith("test_loud"))
    expect(JSON.stringify(loud)).toContain("after all of it")
    expect(JSON.stringify(run).length).toBeLessThan(2_000_000)
  } finally {
    folder.remove()
  }
}, 200_000)

/** Runs a program, which fails where the driver itself, without its children, takes more than 256 MiB. */
const peakOf = `import os, runpy, sys, resource
sys.argv = sys.argv[2:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
try: runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as ended:
    if ended.code: raise
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.exit(f"the driver took {peak} KiB" if peak > 256 * 1024 else 0)
`

const cpuOf = `import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
`

test("three thousand tests take at most twice the processor time that pytest takes alone", () => {
  const text = `import pytest\n@pytest.mark.parametrize("n", range(3000))\ndef test_it(n): pass\n`
  const folder = new TestFolder({ "test_it.py": text })
  const seconds = (...command: string[]) =>
    Number(execFileSync("python3", ["-c", cpuOf, "python3", ...command], { env: folder.environment() }))
  try {
    const alone = seconds("-m", "pytest", "-v", "--import-mode=importlib", folder.tests)
    const driven = seconds(folder.driver, "--timeout", "60", "--total", "300", folder.tests)
    expect(driven / alone).toBeLessThan(2)
  } finally {
    folder.remove()
  }
}, 200_000)

const ini = (options: string) => `[pytest]\n${options}\n`

test("folders with settings of their own are run with these, the others with those of all images", () => {
  const files: TestFiles = {
    "../../conftest.py": "import pytest\n@pytest.fixture\ndef of_all(): return 7\n",
    "../../pytest.ini": ini("python_functions = check_*"),
    "../../left/test/pytest.ini": ini("python_functions = left_*"),
    "../../left/test/test_left.py":
      "def left_one(of_all): assert of_all == 7\ndef check_none(): assert False\n",
    "test_base.py": "def check_one(of_all): assert of_all == 7\ndef test_none(): assert False\n",
  }
  const folder = new TestFolder(files)
  try {
    expect(outcomes(folder.drive(`${folder.tests}/../../left/test`))).toEqual({
      check_one: "passed",
      left_one: "passed",
    })
  } finally {
    folder.remove()
  }
})

test("what ends one folder's tests does not hide those of another", () => {
  const files: TestFiles = {
    "../../left/test/pytest.ini": ini(""),
    "../../left/test/test_left.py": "def test_left(): assert False\n",
    "test_base.py": "import os\nos._exit(3)\n",
  }
  const folder = new TestFolder(files)
  try {
    const run = folder.drive(`${folder.tests}/../../left/test`)
    expect(run.kind).toBe("runner-failed")
    expect(outcomes(run)).toEqual({ test_left: "failed" })
  } finally {
    folder.remove()
  }
})

const result = (outcome: TestOutcome): TestResult => ({
  ...{ id: `a::${outcome}`, outcome, seconds: 0, message: "", output: "", attempts: 1, flaky: false },
})
const ran = (...found: TestOutcome[]): TestRun => ({
  ...{ kind: "ran", startedAt: 1, seconds: 1, tests: found.map(result), otherUsers: [] },
})
const none: TestRun = { ...ran(), kind: "no-tests-collected", otherUsers: ["1:1"] }
const broken: TestRun = { ...ran(), kind: "runner-failed", message: "gone" }

test.each<[string, TestRun, TestRun[], string, string]>([
  ["all tests are another user's, and pass", none, [ran("passed")], "", "passed"],
  ["all tests are another user's, and fail", none, [ran("failed")], "", "failed"],
  ["a filter leaves only another user's, which fail", none, [ran("failed")], "x", "failed"],
  ["a filter leaves only another user's, which pass", none, [ran("passed")], "x", "passed"],
  ["a filter leaves none", { ...none, otherUsers: [] }, [], "x", "none"],
  ["another user's are not found", ran("passed"), [none], "", "failed"],
  ["another user's are not found with a filter", none, [none], "x", "failed"],
  ["another user's cannot run", ran("passed"), [broken], "", "failed"],
  ["another user's are skipped", ran("passed"), [ran("skipped")], "", "passed"],
  ["only another user's pass", ran("skipped"), [ran("passed")], "", "passed"],
  ["nothing passes", ran("skipped"), [ran("xfailed")], "", "none"],
  ["an image forges a kind without tests", { ...none, tests: ran("failed").tests }, [], "x", "failed"],
])("%s", (_, main, others, filter, kind) => {
  const merged = mergeRuns(
    main,
    others.map((run) => ({ user: "1:1", run })),
  )
  expect(judgeTests(merged, filter).kind).toBe(kind)
})
