"""Runs pytest in an image and writes results.json: one entry per test, whatever a test does to the process.

Needs nothing but Python 3.8 and the image's own pytest. pytest runs in a process group of its own; the driver follows
the plugin's journal. A test over its time limit, one that ends the interpreter and one that uses more memory than
allowed each become an outcome of that test, and pytest is started again for the tests that are left.
"""

import argparse
import importlib.util
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.parse

VERSION = 1
RESULTS = os.environ.get("STACK_RESULTS", "/stack/results")
SAVED = os.path.join(RESULTS, "results.json")
# Where tests leave screenshots and other files; kept when there are any.
FILES = os.path.join(RESULTS, "files")
HERE = os.path.dirname(os.path.abspath(__file__))
# Laid out as the source's folder of images: test ids read as paths below it.
TESTS = os.path.join(os.path.dirname(HERE), "tests")
# Longest text kept of one test's failure or output, in characters: reports stay readable, logs have all.
KEEP = 20_000


def main():
    options = parse_options()
    started = time.time()
    if importlib.util.find_spec("pytest") is None:
        return write({"kind": "no-pytest", "startedAt": started, "seconds": 0, "tests": [], "otherUsers": []})
    silence = why_silent(options) if options.server else None
    if silence is not None:
        nothing = {"startedAt": started, "seconds": time.time() - started, "tests": [], "otherUsers": []}
        return write({"kind": "no-server", "message": silence, **nothing})
    os.makedirs(FILES, exist_ok=True)
    run = Run(options, started)
    if options.resume and os.path.exists(SAVED):
        run.resume()
    run.save()
    run.all()
    if not os.listdir(FILES):
        os.rmdir(FILES)
    write(run.results())


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, required=True, help="seconds a test may take")
    parser.add_argument("--total", type=float, required=True, help="seconds all tests together may take")
    parser.add_argument("--memory", type=int, default=0, help="bytes that pytest and its children may use; 0: no limit")
    parser.add_argument("--resume", action="store_true", help="go on where a driver that was killed has stopped")
    parser.add_argument("--user", default="", help="run only the tests marked as_user with this value")
    parser.add_argument("--filter", default="", help="pytest -k expression")
    parser.add_argument("--server", default="", help="URL of a server that must answer first")
    parser.add_argument("--server-state", default="", help="folder with its server.log, and its exit status once it ended")
    parser.add_argument("paths", nargs="+", help="files and folders with tests")
    return parser.parse_args()


def why_silent(options):
    """Waits for the server as long as for a test; None as soon as it answers, whatever it says."""
    deadline = time.monotonic() + options.timeout
    ended = os.path.join(options.server_state, "exit")
    while time.monotonic() < deadline:
        if answers(options.server):
            return None
        status = state_text(ended)
        if status is not None:
            status = status.strip()
            return f"the server ended with status {status} before it answered\n{server_output(options)}"
        time.sleep(0.5)
    return f"the server did not answer within {options.timeout:g} s\n{server_output(options)}"


