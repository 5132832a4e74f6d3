"""All pytest processes that it takes to run every test of an image once, and flaky ones again."""

import json
import os
import signal
import time

from stack_judge import is_failure, result
from stack_process import Process, end_group
from stack_texts import clip

# Longest text kept of all messages and outputs together, in characters; tests behind that keep the start of theirs.
KEEP_IN_ALL = 24_000_000
KEEP_OF_MORE = 500
# Seconds between two lines that tell how far the tests are.
TELLING = 5
# What makes a folder of tests have pytest settings of its own, and the words by which pytest takes them for settings.
SETTINGS = {
    "pytest.toml": "", ".pytest.toml": "", "pytest.ini": "", ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]",
}


class Run:
    """Keeps a journal, a line for each result, so that another driver can take up the work of one that was killed."""

    def __init__(self, options, folder, pipe):
        self.options = options
        self.pipe = pipe
        self.folder = folder
        self.log = self.path("output.log")
        # Where tests leave screenshots and other files; kept when there are any.
        self.files = self.path("files")
        self.started = time.time()
        self.deadline = time.monotonic() + options.total
        self.tests = {}  # id -> result, in the order of running
        self.collected = {}  # id -> what the plug-in said of it
        self.groups_collected = set()
        self.other_users = {}  # user -> files with tests for it
        self.problem = None  # why some tests could not be run
        self.over = False  # no further test may be run
        self.told = None  # (when, what) was told last of how far the tests are
        self.journal = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def open(self):
        """Starts a journal, or goes on with the one of a driver that was killed."""
        os.makedirs(self.files, exist_ok=True)
        before = Before(self)
        # pylint: disable-next=consider-using-with
        self.journal = open(self.path("journal.jsonl"), "a", encoding="utf-8", buffering=1)
        self.write(event="driver", startedAt=self.started)
        before.conclude()

    def write(self, **event):
        self.journal.write(json.dumps(event) + "\n")

    def record(self, test):
        self.tests[test["id"]] = test
        self.write(event="result", test=test)

    def started_process(self, pid, paths):
        self.write(event="process", pid=pid, paths=paths)

    def started_test(self, test):
        self.write(event="start", id=test)

    def collect(self, paths, tests, users):
        """Notes what there is in a group of folders; a later process of the group tells only what is left."""
        group = paths[0]
        if group in self.groups_collected:
            return
        self.write(event="collected", group=group, tests=tests, otherUsers=users)
        self.note_collected(group, tests, users)

    def note_collected(self, group, tests, users):
        self.groups_collected.add(group)
        for user, files in users.items():
            self.other_users[user] = sorted({*self.other_users.get(user, []), *files})
        self.collected.update({test["id"]: {**test, "group": group} for test in tests})

    def limit_of(self, test):
        """Seconds that a test may take; 0: as long as all tests together. The spec's for what is no test."""
        return self.collected.get(test, {}).get("timeout", self.options.timeout)

    def fail(self, kind, message):
        self.over = self.over or kind == "timed-out"
        self.problem = self.problem or {"kind": kind, "message": message}

    def all(self):
        for paths in groups(self.options.paths):
            if not self.over and self.given(paths):
                self.group(paths)
        self.tell(0)

    def given(self, paths):
        """What pytest is given of a group's folders: all of them, or the files that alone have tests of this user."""
        only = self.options.only
        # A name that pytest would read as another one, or that is no file: then the folders tell.
        if not only or any("[" in file or not os.path.isfile(file) for file in only):
            return paths
        return [file for file in only if any(file.startswith(path + "/") for path in paths)]

    def tell(self, pause=TELLING):
        """Says how far the tests are to whoever follows the run (stepCounts.ts). No verdict depends on it."""
        now = time.monotonic()
        if not self.collected or (self.told is not None and now - self.told[0] < pause):
            return
        done = [self.tests[i] for i in self.collected if i in self.tests]
        count = [len(done), len(self.collected), len([test for test in done if is_failure(test)])]
        if self.told is not None and self.told[1] == count:
            return
        self.told = (now, count)
        try:
            print("stack: {} of {} tests done, {} failed".format(*count), flush=True)
        except OSError:
            # Nobody follows.
            pass

    def group(self, paths):
        """Runs the tests of folders with the same settings. What ends one group does not hide the tests of another."""
        failed_before, self.problem = self.problem, None
        if paths[0] not in self.groups_collected:
            Process(self, paths, None).follow()
        while self.left(paths[0]) and self.problem is None:
            self.round(paths, self.left(paths[0]))
        for attempt in range(1, 1 + max((t["retries"] for t in self.of_group(paths[0]).values()), default=0)):
            again = [i for i, t in self.of_group(paths[0]).items() if t["retries"] >= attempt and self.has_failed(i)]
            if again and self.problem is None:
                self.again(paths, again)
        self.problem = failed_before or self.problem

    def of_group(self, group):
        return {i: test for i, test in self.collected.items() if test["group"] == group}

    def left(self, group):
        return [i for i in self.of_group(group) if i not in self.tests]

    def has_failed(self, test):
        return test in self.tests and is_failure(self.tests[test])

    def round(self, paths, ids):
        done = len(self.tests)
        Process(self, paths, ids).follow()
        if len(self.tests) == done:
            self.fail("runner-failed", "pytest ended without running what was left")

    def again(self, paths, ids):
        before = {i: self.tests.pop(i) for i in ids}
        while [i for i in ids if i not in self.tests] and self.problem is None:
            self.round(paths, [i for i in ids if i not in self.tests])
        for i in ids:
            now = self.tests.get(i, before[i])
            attempts = before[i]["attempts"] + 1
            self.record({**now, "attempts": attempts, "flaky": now["outcome"] == "passed"})

    def results(self):
        found = {"startedAt": self.started, "seconds": round(time.time() - self.started, 3)}
        found["tests"] = within_limits(self.tests.values())
        found["otherUsers"] = sorted(self.other_users)
        found["otherUserFiles"] = self.other_users
        if self.problem is not None:
            return {**self.problem, **found}
        return {"kind": "ran" if self.tests else "no-tests-collected", **found}


