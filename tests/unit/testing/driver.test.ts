import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { TestResult, TestRun } from "../../../dagger/lib/testing/testRun.js"
import { judgeTests, parseTestRun } from "../../../dagger/lib/testing/testRun.js"
import { drive, TestFolder, testingFolder } from "../../support/driver.js"

const everyWayToEnd = `
import ctypes, os, pathlib, time
import pytest

def test_passes(): print("printed by the pass")
def test_fails(): assert 1 == 2
def test_hangs(): time.sleep(1000)
def test_crashes(): ctypes.string_at(0)
def test_exits(): os._exit(7)
def test_eats_memory():
    eaten = bytearray(600 << 20)
    time.sleep(2)
@pytest.mark.flaky(retries=2)
def test_is_flaky(tmp_path_factory):
    seen = pathlib.Path(os.environ["STACK_ARTIFACTS"]) / "seen"
    first = not seen.exists()
    seen.write_text("seen")
    assert not first
@pytest.mark.flaky(retries=1)
def test_is_broken_but_marked_flaky(): assert False
@pytest.mark.skip(reason="not here")
def test_is_skipped(): pass
@pytest.mark.xfail
def test_fails_as_expected(): assert False
@pytest.mark.as_user("2000:2000")
def test_of_another_user(): pass
@pytest.mark.timeout(20)
def test_may_take_longer(): time.sleep(4)
@pytest.fixture
def broken(): raise RuntimeError("no fixture")
def test_has_no_fixture(broken): pass
def test_behind_all_of_them(): pass
`

describe("every way a test can end", () => {
  let run: TestRun
  let byName: Map<string, TestResult>
  beforeAll(() => {
    const files = { "test_ways.py": everyWayToEnd, "test_import.py": "import nowhere_to_be_found" }
    run = drive(files, "--memory", String(400 << 20))
    byName = new Map(run.tests.map((each) => [each.id.split("::")[1] ?? each.id, each]))
  }, 60_000)

  test.each([
    ["test_passes", "passed", ""],
    ["test_fails", "failed", "assert 1 == 2"],
    ["test_hangs", "hung", "did not end within 3 s"],
    ["test_crashes", "crashed", "SIGSEGV"],
    ["test_exits", "crashed", "ended the interpreter with status 7"],
    ["test_eats_memory", "killed", "400 MiB are allowed"],
    ["test_is_flaky", "passed", ""],
    ["test_is_broken_but_marked_flaky", "failed", "assert False"],
    ["test_is_skipped", "skipped", "not here"],
    ["test_fails_as_expected", "xfailed", "assert False"],
    ["test_may_take_longer", "passed", ""],
    ["test_has_no_fixture", "error", "no fixture"],
    ["test_behind_all_of_them", "passed", ""],
    ["base/test/test_import.py", "error", "nowhere_to_be_found"],
  ])("%s: %s", (name, outcome, message) => {
    expect(byName.get(name)).toMatchObject({ outcome, message: expect.stringContaining(message) as string })
  })

  test("only tests marked flaky are run again, and say so", () => {
    expect(byName.get("test_is_flaky")).toMatchObject({ attempts: 2, flaky: true })
    expect(byName.get("test_is_broken_but_marked_flaky")).toMatchObject({ attempts: 2, flaky: false })
    expect(byName.get("test_fails")).toMatchObject({ attempts: 1, flaky: false })
  })

  test("tests of another user are left to a run as that user", () => {
    expect(byName.has("test_of_another_user")).toBe(false)
    expect(run.otherUsers).toEqual(["2000:2000"])
  })

  test("a hanging test's stack is in its message", () => {
    expect(byName.get("test_hangs")?.message).toContain("test_hangs")
  })
})

test("the files that have tests of another user are named, and they alone are imported for it", () => {
  const asks = (user: string) =>
    `import pytest\n@pytest.mark.as_user("${user}")\ndef test_user(): pass\ndef test_own(): pass\n`
  const files = {
    "test_one.py": asks("1:1"),
    "deep/test_one.py": asks("1:1"),
    "test_two.py": asks("2:2"),
    "test_none.py": "import nowhere_to_be_found\n",
    "test_[odd].py": asks("3:3"),
  }
  const drive = (user: string, only: (root: string) => readonly string[]) => {
    const folder = new TestFolder(files)
    try {
      const asked = user === "" ? [] : ["--user", user]
      return folder.drive(...asked, ...only(folder.root).map((file) => `--only=${file}`))
    } finally {
      folder.remove()
    }
  }
  const { otherUserFiles = {} } = drive("", () => [])
  expect(otherUserFiles).toEqual({
    "1:1": ["base/test/deep/test_one.py", "base/test/test_one.py"],
    "2:2": ["base/test/test_two.py"],
    "3:3": ["base/test/test_[odd].py"],
  })
  const ofUser = (user: string) =>
    drive(user, (root) => (otherUserFiles[user] ?? []).map((file) => `${root}/tests/${file}`)).tests.map(
      ({ id, outcome }) => `${id}: ${outcome}`,
    )
  expect(ofUser("1:1")).toEqual([
    "base/test/deep/test_one.py::test_user: passed",
    "base/test/test_one.py::test_user: passed",
  ])
  expect(ofUser("2:2")).toEqual(["base/test/test_two.py::test_user: passed"])
  // A name that pytest would take for another one, and one that is none: all files are looked at.
  expect(ofUser("3:3")).toEqual([
    "base/test/test_none.py: error",
    "base/test/test_[odd].py::test_user: passed",
  ])
  expect(drive("2:2", () => ["/nowhere.py"]).tests.map(({ outcome }) => outcome)).toEqual(["error", "passed"])
})

