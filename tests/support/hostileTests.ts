import type { TestOutcome } from "../../dagger/lib/testing/testRun.js"
import type { ImageReport } from "../../dagger/lib/report/report.js"
import type { Files } from "./source.js"

/** A folder of tests that tries to be judged wrongly, or is merely odd, and the right verdict. */
export interface HostileFolder {
  /** Files below the image's `test` folder. */
  readonly files: Files
  readonly outcome: ImageReport["outcome"]["kind"]
  /** Part of the outcome's reason. */
  readonly reason?: string
  /** Outcome of each test, by what stands behind the file's name in its id; the file's path where nothing does. */
  readonly tests: Readonly<Record<string, TestOutcome>>
}

/** Names the pipe's descriptors in a test's process, as a hostile test would find them. */
const pipes = `
import os, stat
def pipes():
    found = []
    for fd in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                found.append(fd)
        except OSError:
            pass
    return found
`

const one = (text: string): Files => ({ "test_it.py": text })
const withIni = (options: string, text: string): Files => ({
  "pytest.ini": `[pytest]\n${options}\n`,
  ...one(text),
})
const withConftest = (conftest: string, text: string): Files => ({ "conftest.py": conftest, ...one(text) })

const fails = "def test_fails(): assert 1 == 2\n"
const passes = "def test_passes(): pass\n"
const failed = { outcome: "tests-failed", reason: "failed" } as const
const passed = { outcome: "passed" } as const

/** Whatever keeps a failing report from being seen, or makes a good one look bad. */
const reports: Readonly<Record<string, HostileFolder>> = {
  "subtests-fail": {
    ...failed,
    files: one(`def test_kernels(subtests):
    for kernel in ("python3", "ir", "bash"):
        with subtests.test(kernel=kernel):
            assert kernel != "ir"
`),
    tests: { test_kernels: "failed" },
  },
  "subtests-pass": {
    ...passed,
    files: one(
      `def test_kernels(subtests):\n    for n in range(3):\n        with subtests.test(n=n): assert n < 3\n`,
    ),
    tests: { test_kernels: "passed" },
  },
  "unittest-subtests": {
    ...failed,
    files: one(`import unittest
class TestSums(unittest.TestCase):
    def test_good(self):
        for n in range(3):
            with self.subTest(n=n): self.assertLess(n, 3)
    def test_bad(self):
        for n in range(3):
            with self.subTest(n=n): self.assertNotEqual(n, 1)
`),
    tests: { "TestSums::test_good": "passed", "TestSums::test_bad": "failed" },
  },
  "open-patched": {
    ...failed,
    files: one(`from unittest.mock import mock_open
def test_fails(monkeypatch):
    monkeypatch.setattr("builtins.open", mock_open(read_data="port = 1"))
    assert "8888" in open("/etc/config").read()
${passes}`),
    tests: { test_fails: "failed", test_passes: "passed" },
  },
  "open-patched-by-all": {
    ...failed,
    files: withConftest(
      `import pytest
from unittest import mock
@pytest.fixture(autouse=True, scope="session")
def nothing_opens():
    with mock.patch("builtins.open", mock.mock_open()): yield
`,
      fails,
    ),
    tests: { test_fails: "failed" },
  },
  "json-patched": {
    ...passed,
    files: one(`import json
def test_passes(monkeypatch):
    monkeypatch.setattr(json, "dumps", lambda *a, **k: "{}")
    monkeypatch.setattr(json.encoder, "encode_basestring_ascii", None)
    monkeypatch.setattr(json.JSONEncoder, "encode", None)
    assert json.dumps({"a": 1}) == "{}"
`),
    tests: { test_passes: "passed" },
  },
  "os-and-time-patched": {
    ...failed,
    files: one(`import os, time
def test_fails(monkeypatch):
    for module, name in [(os, "write"), (os, "getpid"), (os, "fstat"), (time, "time")]:
        monkeypatch.setattr(module, name, lambda *a: 0)
    monkeypatch.setattr(os, "environ", {})
    assert False
`),
    tests: { test_fails: "failed" },
  },
  "xdist-fails": {
    ...failed,
    files: withIni(
      "addopts = -n 3",
      `import time, pytest
@pytest.fixture
def slow_end():
    yield
    time.sleep(0.5)
def test_bad(slow_end):
    time.sleep(0.1)
    assert False
@pytest.mark.parametrize("n", range(4))
def test_good(n): time.sleep(0.1)
`,
    ),
    tests: {
      test_bad: "failed",
      "test_good[0]": "passed",
      "test_good[1]": "passed",
      "test_good[2]": "passed",
      "test_good[3]": "passed",
    },
  },
  "xdist-passes": {
    ...passed,
    files: withIni("addopts = -n 2 --dist=loadfile", passes),
    tests: { test_passes: "passed" },
  },
  "xdist-worker-dies": {
    outcome: "tests-failed",
    reason: "test_dies crashed",
    files: withIni("addopts = -n 2", `import os\ndef test_dies(): os._exit(0)\n${passes}`),
    tests: { test_dies: "crashed", test_passes: "passed" },
  },
  "xdist-hangs": {
    outcome: "tests-failed",
    reason: "test_hangs hung",
    files: withIni(
      "addopts = -n 2",
      `import time, pytest\n@pytest.mark.timeout(1)\ndef test_hangs(): time.sleep(99)\n${passes}`,
    ),
    tests: { test_hangs: "hung", test_passes: "passed" },
  },
  "forked-child-goes-on": {
    ...passed,
    files: one(`import os
def test_forks():
    child = os.fork()
    if child: os.waitpid(child, 0)
def test_behind(): pass
`),
    tests: { test_forks: "passed", test_behind: "passed" },
  },
  "forked-child-fails": {
    ...passed,
    files: one(`import os
def test_forks():
    child = os.fork()
    if not child: raise RuntimeError("in the child")
    os.waitpid(child, 0)
`),
    tests: { test_forks: "passed" },
  },
  "teardown-error": {
    outcome: "tests-failed",
    reason: "ended with an error",
    files: one(`import pytest
@pytest.fixture
def broken_end():
    yield
    raise RuntimeError("the end")
def test_one(broken_end): pass
@pytest.fixture
def broken(): raise RuntimeError("the start")
def test_two(broken): pass
`),
    tests: { test_one: "error", test_two: "error" },
  },
}

