"""Runs pytest in an image and writes results.json: one entry per test, whatever a test does to the process.

Needs nothing but Python 3.8 and the image's own pytest. pytest runs in a process group of its own; the driver follows
what the plug-in tells it. A test over its time limit, one that ends the interpreter and one that uses more memory than
allowed each become an outcome of that test, and pytest is started again for the tests that are left.

The verdict is believed only where three agree: the reports of the tests, the number that was collected, and the status
with which pytest ended.
"""

import argparse
import importlib.util
import json
import os
import socket
import stat
import sys
import time
import traceback
import urllib.parse

# The folder is a part of what the engine knows a run of tests by.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from stack_process import HERE, Pipe, tail_of_text
from stack_run import Run
from stack_texts import clip

VERSION = 1
RESULTS = os.environ.get("STACK_RESULTS", "/stack/results")
SAVED = os.path.join(RESULTS, "results.json")
# The last of them runs nothing more: it only tells what the others have left.
DRIVERS = 6
# Most that is kept of pytest's output, in bytes, at its start and again at its end.
LOG_KEEP = 4 << 20


def main():
    options = parse_options()
    started = time.time()
    nothing = {"startedAt": started, "seconds": 0, "tests": [], "otherUsers": []}
    if importlib.util.find_spec("pytest") is None:
        return write({"kind": "no-pytest", **nothing})
    silence = why_silent(options) if options.server else None
    if silence is not None:
        return write({"kind": "no-server", "message": silence, **nothing, "seconds": time.time() - started})
    return keep_driving(options)


def keep_driving(options):
    """One driver after another: when the kernel kills one for want of memory, the next takes up what it has left."""
    pipe = Pipe()
    for left in reversed(range(DRIVERS)):
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            drive(options, pipe, left)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            return sys.exit(os.WEXITSTATUS(status))
    return sys.exit(128 + os.WTERMSIG(status))


def drive(options, pipe, left):
    """The work of a driver behind which `left` may follow. Ends the process."""
    status = 1
    try:
        run = Run(options, RESULTS, pipe)
        try:
            run.open()
            if left > 0:
                run.all()
            else:
                run.fail("runner-failed", "the test driver was killed again and again, most likely for want of memory")
        except Exception as error:  # pylint: disable=broad-except
            run.problem = {"kind": "runner-failed", "message": clip(words_of(error))}
        write(run.results())
        tidy(run)
        status = 0
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def words_of(error):
    """An exception told as what it is: a fault of the driver, or a disk without room."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.dirname(os.path.abspath(frame.filename)) == HERE]
    place = f"{os.path.basename(own[-1].filename)}, line {own[-1].lineno}" if own else "the driver"
    return f"the test driver failed: {error!r} ({place})\n" + "".join(traceback.format_exception(type(error), error, error.__traceback__))


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, required=True, help="seconds a test may take")
    parser.add_argument("--total", type=float, required=True, help="seconds all tests together may take")
    parser.add_argument("--memory", type=int, default=0, help="bytes that pytest and its children may use; 0: no limit")
    parser.add_argument("--user", default="", help="run only the tests marked as_user with this value")
    parser.add_argument("--only", action="append", default=[], help="a file that has tests of that user; without one, any may")
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
    """In one go: the last file that was written whole counts. json.dumps is in C, json.dump is not."""
    with open(SAVED + ".part", "w", encoding="utf-8") as file:
        file.write(json.dumps({"version": VERSION, **results}))
    os.replace(SAVED + ".part", SAVED)


def tidy(run):
    """Leaves nothing that a reader could not hold. The verdict is written: nothing here may turn it."""
    try:
        if not os.listdir(run.files):
            os.rmdir(run.files)
        bound(run.log)
    except OSError as error:
        print(f"driver: {error}", file=sys.stderr)


def bound(path):
    if not os.path.exists(path) or os.path.getsize(path) <= 2 * LOG_KEEP:
        return
    with open(path, "rb") as log:
        size = os.fstat(log.fileno()).st_size
        head = log.read(LOG_KEEP)
        log.seek(size - LOG_KEEP)
        end = log.read(LOG_KEEP)
    with open(path + ".part", "wb") as log:
        log.write(head + f"\n[... {size - 2 * LOG_KEEP} bytes left out ...]\n".encode("ascii") + end)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
