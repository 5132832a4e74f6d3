"""The pytest side of the driver: tells it, line by line in a journal, what is being run and how it went.

The driver (driver.py) watches the journal from outside, so that a test which hangs, crashes the interpreter or is
killed is known by name and the tests behind it still run. Only hooks that pytest has had since version 6 are used.
"""

import json
import os
import time

import pytest

JOURNAL = os.environ["STACK_JOURNAL"]
SETTINGS = json.loads(os.environ["STACK_SETTINGS"])


def say(**event):
    """Appends one event; the file is opened each time, so that nothing is lost when the process dies."""
    with open(JOURNAL, "a", encoding="utf-8") as journal:
        journal.write(json.dumps(event) + "\n")


def pytest_configure(config):
    config.addinivalue_line("markers", "flaky(retries=2): run again when it fails; shown as flaky when it then passes")
    config.addinivalue_line("markers", "timeout(seconds): time limit of this test, instead of the spec's")
    config.addinivalue_line("markers", "as_user(ids): run in a container of its own as this uid:gid")
    say(event="configured", group=os.getpgrp())


def user_of(item):
    marker = item.get_closest_marker("as_user")
    return marker.args[0] if marker and marker.args else ""


def retries_of(item):
    marker = item.get_closest_marker("flaky")
    if marker is None:
        return 0
    return marker.kwargs.get("retries", marker.args[0] if marker.args else 2)


def timeout_of(item):
    marker = item.get_closest_marker("timeout")
    return marker.args[0] if marker and marker.args else SETTINGS["timeout"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leaves the tests that this process shall run: those of this user that no earlier process has finished."""
    others = sorted({user_of(item) for item in items} - {SETTINGS["user"], ""})
    mine = [item for item in items if user_of(item) == SETTINGS["user"]]
    wanted = [item for item in mine if SETTINGS["run"] is None or item.nodeid in SETTINGS["run"]]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted
    say(
        event="collected",
        otherUsers=others,
        tests=[{"id": i.nodeid, "retries": retries_of(i), "timeout": timeout_of(i)} for i in wanted],
    )


def pytest_collectreport(report):
    if report.failed:
        say(event="collect-failed", id=report.nodeid, message=report.longreprtext)


def pytest_runtest_logstart(nodeid, location):
    say(event="start", id=nodeid, at=time.time())


def pytest_runtest_logreport(report):
    say(
        event="phase",
        id=report.nodeid,
        when=report.when,
        outcome=report.outcome,
        xfail=hasattr(report, "wasxfail"),
        seconds=report.duration,
        message=skip_reason(report) if report.skipped else report.longreprtext,
        output="\n".join(f"--- {title}\n{text}" for title, text in report.sections),
    )


def skip_reason(report):
    """A skip's longrepr is (file, line, reason)."""
    longrepr = report.longrepr
    return longrepr[2] if isinstance(longrepr, tuple) else report.longreprtext


def pytest_runtest_logfinish(nodeid, location):
    say(event="finish", id=nodeid)
