"""RStudio behind the Jupyter server: installed, offered to JupyterLab's launcher, started on the first request."""

import json
import re
import subprocess
import time

import pytest
from tests_common.servers import TOKEN, notebook_server

# RStudio itself starts an R session before it answers.
START_SECONDS = 180


@pytest.fixture(scope="module")
def server():
    with notebook_server() as running:
        yield running


def page(server, path):
    """An answer of RStudio; redirects within it are followed as a browser does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        status, headers, body = server.get(path, token=TOKEN)
        if status in (301, 302):
            path = re.sub(r"^https?://[^/]+/|^/", "", headers["Location"])
        elif status == 200:
            return body.decode()
        time.sleep(0.5)
    raise AssertionError(f"{path} answered {status} for {START_SECONDS} s\n{server.output()}")


def test_package_is_installed():
    shown = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Status}", "rstudio-server"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "install ok installed"


def test_launcher_offers_rstudio(server):
    status, _, body = server.get("server-proxy/servers-info", token=TOKEN)
    assert status == 200
    offered = {entry["name"]: entry["launcher_entry"] for entry in json.loads(body)["server_processes"]}
    assert offered["rstudio"]["enabled"]
    assert offered["rstudio"]["title"] == "RStudio"


def test_rstudio_starts_and_answers_behind_the_server(server):
    assert re.search(r"<title>RStudio", page(server, "rstudio/"))


def test_rstudio_is_not_served_without_the_token(server):
    status, headers, _ = server.get("rstudio/")
    assert status in (302, 403)
    if status == 302:
        assert "/login" in headers["Location"]


@pytest.mark.as_user("2000:2000")
def test_rstudio_starts_for_another_uid():
    with notebook_server() as server:
        assert re.search(r"<title>RStudio", page(server, "rstudio/"))