/** Processes that end as they should not, and statuses that say something else than the tests. */
const endings: Readonly<Record<string, HostileFolder>> = {
  "status-1-without-failure": {
    outcome: "tests-failed",
    reason: "status 1, though no test failed",
    files: withConftest("def pytest_sessionfinish(session): session.exitstatus = 1\n", passes),
    tests: { test_passes: "passed" },
  },
  "status-0-with-failure": {
    outcome: "tests-failed",
    reason: "status 0, though",
    files: withConftest("def pytest_sessionfinish(session): session.exitstatus = 0\n", fails),
    tests: { test_fails: "failed" },
  },
  "exit-at-the-end": {
    outcome: "tests-failed",
    reason: "status 0, though",
    files: withConftest("import os\ndef pytest_sessionfinish(session): os._exit(0)\n", fails),
    tests: { test_fails: "failed" },
  },
  "exit-at-exit": {
    outcome: "tests-failed",
    reason: "status 0, though",
    files: withConftest("import atexit, os\natexit.register(os._exit, 0)\n", fails),
    tests: { test_fails: "failed" },
  },
  "exit-between-tests": {
    outcome: "tests-failed",
    reason: "before its session was over",
    files: withConftest(
      "import os, pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_sessionstart(session):\n    pass\n" +
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session): os._exit(0)\n",
      passes,
    ),
    tests: {},
  },
  "exit-0-in-test": {
    outcome: "tests-failed",
    reason: "test_exits crashed",
    files: one(`import os\ndef test_exits(): os._exit(0)\n${passes}`),
    tests: { test_exits: "crashed", test_passes: "passed" },
  },
  "pytest-exit-0": {
    outcome: "tests-failed",
    reason: "test_exits crashed",
    files: one(`import pytest\ndef test_exits(): pytest.exit("enough", returncode=0)\n${passes}`),
    tests: { test_exits: "crashed", test_passes: "passed" },
  },
  "pytest-exit-0-in-fixture": {
    outcome: "tests-failed",
    reason: "test_passes crashed",
    files: withConftest(
      `import pytest\n@pytest.fixture(autouse=True, scope="session")\ndef gone(): pytest.exit("no GPU", returncode=0)\n`,
      passes,
    ),
    tests: { test_passes: "crashed" },
  },
  "keyboard-interrupt": {
    outcome: "tests-failed",
    reason: "test_stops crashed",
    files: one(`def test_stops(): raise KeyboardInterrupt\n${passes}`),
    tests: { test_stops: "crashed", test_passes: "passed" },
  },
  "system-exit": {
    ...failed,
    files: one(`import sys\ndef test_leaves(): sys.exit(0)\n`),
    tests: { test_leaves: "failed" },
  },
  "killed-by-itself": {
    outcome: "tests-failed",
    reason: "test_dies was killed",
    files: one(`import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGKILL)\n${passes}`),
    tests: { test_dies: "killed", test_passes: "passed" },
  },
  "collect-only": {
    outcome: "tests-failed",
    reason: "ran 0 of 1 tests",
    files: withIni("addopts = --collect-only", passes),
    tests: {},
  },
  "setup-only": {
    outcome: "tests-failed",
    reason: "test_passes ended with an error",
    files: withIni("addopts = --setup-only", passes),
    tests: { test_passes: "error" },
  },
  "stops-at-first": {
    outcome: "tests-failed",
    reason: "and 1 more",
    files: withIni(
      "addopts = -x",
      `def test_first(): assert False\ndef test_second(): assert False\n${passes}`,
    ),
    tests: { test_first: "failed", test_second: "failed", test_passes: "passed" },
  },
  "wrong-options": {
    outcome: "tests-failed",
    reason: "(status 4)",
    files: withIni("addopts = --no-such-option", passes),
    tests: {},
  },
  "conftest-fails": {
    outcome: "tests-failed",
    reason: "(status 4)",
    files: withConftest("import nowhere_to_be_found\n", passes),
    tests: {},
  },
  "import-exits": {
    outcome: "tests-failed",
    reason: "status 0 before its session was over",
    files: one("import os\nos._exit(0)\n"),
    tests: {},
  },
  "import-fails": {
    outcome: "tests-failed",
    reason: "test_import.py ended with an error",
    files: { "test_import.py": "import nowhere_to_be_found\n", ...one(passes) },
    tests: { "import-fails/test/test_import.py": "error", test_passes: "passed" },
  },
  "module-skipped": {
    outcome: "tests-failed",
    reason: "no tests were collected",
    files: one("import pytest\npytest.skip('not here', allow_module_level=True)\n"),
    tests: {},
  },
  "all-taken-away": {
    outcome: "tests-failed",
    reason: "no tests were collected",
    files: withConftest("def pytest_collection_modifyitems(items): items.clear()\n", passes),
    tests: {},
  },
  "plug-in-switched-off": {
    ...passed,
    // In vain: the command line comes behind.
    files: withIni("addopts = -p no:stack_plugin", passes),
    tests: { test_passes: "passed" },
  },
}