class Before:
    """What a driver that was killed has left; nothing for the first one."""

    def __init__(self, run):
        self.run = run
        self.process = None
        self.running = []
        self.read = False
        if os.path.exists(run.path("journal.jsonl")):
            self.read_journal()

    def read_journal(self):
        with open(self.run.path("journal.jsonl"), encoding="utf-8", errors="replace") as journal:
            for line in journal:
                try:
                    self.take(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    # The line that was being written.
                    pass
        # The time for all tests goes on.
        self.run.deadline -= time.time() - self.run.started

    def take(self, event):
        kind = event["event"]
        if kind == "driver" and not self.read:
            self.read, self.run.started = True, event["startedAt"]
        elif kind == "process":
            self.process, self.running = event, []
        elif kind == "collected":
            self.run.note_collected(event["group"], event["tests"], event["otherUsers"])
        elif kind == "start":
            self.running.append(event["id"])
        elif kind == "result":
            test = event["test"]
            self.run.tests[test["id"]] = test
            self.running = [i for i in self.running if i != test["id"]]

    def conclude(self):
        """The tests that were running count as killed; while collecting, nothing tells what killed the driver."""
        if self.process is None:
            return
        # It may have outlived its driver.
        end_group(self.process["pid"], signal.SIGKILL)
        unread = Process(self.run, self.process["paths"], None)
        unread.running = dict.fromkeys(self.running, time.monotonic())
        unread.take_all()
        # One whose last report is there was at nothing any more.
        for test in [each for each in unread.running if not unread.is_complete(each)]:
            message = "was killed from outside together with the test driver, most likely by the kernel for want of memory"
            self.run.record(result(test, "killed", 0, message))
        if not self.run.collected:
            self.run.over = True
            message = "while collecting the tests, pytest and the test driver were killed, most likely for want of memory"
            self.run.fail("runner-failed", message)


def groups(paths):
    """Folders with the same pytest settings: those without any of their own share those of the folder of images."""
    alone = [[path] for path in paths if has_settings(path)]
    shared = [path for path in paths if not has_settings(path)]
    return ([shared] if shared else []) + alone


def has_settings(folder):
    for name, words in SETTINGS.items():
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                if words in file.read():
                    return True
        except OSError:
            continue
    return False


def within_limits(tests):
    """The tests with texts that a reader can hold."""
    room = KEEP_IN_ALL
    kept = []
    for test in tests:
        room -= len(test["message"]) + len(test["output"])
        short = {} if room > 0 else {key: clip(test[key], KEEP_OF_MORE) for key in ("message", "output")}
        kept.append({**test, **short})
    return kept
