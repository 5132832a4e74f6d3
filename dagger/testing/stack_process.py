"""One pytest process, followed from outside."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

from stack_judge import died, disagreement, failures_of, judged, messages_of, result
from stack_texts import clip

HERE = os.path.dirname(os.path.abspath(__file__))
# Laid out as the source's folder of images: test ids read as paths below it.
TESTS = os.path.join(os.path.dirname(HERE), "tests")
# Longest part of an event that is waited for, in bytes: a test may write into the pipe whatever it likes.
LONGEST = 4 << 20
# Seconds between two looks at limits.
PACE = 0.05
# What there is in a report of the plug-in's.
REPORT = {"when", "outcome", "xfail", "subtest", "seconds", "message", "output"}
# fcntl.F_SETPIPE_SZ, which Python has from 3.10 on (linux/fcntl.h).
SET_PIPE_SIZE = 1031


class Pipe:
    """Through which pytest tells what it does. It outlives every driver: what one has not read yet, the next one does."""

    def __init__(self):
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        try:
            fcntl.fcntl(self.reading, SET_PIPE_SIZE, 1 << 20)
        except OSError:
            # Users have a limit for it; a small pipe only makes pytest wait more often.
            pass


class Process:
    """Runs pytest until it ends or has to be ended, and gives the run one result for every test."""

    def __init__(self, run, paths, ids):
        self.run = run
        self.paths = paths
        self.ids = ids
        self.running = {}  # id -> when it started; several with pytest-xdist
        self.since = time.monotonic()  # of the last start or finish of a test
        self.reports = {}  # id -> reports
        self.ended = {}  # id -> result
        self.failed = set()  # ids with a report that failed
        self.wanted = None  # ids that were collected for this process
        self.distributed = False  # by pytest-xdist
        self.session = None  # what pytest said when its session was over
        self.verdict = None  # (outcome, message, ids) when the driver ended the process
        self.pending = b""

    def follow(self):
        folder = self.run.path("process")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(self.run.log, "ab") as log:
            log_start = log.tell()
            child = self.start(folder, log)
            self.watch(child)
        shutil.rmtree(folder, ignore_errors=True)
        self.conclude(child.returncode, tail(self.run.log, log_start))

    def start(self, folder, log):
        settings = os.path.join(folder, "settings.json")
        writing = self.run.pipe.writing
        pipe = os.fstat(writing)
        with open(settings, "w", encoding="utf-8") as file:
            # Not in the environment: Linux takes no variable over 128 KiB.
            json.dump({
                "timeout": self.run.options.timeout, "user": self.run.options.user, "run": self.ids,
                "pipe": writing, "pipeId": [pipe.st_dev, pipe.st_ino],
            }, file)
        child = subprocess.Popen(
            self.command(folder), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=self.environment(settings), start_new_session=True, pass_fds=[writing],
        )
        self.run.started_process(child.pid, self.paths)
        return child

    def command(self, folder):
        options = self.run.options
        command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "-p", "stack_plugin"]
        command += ["-v", "--color=no", "--import-mode=importlib", "--continue-on-collection-errors"]
        # A cache of its own for each process: `--lf` of an ini file must not leave tests out that are yet to be run.
        command += ["--rootdir", TESTS, "--confcutdir", TESTS, "-o", f"cache_dir={os.path.join(folder, 'cache')}"]
        if options.filter:
            command += ["-k", options.filter]
        return command + self.run.given(self.paths)

    def environment(self, settings):
        paths = [HERE, TESTS, os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            "STACK_ARTIFACTS": self.run.files,
            "STACK_SETTINGS": settings,
            "PYTHONPATH": os.pathsep.join(p for p in paths if p),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def watch(self, child):
        looked = 0.0
        while child.poll() is None:
            self.wait_for_events()
            if time.monotonic() - looked > PACE:
                looked = time.monotonic()
                self.limit(child)
                self.run.tell()
        # Servers that tests started and left behind would hold ports and memory.
        end_group(child.pid, signal.SIGKILL)
        self.take_all()

    def wait_for_events(self):
        if select.select([self.run.pipe.reading], [], [], PACE)[0]:
            # Many tests that take no time are told in one go.
            time.sleep(PACE / 10)
            self.take_events()

    def take_all(self):
        """Takes what processes that have ended have left; not for ever, where another one goes on writing."""
        deadline = time.monotonic() + 1
        while self.take_events() and time.monotonic() < deadline:
            pass

    def take_events(self):
        """Takes what is there; False where nothing was."""
        try:
            read = os.read(self.run.pipe.reading, 1 << 20)
        except BlockingIOError:
            return False
        *lines, self.pending = (self.pending + read).split(b"\n")
        if len(self.pending) > LONGEST:
            self.pending = b""
        for line in lines:
            self.take_line(line)
        return True

    def take_line(self, line):
        """Passes over what is no event of the plug-in's: what gets lost by it is missed in the end."""
        if not line:
            return
        try:
            event = json.loads(line)
            take = getattr(self, "on_" + event.pop("event").replace("-", "_"))
            take(**event)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass

    def on_collected(self, tests, otherUsers, distributed):  # noqa: N803, a name of the document
        self.since = time.monotonic()
        self.distributed = distributed
        # With pytest-xdist every worker tells.
        if self.wanted is None:
            self.wanted = [test["id"] for test in tests]
            self.run.collect(self.paths, tests, otherUsers)

    def on_collect_failed(self, id, message):
        failed = result(id, "error", 0, message)
        self.ended[id] = failed
        self.failed.add(id)
        if id not in self.run.tests:
            self.run.record(failed)

    def on_start(self, id):
        self.running[id] = self.since = time.monotonic()
        self.run.started_test(id)

    def on_reports(self, id, reports):
        if any(set(report) != REPORT for report in reports):
            return
        self.reports.setdefault(id, []).extend(reports)
        # Judged with its last phase: a driver that is killed before it hears of the end would take the reports with it.
        # One behind the end of its test counts, too.
        if reports and (id in self.ended or self.is_complete(id)):
            self.finish(id)

    def on_finish(self, id, reports):
        self.on_reports(id, reports)
        # Without a report and with a result, the driver before this one has judged it.
        if id not in self.ended and (self.reports.get(id) or id not in self.run.tests):
            self.finish(id)
        self.running.pop(id, None)
        self.since = time.monotonic()

    def finish(self, test):
        reports = self.reports.get(test, [])
        self.ended[test] = judged(test, reports)
        if failures_of(reports):
            self.failed.add(test)
        self.run.record(self.ended[test])

    def on_session_finish(self, failed):
        self.session = {"failed": failed}

    def limit(self, child):
        """Ends the process when a limit is passed; the reason becomes the outcome of the tests that passed it."""
        options, now = self.run.options, time.monotonic()
        used = memory_of_group(child.pid) if options.memory else 0
        if used > options.memory:
            message = f"used {used >> 20} MiB of memory, {options.memory >> 20} MiB are allowed"
            self.end(child, "killed", message, list(self.running))
            return
        # Collecting imports the test files, and heavy libraries with them: it has the limit of a test.
        waiting = {} if self.running else {None: self.since}
        over = [test for test, since in {**self.running, **waiting}.items() if 0 < self.run.limit_of(test) < now - since]
        if over:
            limit = self.run.limit_of(over[0])
            self.end(child, "hung", f"did not end within {limit:g} s", [test for test in over if test is not None])
        elif now > self.run.deadline:
            self.run.fail("timed-out", f"all tests together took over {options.total:g} s")
            self.end(child, "hung", "was running when the time for all tests was over", list(self.running))

    def end(self, child, outcome, message, tests):
        self.verdict = (outcome, message, tests)
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
        shown = tail_of_text(log)
        for test in [each for each in self.running if self.is_told(each)]:
            self.on_finish(test, [])
        # When one of pytest-xdist's workers makes a session end, what the others were at is not to blame.
        blamed = [] if self.distributed and self.session is not None else list(self.running)
        outcome, message, tests = self.verdict or (*died(status, self.session is not None), blamed)
        for test in tests:
            before = messages_of(failures_of(self.reports.get(test, [])))
            words = "\n".join(part for part in (message, before, shown) if part)
            seconds = time.monotonic() - self.running.get(test, self.since)
            self.run.record(result(test, outcome, seconds, words))
        if tests:
            return
        place = "collecting the tests" if self.wanted is None else "running the tests"
        if self.verdict is not None:
            self.run.fail("runner-failed", clip(f"while {place}, pytest {message}\n{shown}"))
            return
        told = {"wanted": self.wanted, "ended": self.ended, "failed": self.failed, "session": self.session}
        problem = disagreement(status, told)
        if problem is not None:
            self.run.fail("runner-failed", clip(f"while {place}, {problem}\n{shown}"))

    def is_told(self, test):
        """Whether pytest ended a session in which the test's reports were complete: nothing tells the end of some tests."""
        return self.session is not None and self.is_complete(test)

    def is_complete(self, test):
        """Whether there are reports of its last phase, or of one that pytest itself does not have."""
        return any(report["when"] not in ("setup", "call") for report in self.reports.get(test, []))


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


def tail(path, start=0, most=1 << 16):
    """The end of a file, from `start` on at most; nothing where a test has removed it."""
    try:
        with open(path, "rb") as file:
            file.seek(max(start, os.fstat(file.fileno()).st_size - most))
            return file.read(most).decode("utf-8", "replace")
    except OSError:
        return ""


def tail_of_text(text, lines=40):
    return "\n".join(text.splitlines()[-lines:])
