"""The single-user server as JupyterHub starts it, against a stand-in for the hub's API."""

import contextlib
import importlib.metadata
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests_common.servers import free_port, healthcheck, running

API_TOKEN = "token-of-the-hub"
# A hub of the same version: whether the production's can be talked to is a test of its own.
VERSION = importlib.metadata.version("jupyterhub")
USER = {
    "kind": "user",
    "name": "student",
    "admin": False,
    "groups": [],
    "server": "/user/student/",
    "scopes": ["access:servers!server=student/", "access:servers!user=student"],
    "session_id": None,
}


class Hub(BaseHTTPRequestHandler):
    """What a single-user server asks of a hub: its version, who a token belongs to, and that it may report activity."""

    asked = []

    def do_GET(self):
        if self.path.rstrip("/") == "/hub/api":
            return self.answer({"version": VERSION})
        if self.path.startswith("/hub/api/user"):
            known = self.headers.get("Authorization") == "token token-of-the-student"
            return self.answer(USER) if known else self.answer({"message": "Forbidden"}, 403)
        return self.answer({"message": "Not Found"}, 404)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer({})

    def answer(self, body, status=200):
        self.asked.append((self.command, self.path))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-JupyterHub-Version", VERSION)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


@contextlib.contextmanager
def singleuser():
    """The image's default command with the environment of JupyterHub's spawners."""
    port = free_port()
    with hub() as hub_port:
        environment = {
            "JUPYTERHUB_API_TOKEN": API_TOKEN,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub_port}/hub/api",
            "JUPYTERHUB_ACTIVITY_URL": f"http://127.0.0.1:{hub_port}/hub/api/users/student/activity",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-student",
            "JUPYTERHUB_HOST": "",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!server=student/", "access:servers!user=student"]',
            "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/student/oauth_callback",
            "JUPYTERHUB_OAUTH_SCOPES": '["access:servers!server=student/", "access:servers!user=student"]',
            "JUPYTERHUB_SERVER_NAME": "",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/student/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}/user/student/",
            "JUPYTERHUB_USER": "student",
        }
        with running(["start-notebook.sh"], port, prefix="/user/student/", **environment) as server:
            yield server


@pytest.fixture(scope="module")
def student_server():
    with singleuser() as server:
        yield server


def test_version_is_the_one_the_hub_can_talk_to():
    wanted = os.environ.get("STACK_HUB_VERSION")
    if wanted is None:
        pytest.skip("spec.yml names no hub.version")
    shown = subprocess.run(
        ["jupyterhub-singleuser", "--version"], capture_output=True, text=True, timeout=120, check=True
    )
    version = shown.stdout.strip()
    assert version == wanted or version.startswith(f"{wanted}.")


def test_starts_with_the_environment_of_a_hub(student_server):
    assert student_server.get("api")[0] == 200
    assert ("GET", "/hub/api") in Hub.asked


def test_sends_strangers_to_the_hub(student_server):
    status, headers, _ = student_server.get("lab")
    assert status == 302
    assert headers["Location"].startswith("/hub/api/oauth2/authorize")


def test_serves_whom_the_hub_knows(student_server):
    status, _, body = student_server.get("api/contents", token="token-of-the-student")
    assert status == 200, body


def test_refuses_whom_the_hub_does_not_know(student_server):
    assert student_server.get("api/contents", token="token-of-a-stranger")[0] == 403


def test_healthcheck_passes_behind_the_hubs_prefix(student_server):
    checked = healthcheck(student_server.environment)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.as_user("2000:2000")
def test_starts_for_another_uid():
    with singleuser() as server:
        assert server.get("api/contents", token="token-of-the-student")[0] == 200