/** Tests that reach for what the driver works with. */
const attacks: Readonly<Record<string, HostileFolder>> = {
  "forged-events": {
    ...failed,
    files: one(`${pipes}
PASS = '{"when":"%s","outcome":"passed","xfail":false,"subtest":false,"seconds":0,"message":"","output":""}'
def test_fails():
    test = os.environ["PYTEST_CURRENT_TEST"].split(" ")[0]
    reports = ",".join(PASS % when for when in ("setup", "call", "teardown"))
    for fd in pipes():
        os.write(fd, ('\\n{"event":"finish","id":"%s","reports":[%s]}\\n' % (test, reports)).encode())
    assert False
`),
    tests: { test_fails: "failed" },
  },
  "rubbish-in-the-pipe": {
    ...passed,
    files: one(`${pipes}
RUBBISH = [b"\\xff\\xfe", b"{}", b"[]", b'{"event":"follow"}', b'{"event":"start","id":[]}', b'{"event":"reports","id":1,"reports":7}', b"x" * 70000]
def test_passes():
    for fd in pipes():
        for line in RUBBISH: os.write(fd, b"\\n" + line + b"\\n")
        os.write(fd, b"no line break")
def test_behind(): pass
`),
    tests: { test_passes: "passed", test_behind: "passed" },
  },
  "pipe-closed": {
    outcome: "tests-failed",
    reason: "test_closes crashed",
    files: one(`${pipes}\ndef test_closes():\n    for fd in pipes(): os.close(fd)\n`),
    tests: { test_closes: "crashed" },
  },
  "pipe-closed-and-failed": {
    outcome: "tests-failed",
    reason: "test_closes crashed",
    files: one(`${pipes}\ndef test_closes():\n    for fd in pipes(): os.close(fd)\n    assert False\n`),
    tests: { test_closes: "crashed" },
  },
  "journal-forged": {
    ...failed,
    // In the file that a driver might name in the environment, and in each of those that lie beside its settings.
    files: one(`import json, os, pathlib
def test_fails():
    test = os.environ["PYTEST_CURRENT_TEST"].split(" ")[0]
    good = {"outcome": "passed", "xfail": False, "subtest": False, "seconds": 0, "message": "", "output": ""}
    reports = [{"when": when, **good} for when in ("setup", "call", "teardown")]
    events = [{"event": "finish", "id": test, "reports": reports}, {"event": "session-finish", "failed": 0}]
    folder = pathlib.Path(os.environ["STACK_SETTINGS"]).parent
    named = [os.environ.get(name, str(folder / name)) for name in ("STACK_JOURNAL", "journal", "results.json")]
    for path in {*named, *(str(each) for each in folder.iterdir() if each.is_file())}:
        with open(path, "a") as journal:
            journal.writelines("\\n" + json.dumps(event) + "\\n" for event in events)
    assert False
`),
    tests: { test_fails: "failed" },
  },
  "results-forged": {
    ...failed,
    files: one(`import json, pathlib
def test_fails():
    test = {"id": "x", "outcome": "passed", "seconds": 0, "message": "", "output": "", "attempts": 1, "flaky": False}
    good = {"version": 1, "kind": "ran", "startedAt": 1, "seconds": 1, "tests": [test], "otherUsers": []}
    for name in ("results.json", "results.json.part"):
        pathlib.Path("/stack/results", name).write_text(json.dumps(good))
    assert False
`),
    tests: { test_fails: "failed" },
  },
  "results-removed": {
    ...failed,
    files: one(
      `import shutil\ndef test_fails():\n    shutil.rmtree("/stack/results", ignore_errors=True)\n    assert False\n${passes}`,
    ),
    tests: { test_fails: "failed", test_passes: "passed" },
  },
}

