"""The pytest side of the driver: tells it, line by line through a pipe, what is being run and how it went.

The driver (driver.py) follows from outside, so that a test which hangs, crashes the interpreter or is killed is known by
name and the tests behind it still run. Only hooks that pytest has had since version 6 are used.

What tests do to their process must not reach this: no name that a test may patch (`open`, `json.dumps`, `os.write`) is
looked up after the import, a forked child says nothing, nor does a worker of pytest-xdist: its reports come to the
controller, which passes them on.
"""

import json
import math
import os
import threading

import pytest
from stack_texts import clip

quote = json.encoder.encode_basestring_ascii
write, getpid, fstat = os.write, os.getpid, os.fstat

with open(os.environ["STACK_SETTINGS"], encoding="utf-8") as settings_file:
    SETTINGS = json.load(settings_file)
# Ids of the tests that this process shall run; None: all.
WANTED = None if SETTINGS["run"] is None else frozenset(SETTINGS["run"])
PIPE = SETTINGS["pipe"]
PROCESS = getpid()
LOCK = threading.Lock()


def is_mine():
    """Whether this is the process that the driver has started, and the pipe still its pipe: tests close what they like."""
    if getpid() != PROCESS:
        return False
    try:
        found = fstat(PIPE)
    except OSError:
        return False
    return [found.st_dev, found.st_ino] == SETTINGS["pipeId"]


if is_mine():
    # Programs that tests start have nothing to say.
    os.set_inheritable(PIPE, False)


def say(**event):
    """Sends one event. What cannot be sent is missed by the driver, which counts."""
    if not is_mine():
        return
    # A line of its own, whatever an interrupted one has left before it.
    left = f"\n{encoded(event)}\n".encode("ascii")
    try:
        with LOCK:
            while left:
                left = left[write(PIPE, left) :]
    except OSError:
        # The driver was killed; another one takes up its work.
        pass


def encoded(value):
    """JSON of plain data. Not `json.dumps`: tests patch it, and what it calls."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{quote(key)}:{encoded(each)}" for key, each in value.items()) + "}"
    return "[" + ",".join(encoded(each) for each in value) + "]"


def pytest_configure(config):
    config.addinivalue_line("markers", "flaky(retries=2): run again when it fails; shown as flaky when it then passes")
    config.addinivalue_line("markers", "timeout(seconds): limit of this test instead of the spec's; 0: the limit of all tests")
    config.addinivalue_line("markers", "as_user(ids): run in a container of its own as this uid:gid")
    config.addinivalue_line("markers", "smoke: runs even where the image's platform is emulated (tests.emulated: smoke)")


def argument(item, marker, keyword, default):
    """A marker's value, given by position or by keyword; the default where the test has no such marker, or it no value."""
    found = item.get_closest_marker(marker)
    if found is None:
        return default
    value = found.kwargs.get(keyword, found.args[0] if found.args else None)
    return default if value is None else value


def number(item, marker, value):
    try:
        read = float(value)
    except (TypeError, ValueError):
        read = math.nan
    if math.isnan(read):
        raise pytest.UsageError(f"{item.nodeid}: the marker {marker} wants a number, not {value!r}")
    return read


def user_of(item):
    return str(argument(item, "as_user", "ids", ""))


def retries_of(item):
    if item.get_closest_marker("flaky") is None:
        return 0
    return int(min(max(number(item, "flaky", argument(item, "flaky", "retries", 2)), 0), 1000))


def timeout_of(item):
    """Seconds; 0 for no limit but that of all tests, as pytest-timeout has it."""
    seconds = number(item, "timeout", argument(item, "timeout", "timeout", SETTINGS["timeout"]))
    return seconds if 0 < seconds < math.inf else 0


# By user, the files that have tests for it.
OTHER_USERS = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leaves the tests that this process shall run: those of this user that no earlier process has finished."""
    users = [(item, user_of(item)) for item in items]
    for item, user in users:
        if user not in (SETTINGS["user"], ""):
            OTHER_USERS.setdefault(user, set()).add(item.nodeid.split("::")[0])
    mine = [item for item, user in users if user == SETTINGS["user"]]
    wanted = [item for item in mine if WANTED is None or item.nodeid in WANTED]
    kept = set(wanted)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = wanted


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    """Tells what will run, when no other plug-in changes it any more; before a worker's ids reach its controller."""
    tests = [{"id": i.nodeid, "retries": retries_of(i), "timeout": timeout_of(i)} for i in session.items]
    collected = {"tests": tests, "otherUsers": {user: sorted(files) for user, files in OTHER_USERS.items()}}
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        say(event="collected", distributed=False, **collected)
        return
    # The controller of pytest-xdist collects nothing, and its workers send it no more than ids.
    with open(of_worker(worker["workerid"]), "w", encoding="utf-8") as file:
        file.write(encoded(collected))


def of_worker(name):
    return f"{os.environ['STACK_SETTINGS']}.{name}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    """Tells in the controller what a worker has collected."""
    try:
        with open(of_worker(node.gateway.id), encoding="utf-8") as file:
            collected = json.load(file)
    except OSError:
        # A worker on another machine (`--tx ssh=...`).
        collected = {"tests": [], "otherUsers": {}}
    known = {test["id"]: test for test in collected["tests"]}
    tests = [known.get(i, {"id": i, "retries": 0, "timeout": SETTINGS["timeout"]}) for i in ids]
    say(event="collected", tests=tests, otherUsers=collected["otherUsers"], distributed=True)


def pytest_collectreport(report):
    if report.failed:
        say(event="collect-failed", id=report.nodeid, message=text_of(report))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid, location):
    say(event="start", id=nodeid)


# Passes that are sent with the end of their test: one write for most tests. A failure never waits.
WAITING = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    # Early, as pytest's own count: what a later hook makes of a report does not change the exit status either.
    told = {
        "when": str(report.when),
        "outcome": report.outcome,
        "xfail": hasattr(report, "wasxfail"),
        # Reports of subtests come with the id of their test, and with what tells them apart (pytest-subtests, pytest 9).
        "subtest": getattr(report, "context", None) is not None,
        "seconds": float(getattr(report, "duration", 0) or 0),
        "message": text_of(report),
        "output": output_of(report),
    }
    if report.passed and report.when in ("setup", "call") and getpid() == PROCESS:
        WAITING.setdefault(report.nodeid, []).append(told)
    else:
        say(event="reports", id=report.nodeid, reports=WAITING.pop(report.nodeid, []) + [told])


def output_of(report):
    if not report.sections:
        return ""
    return clip("\n".join(f"--- {title}\n{clip(text)}" for title, text in report.sections))


def text_of(report):
    """Why it did not pass. A skip's longrepr is (file, line, reason)."""
    if report.passed:
        return ""
    longrepr = report.longrepr
    reason = longrepr[2] if report.skipped and isinstance(longrepr, tuple) else report.longreprtext
    return clip(f"{subtest_of(report)}{reason}")


def subtest_of(report):
    """Which one of a test's subtests a report is of: (msg="its name", its parameters)."""
    context = getattr(report, "context", None)
    if context is None:
        return ""
    parameters = [f"{key}={value}" for key, value in dict(getattr(context, "kwargs", {})).items()]
    return f"subtest {getattr(context, 'msg', None) or ''}({', '.join(parameters)}): "


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid, location):
    say(event="finish", id=nodeid, reports=WAITING.pop(nodeid, []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    say(event="session-finish", failed=int(session.testsfailed))
