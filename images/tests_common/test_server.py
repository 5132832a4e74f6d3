"""The notebook server as plain Docker starts it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests_common.servers import TOKEN, clean_environment, healthcheck, notebook_server


@pytest.fixture(scope="module")
def ended_server():
    """Of a server behind another prefix that was killed: its healthcheck while it ran, and the file that it left."""
    with notebook_server("--ServerApp.base_url=/somewhere/else/") as server:
        checked = healthcheck(server.environment)
        (file,) = Path(server.environment["JUPYTER_RUNTIME_DIR"]).glob("jpserver-*.json")
        left = file.name, file.read_text()
    return checked, left


@pytest.mark.smoke
def test_asks_for_a_token(server):
    status, headers, _ = server.get("lab")
    assert status == 302
    assert "/login" in headers["Location"]


def test_refuses_the_api_without_a_token(server):
    status, _, _ = server.get("api/contents")
    assert status == 403


def test_refuses_a_wrong_token(server):
    status, _, _ = server.get("api/contents", token="wrong")
    assert status == 403


@pytest.mark.parametrize("page", ["lab", "tree", "nbclassic/tree"])
def test_serves_each_interface_with_the_token(server, page):
    status, _, body = server.get(page, token=TOKEN)
    assert status == 200
    assert b"<html" in body.lower()


@pytest.mark.smoke
def test_shows_the_files_of_the_home(server):
    status, _, body = server.get("api/contents", token=TOKEN)
    assert status == 200
    assert json.loads(body)["type"] == "directory"


def test_allows_frames_of_itself_only(server):
    _, headers, _ = server.get("lab", token=TOKEN)
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]


def test_healthcheck_passes(server):
    checked = healthcheck(server.environment)
    assert checked.returncode == 0, checked.stderr


def test_healthcheck_fails_without_a_server():
    checked = healthcheck(clean_environment())
    assert checked.returncode == 1
    assert "no Jupyter server has started" in checked.stderr


def test_healthcheck_follows_another_prefix(ended_server):
    checked, _ = ended_server
    assert checked.returncode == 0, checked.stderr


def test_healthcheck_fails_when_the_server_is_gone(ended_server):
    """A server that was killed leaves its file behind."""
    _, (name, content) = ended_server
    environment = clean_environment()
    Path(environment["JUPYTER_RUNTIME_DIR"], name).write_text(content)
    checked = healthcheck(environment)
    assert checked.returncode == 1
    assert "refused" in checked.stderr


def test_a_home_that_cannot_be_written_does_not_stop_the_server(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "lecture.txt").write_text("read me")
    home.chmod(0o555)
    with notebook_server(f"--ServerApp.root_dir={home}", HOME=str(home)) as server:
        status, _, body = server.get("api/contents/lecture.txt", token=TOKEN)
        assert (status, json.loads(body)["content"]) == (200, "read me")


def test_a_broken_package_in_the_home_does_not_stop_the_server(tmp_path):
    """A student's home outlives images: what is installed there must not take the place of the server's packages."""
    environment = {**os.environ, "HOME": str(tmp_path)}
    asked = ["python", "-c", "import site; print(site.getusersitepackages())"]
    packages = Path(subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip())
    packages.mkdir(parents=True)
    (packages / "tornado.py").write_text("raise RuntimeError('a broken package of the user')\n")
    with notebook_server(HOME=str(tmp_path)) as server:
        assert server.get("api/contents", token=TOKEN)[0] == 200


@pytest.mark.as_user("2000:2000")
def test_another_uid_gets_a_server():
    with notebook_server() as server:
        assert server.get("lab")[0] == 302
        assert server.get("api/contents", token=TOKEN)[0] == 200
        assert healthcheck(server.environment).returncode == 0