/** Markers, options and users that tests may have. */
const options: Readonly<Record<string, HostileFolder>> = {
  "no-time-limit": {
    ...passed,
    files: one(`import time, pytest\n@pytest.mark.timeout(0)\ndef test_passes(): time.sleep(0.2)\n`),
    tests: { test_passes: "passed" },
  },
  "time-limits": {
    outcome: "tests-failed",
    reason: "test_by_keyword hung",
    files: one(`import time, pytest
@pytest.mark.timeout(timeout=1)
def test_by_keyword(): time.sleep(99)
@pytest.mark.timeout("1")
def test_as_text(): time.sleep(99)
`),
    tests: { test_by_keyword: "hung", test_as_text: "hung" },
  },
  "wrong-time-limit": {
    outcome: "tests-failed",
    reason: "(status 4)",
    files: one(`import pytest\n@pytest.mark.timeout("soon")\ndef test_passes(): pass\n`),
    tests: {},
  },
  "cache-fixture": {
    ...passed,
    files: one(`def test_cache(cache, request):
    cache.set("stack/x", 1)
    assert cache.get("stack/x", None) == 1 and request.config.cache is not None
`),
    tests: { test_cache: "passed" },
  },
  "last-failed": {
    outcome: "tests-failed",
    reason: "and 1 more",
    files: withIni(
      "addopts = --lf",
      `import os\ndef test_fails(): assert False\ndef test_crashes(): os._exit(3)\n${passes}`,
    ),
    tests: { test_fails: "failed", test_crashes: "crashed", test_passes: "passed" },
  },
  "no-cache": {
    ...passed,
    files: withIni(
      "addopts = -p no:cacheprovider --strict-markers",
      `import pytest\n@pytest.mark.timeout(9)\n${passes}`,
    ),
    tests: { test_passes: "passed" },
  },
  "own-settings": {
    ...passed,
    files: withIni(
      "python_functions = check_*",
      "def check_passes(): pass\ndef test_is_none(): assert False\n",
    ),
    tests: { check_passes: "passed" },
  },
  "only-other-users": {
    ...passed,
    files: one(`import os, pytest
@pytest.mark.as_user("2000:100")
def test_passes(): assert (os.getuid(), os.getgid()) == (2000, 100)
`),
    tests: { test_passes: "passed" },
  },
  "only-other-users-fail": {
    ...failed,
    files: one(`import pytest\n@pytest.mark.as_user("2000:100")\n${fails}`),
    tests: { test_fails: "failed" },
  },
  "all-skipped": {
    outcome: "untested",
    reason: "all tests were skipped",
    files: one(`import pytest\n@pytest.mark.skip(reason="later")\n${passes}`),
    tests: { test_passes: "skipped" },
  },
  "all-fail-as-expected": {
    outcome: "untested",
    reason: "no test passed",
    files: one(`import pytest\n@pytest.mark.xfail\n${fails}`),
    tests: { test_fails: "xfailed" },
  },
  "passes-strictly-unexpected": {
    ...failed,
    files: one(`import pytest\n@pytest.mark.xfail(strict=True)\n${passes}`),
    tests: { test_passes: "failed" },
  },
  "passes-unexpected": {
    ...passed,
    files: one(`import pytest\n@pytest.mark.xfail\n${passes}`),
    tests: { test_passes: "xpassed" },
  },
  flaky: {
    ...failed,
    files: one(`import os, pathlib, pytest
@pytest.mark.flaky(retries=1)
def test_recovers():
    seen = pathlib.Path(os.environ["STACK_ARTIFACTS"]) / "seen"
    first = not seen.exists()
    seen.write_text("once")
    assert not first
@pytest.mark.flaky(1)
def test_does_not(): assert False
`),
    tests: { test_recovers: "passed", test_does_not: "failed" },
  },
  "much-output": {
    ...passed,
    files: one(`def test_prints():\n    for _ in range(50): print("x" * 100_000)\n`),
    tests: { test_prints: "passed" },
  },
  "odd-names": {
    ...passed,
    files: one(
      `import pytest\n@pytest.mark.parametrize("text", ["", "a::b", "a b", "x" * 300, "[", "é"])\ndef test_name(text): pass\n`,
    ),
    tests: {
      "test_name[]": "passed",
      "test_name[a::b]": "passed",
      "test_name[a b]": "passed",
      [`test_name[${"x".repeat(300)}]`]: "passed",
      "test_name[[]": "passed",
      "test_name[\\xe9]": "passed",
    },
  },
}

/** All of them, by the name of their image. */
export const hostileFolders: Readonly<Record<string, HostileFolder>> = {
  ...reports,
  ...endings,
  ...attacks,
  ...options,
}
