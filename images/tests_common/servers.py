"""Runs an image's own start scripts the way Docker and a hub do, for tests inside the image."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

TOKEN = "a-token-for-tests"
# On a busy machine, beside the servers of other images.
START_SECONDS = 240


class Server:
    """A running Jupyter server, asked without a proxy and without following redirects."""

    def __init__(self, url, log, environment):
        self.url = url
        self.log = log
        self.environment = environment

    def get(self, path, token=None, method="GET", data=None):
        """Status, headers and body of an answer; an error status is an answer too."""
        headers = {"Authorization": f"token {token}"} if token else {}
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def output(self):
        return Path(self.log).read_text(encoding="utf-8", errors="replace")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def clean_environment(**settings):
    """The container's environment without traces of another server, and with runtime files of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "NSS_WRAPPER", "LD_PRELOAD"))}
    return {**inherited, "JUPYTER_RUNTIME_DIR": tempfile.mkdtemp(prefix="runtime-"), **settings}


@contextlib.contextmanager
def running(command, port, prefix="/", ready="api", **settings):
    """Runs `start.sh COMMAND` until the block ends; yields when the server answers."""
    environment = clean_environment(**settings)
    with tempfile.NamedTemporaryFile(prefix="server-", suffix=".log") as log:
        process = subprocess.Popen(
            ["start.sh", *command],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        server = Server(f"http://127.0.0.1:{port}{prefix}", log.name, environment)
        try:
            wait_until_ready(server, process, ready)
            yield server
        finally:
            end(process)
            shutil.rmtree(environment["JUPYTER_RUNTIME_DIR"], ignore_errors=True)


def end(process):
    """Ends a process and what it has started; kernels and terminals are of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def notebook_server(*options, **settings):
    """The image's server as plain Docker starts it, with a token and on a free port."""
    port = free_port()
    settings.setdefault("JUPYTER_TOKEN", TOKEN)
    command = ["start-notebook.sh", f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", *options]
    with running(command, port, **settings) as server:
        yield server


def wait_until_ready(server, process, ready):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with status {process.returncode}:\n{server.output()}"
        with contextlib.suppress(OSError):
            server.get(ready)
            return
        time.sleep(0.2)
    raise AssertionError(f"the server did not answer within {START_SECONDS} s:\n{server.output()}")


def healthcheck(environment):
    return subprocess.run(["healthcheck.py"], env=environment, capture_output=True, text=True, timeout=120, check=False)
