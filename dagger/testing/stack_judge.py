"""What the reports of pytest say of a test, and whether what a pytest process told agrees with how it ended."""

import signal

from stack_texts import clip

FAILING = ("failed", "error", "hung", "crashed", "killed")

# https://docs.pytest.org/en/stable/reference/exit-codes.html
STATUSES = {2: "was interrupted", 3: "had an internal error", 4: "could not start with these options and this conftest.py"}


def judged(test, reports):
    """A test's outcome from all of its reports: any failed one decides, and without one of the call it is no pass."""
    phases = [report for report in reports if not report["subtest"]]
    seconds = sum(report["seconds"] for report in phases)
    output = next((report["output"] for report in reversed(phases) if report["output"]), "")
    failed = failures_of(reports)
    if failed:
        return result(test, outcome_of_failures(failed), seconds, messages_of(failed), output)
    expected = [r for r in reports if r["xfail"] and r["outcome"] != "passed"]
    if expected:
        return result(test, "xfailed", seconds, messages_of(expected), output)
    skipped = [r for r in phases if r["outcome"] == "skipped"]
    if skipped:
        return result(test, "skipped", seconds, messages_of(skipped), output)
    calls = [r for r in reports if r["when"] == "call" and r["outcome"] == "passed"]
    if not calls:
        message = "pytest reported no call of it: nothing says that it ran"
        return result(test, "error", seconds, message, output)
    return result(test, "xpassed" if any(r["xfail"] for r in calls) else "passed", seconds, "", output)


def failures_of(reports):
    """As pytest counts them."""
    return [report for report in reports if report["outcome"] == "failed" and not report["xfail"]]


def outcome_of_failures(failed):
    if any(report["when"] == "call" for report in failed):
        return "failed"
    # pytest-xdist reports a worker that died as a phase of its own.
    return "error" if all(report["when"] in ("setup", "teardown") for report in failed) else "crashed"


def messages_of(reports):
    return "\n".join(report["message"] for report in reports)


def result(test, outcome, seconds, message, output=""):
    return {
        "id": test, "outcome": outcome, "seconds": round(seconds, 3), "message": clip(message),
        "output": clip(output), "attempts": 1, "flaky": False,
    }


def is_failure(test):
    return test["outcome"] in FAILING


def died(status, session_finished):
    """(outcome, message) of what was running when pytest ended by itself."""
    if status == -signal.SIGKILL:
        return "killed", "was killed from outside, most likely by the kernel for want of memory (SIGKILL)"
    if status < 0:
        return "crashed", f"ended the interpreter by signal {name_of(-status)}"
    return "crashed", f"ended {'pytest' if session_finished else 'the interpreter'} with status {status}"


def name_of(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        # Real-time signals have no names.
        return str(number)


def disagreement(status, told):
    """Why the results of a pytest process that ended by itself are not believed; None where all agrees.

    told: what the process said: ids that it `wanted` to run or None, that have `ended` and that have `failed`, and how
    its `session` ended or None.
    """
    wanted, ended, failed, session = told["wanted"], told["ended"], sorted(told["failed"]), told["session"]
    if status not in (0, 1, 5):
        # Wrong options are noticed before there is a session.
        how = STATUSES.get(status) if session is not None or (status == 4 and wanted is None) else None
        return f"pytest {how} (status {status})" if how else f"pytest {died(status, session is not None)[1]}"
    if session is None:
        return f"pytest ended with status {status} before its session was over"
    if wanted is None and status != 5:
        return f"pytest ended with status {status} and did not tell what it collected"
    left = [test for test in wanted or [] if test not in ended]
    if status == 0 and failed:
        return f"pytest ended with status 0, though {failed[0]} failed"
    if not failed and session["failed"] > 0:
        return f"pytest counts {session['failed']} failed, but reported none"
    if status == 1 and not failed:
        # pytest-cov with a limit, and others that add their own conditions.
        return "pytest ended with status 1, though no test failed: a plug-in's or a conftest.py's doing"
    if left and not failed:
        done = len(wanted) - len(left)
        return f"pytest ended with status {status}, though it ran {done} of {len(wanted)} tests: {left[0]} is missing"
    if status == 5 and ended:
        return f"pytest ended with status 5 (no tests), though it reported {len(ended)}"
    return None