def answers(url, seconds=5):
    """Whether it answers in HTTP within this time, whatever it says; one that says its word letter by letter does not."""
    place = urllib.parse.urlsplit(url)
    deadline = time.monotonic() + seconds
    answer = b""
    try:
        with socket.create_connection((place.hostname, place.port or 80), timeout=seconds) as server:
            server.sendall(f"GET / HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
            while len(answer) < 5:
                server.settimeout(max(0.01, deadline - time.monotonic()))
                piece = server.recv(5 - len(answer))
                if not piece or time.monotonic() > deadline:
                    return False
                answer += piece
    except OSError:
        return False
    return answer == b"HTTP/"


def server_output(options):
    """The end of what the server printed: the start of its log, then the last two parts in turn (serverLog.ts)."""
    def of(name):
        return state_text(os.path.join(options.server_state, name)) or ""

    last = ["server.log.1", "server.log.2"]
    if len(of("server.parts")) % 2:
        last.reverse()
    return tail_of_text("".join(of(name) for name in ["server.log", *last]))


def state_text(path, most=1 << 20):
    """The end of a file that the image's user may have replaced by anything; None where it is no regular file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return None
        return os.pread(file, most, max(0, status.st_size - most)).decode("utf-8", "replace")
    finally:
        os.close(file)


def write(results):
    with open(SAVED + ".part", "w", encoding="utf-8") as file:
        json.dump({"version": VERSION, **results}, file, indent=1)
    os.replace(SAVED + ".part", SAVED)


def clip(text):
    return text if len(text) <= KEEP else text[: KEEP // 2] + "\n[...]\n" + text[-KEEP // 2 :]


class Run:
    """All processes that it takes to run every test once, and flaky ones again."""

    def __init__(self, options, started):
        self.options = options
        self.started = started
        self.deadline = time.monotonic() + options.total
        self.tests = {}  # id -> result, in the order of running
        self.collected = None  # id -> what the plugin said of it
        self.other_users = []
        self.problem = None  # why no (further) test could be run

    def resume(self):
        """Takes up what the killed driver had written; the test that was running counts as killed."""
        with open(SAVED, encoding="utf-8") as file:
            self.tests = {test["id"]: test for test in json.load(file)["tests"]}
        before = Process(self, None)
        before.take_events()
        if before.group:
            # It may have outlived its driver.
            end_group(before.group, signal.SIGKILL)
            before.take_events()
        before.conclude(-signal.SIGKILL, tail(before.log, 0))

    def all(self):
        if self.collected is None and self.problem is None:
            self.round(None)
        while self.left() and self.problem is None:
            self.round(self.left())
        for attempt in range(1, 1 + max((t["retries"] for t in (self.collected or {}).values()), default=0)):
            again = [i for i in self.failed() if self.collected.get(i, {}).get("retries", 0) >= attempt]
            if again and self.problem is None:
                self.again(again)

    def again(self, ids):
        before = {i: self.tests.pop(i) for i in ids}
        while [i for i in ids if i not in self.tests] and self.problem is None:
            self.round([i for i in ids if i not in self.tests])
        for i in ids:
            now = self.tests.setdefault(i, before[i])
            now["attempts"] = before[i]["attempts"] + 1
            now["flaky"] = now["outcome"] == "passed"

    def left(self):
        return [i for i in self.collected or {} if i not in self.tests]

    def failed(self):
        return [i for i, t in self.tests.items() if t["outcome"] in ("failed", "error", "hung", "crashed", "killed")]

    def round(self, ids):
        done = len(self.tests)
        Process(self, ids).follow()
        if ids is not None and len(self.tests) == done and self.problem is None:
            self.problem = {"kind": "runner-failed", "message": "pytest ended without running what was left"}

    def save(self):
        """Writes what is known so far: it counts when the driver itself is killed."""
        killed = {"kind": "runner-failed", "message": "the test driver was killed, most likely for want of memory"}
        write({**self.results(), **killed})

    def results(self):
        found = {"startedAt": self.started, "seconds": round(time.time() - self.started, 3)}
        found["tests"] = list(self.tests.values())
        found["otherUsers"] = self.other_users
        if self.problem is not None:
            return {**self.problem, **found}
        return {"kind": "ran" if self.tests else "no-tests-collected", **found}


class Process:
    """One pytest process, followed through its journal until it ends or has to be ended."""

    def __init__(self, run, ids):
        self.run = run
        self.ids = ids
        self.current = None  # id of the test that is running
        self.since = time.monotonic()  # of the last start or finish of a test
        self.phases = {}
        self.verdict = None  # (outcome, message) that the driver gave when it ended the process
        self.read = 0
        self.group = 0  # of processes, as pytest itself told
        self.journal = os.path.join(RESULTS, "journal.jsonl")
        self.log = os.path.join(RESULTS, "output.log")

    def follow(self):
        open(self.journal, "w").close()
        log_start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            child = subprocess.Popen(
                self.command(), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=self.environment(), start_new_session=True,
            )
            while child.poll() is None:
                self.take_events()
                self.watch(child)
                time.sleep(0.05)
        # Servers that tests started and left behind would hold ports and memory.
        end_group(child.pid, signal.SIGKILL)
        self.take_events()
        self.conclude(child.returncode, tail(self.log, log_start))

    def command(self):
        options = self.run.options
        command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "-p", "stack_plugin", "-p", "no:cacheprovider"]
        command += ["-v", "--color=no", "--import-mode=importlib", "--continue-on-collection-errors"]
        command += ["--rootdir", TESTS]
        if options.filter:
            command += ["-k", options.filter]
        return command + options.paths

    def environment(self):
        settings = {"timeout": self.run.options.timeout, "user": self.run.options.user, "run": self.ids}
        paths = [HERE, TESTS, os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            "STACK_JOURNAL": self.journal,
            "STACK_ARTIFACTS": FILES,
            "STACK_SETTINGS": json.dumps(settings),
            "PYTHONPATH": os.pathsep.join(p for p in paths if p),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def take_events(self):
        with open(self.journal, encoding="utf-8") as journal:
            journal.seek(self.read)
            while True:
                line = journal.readline()
                if not line.endswith("\n"):
                    return
                self.read = journal.tell()
                self.take(json.loads(line))

    def take(self, event):
        kind = event["event"]
        if kind == "configured":
            self.group = event["group"]
        elif kind == "collected":
            self.since = time.monotonic()
            self.run.other_users = event["otherUsers"]
            if self.run.collected is None:
                self.run.collected = {t["id"]: t for t in event["tests"]}
        elif kind == "collect-failed":
            self.run.tests.setdefault(event["id"], result(event["id"], "error", 0, event["message"]))
        elif kind == "start":
            self.current, self.since, self.phases = event["id"], time.monotonic(), {}
        elif kind == "phase":
            self.phases[event["when"]] = event
        elif kind == "finish":
            self.run.tests[event["id"]] = judged(event["id"], self.phases)
            self.current, self.since = None, time.monotonic()
            self.run.save()

    def watch(self, child):
        """Ends the process when a limit is passed; the reason becomes the running test's outcome."""
        now = time.monotonic()
        # Collecting imports the test files, and heavy libraries with them: it has the limit of a test.
        limit = self.run.options.timeout
        if self.current is not None and self.run.collected is not None:
            limit = self.run.collected.get(self.current, {}).get("timeout", limit)
        allowed = self.run.options.memory
        used = memory_of_group(child.pid) if allowed else 0
        if used > allowed:
            self.end(child, "killed", f"used {used >> 20} MiB of memory, {allowed >> 20} MiB are allowed")
        elif now - self.since > limit:
            self.end(child, "hung", f"did not end within {limit:g} s")
        elif now > self.run.deadline:
            self.run.problem = {"kind": "timed-out", "message": f"all tests together took over {self.run.options.total:g} s"}
            self.end(child, "hung", "was running when the time for all tests was over")

    def end(self, child, outcome, message):
        self.verdict = (outcome, message)
        if outcome == "hung":
            # faulthandler prints where each thread stands before the process ends.
            os.kill(child.pid, signal.SIGABRT)
            try:
                child.wait(timeout=3)
            except subprocess.TimeoutExpired:
                pass
        end_group(child.pid, signal.SIGKILL)
        child.wait()

    def conclude(self, status, log):
        if self.current is not None:
            outcome, message = self.verdict or died(status)
            seconds = time.monotonic() - self.since
            self.run.tests[self.current] = result(self.current, outcome, seconds, f"{message}\n{tail_of_text(log)}")
        elif self.verdict is not None or status not in (0, 1, 5):
            outcome, message = self.verdict or died(status)
            place = "collecting the tests" if self.run.collected is None else "running them"
            self.run.problem = self.run.problem or {
                "kind": "runner-failed", "message": clip(f"while {place}, pytest {message}\n{tail_of_text(log)}"),
            }


def judged(test, phases):
    """A test's outcome from those of its set-up, call and tear-down: the first that is not a pass decides."""
    seconds = sum(p["seconds"] for p in phases.values())
    output = phases.get("teardown", phases.get("call", {})).get("output", "")
    for when in ("setup", "call", "teardown"):
        phase = phases.get(when)
        if phase is None or (phase["outcome"] == "passed" and not phase["xfail"]):
            continue
        return result(test, outcome_of(phase), seconds, phase["message"], output)
    return result(test, "passed", seconds, "", output)


def outcome_of(phase):
    if phase["xfail"]:
        return "xfailed" if phase["outcome"] == "skipped" else "xpassed"
    if phase["outcome"] == "skipped":
        return "skipped"
    return "failed" if phase["when"] == "call" else "error"


def result(test, outcome, seconds, message, output=""):
    return {
        "id": test, "outcome": outcome, "seconds": round(seconds, 3), "message": clip(message),
        "output": clip(output), "attempts": 1, "flaky": False,
    }


def died(status):
    if status == -signal.SIGKILL:
        return "killed", "was killed from outside, most likely by the kernel for want of memory (SIGKILL)"
    if status < 0:
        return "crashed", f"ended the interpreter by signal {signal.Signals(-status).name}"
    return "crashed", f"ended the interpreter with status {status}"


def end_group(pid, number):
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def memory_of_group(group):
    """Resident bytes of all processes of a process group; those that end meanwhile count nothing."""
    pages = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                # Fields after the command, which is in parentheses and may hold anything (proc(5)).
                fields = stat.read().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")


def tail(path, start):
    with open(path, "rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", "replace")


def tail_of_text(text, lines=40):
    return "\n".join(text.splitlines()[-lines:])


if __name__ == "__main__":
    main()