test("as another user, only that user's tests run", () => {
  const run = drive({ "test_ways.py": everyWayToEnd }, "--user", "2000:2000")
  expect(run.tests.map(({ id, outcome }) => [id, outcome])).toEqual([
    ["base/test/test_ways.py::test_of_another_user", "passed"],
  ])
})

test("a filter leaves the others out", () => {
  const run = drive({ "test_ways.py": everyWayToEnd }, "--filter", "passes or behind")
  expect(run.tests.map(({ id }) => id.split("::")[1])).toEqual(["test_passes", "test_behind_all_of_them"])
})

test.each<[string, Record<string, string>, string[], TestRun["kind"], string]>([
  ["nothing to collect", { "test_none.py": "" }, [], "no-tests-collected", "no tests were collected"],
  [
    "a filter that matches nothing",
    { "test_a.py": "def test_a(): pass" },
    ["--filter", "zzz"],
    "no-tests-collected",
    "no tests",
  ],
  [
    "an import that hangs",
    { "test_h.py": "import time; time.sleep(99)" },
    [],
    "runner-failed",
    "did not end within 3 s",
  ],
  [
    "an import that crashes",
    { "test_c.py": "import os; os._exit(3)" },
    [],
    "runner-failed",
    "ended the interpreter with status 3",
  ],
  [
    "too much time for all",
    { "test_t.py": "import time\ndef test_a(): time.sleep(2)\ndef test_b(): time.sleep(2)\n" },
    ["--total", "3"],
    "timed-out",
    "took over 3 s",
  ],
  [
    "a server that is not there",
    { "test_a.py": "def test_a(): pass" },
    ["--server", "http://127.0.0.1:9/"],
    "no-server",
    "did not answer",
  ],
])("%s is no pass", (_, files, options, kind, reason) => {
  const run = drive(files, ...options)
  expect(run.kind).toBe(kind)
  expect(judgeTests(run)).toMatchObject({ kind: "failed", reason: expect.stringContaining(reason) as string })
})

test("a process that a test leaves behind is ended with the run", () => {
  const marker = `stack-left-behind-${process.pid}`
  const left = `import subprocess, sys\ndef test_a(): subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "${marker}"])`
  drive({ "test_left.py": left })
  const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
  expect(running).not.toContain(marker)
})

let noPytest: string
beforeAll(() => {
  noPytest = mkdtempSync(join(tmpdir(), "no-pytest-"))
  execFileSync("python3", ["-m", "venv", "--without-pip", join(noPytest, "venv")])
})
afterAll(() => {
  rmSync(noPytest, { recursive: true, force: true })
})

test("an image without pytest says so", () => {
  const python = join(noPytest, "venv/bin/python")
  execFileSync(python, [join(testingFolder, "driver.py"), "--timeout", "3", "--total", "9", noPytest], {
    env: { PATH: process.env.PATH, STACK_RESULTS: noPytest },
  })
  expect(parseTestRun(readFileSync(join(noPytest, "results.json"), "utf8")).kind).toBe("no-pytest")
})

test("who follows the driver hears how far the tests are: when they are known, now and then, and at the end", () => {
  const slow = `
import pytest, time
@pytest.mark.parametrize("n", range(4))
def test_slow(n):
    time.sleep(2)
    assert n != 1
`
  const folder = new TestFolder({ "test_slow.py": slow })
  try {
    const limits = ["--timeout", "5", "--total", "60"]
    const options = { env: folder.environment(), encoding: "utf8" } as const
    const said = execFileSync(folder.python, [folder.driver, ...limits, folder.tests], options)
    expect(said.split("\n")).toEqual([
      "stack: 0 of 4 tests done, 0 failed",
      expect.stringMatching(/^stack: [23] of 4 tests done, 1 failed$/),
      "stack: 4 of 4 tests done, 1 failed",
      "",
    ])
  } finally {
    folder.remove()
  }
})
