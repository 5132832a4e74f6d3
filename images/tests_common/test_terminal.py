"""A terminal in the browser: its shell answers over the WebSocket that JupyterLab uses."""

import json
import time

import pytest
import websocket
from tests_common.servers import TOKEN


@pytest.fixture(scope="module")
def terminal(server):
    status, _, body = server.get("api/terminals", token=TOKEN, method="POST", data={})
    assert status == 200, body
    address = server.url.replace("http://", "ws://") + f"terminals/websocket/{json.loads(body)['name']}"
    connection = websocket.create_connection(address, header=[f"Authorization: token {TOKEN}"], timeout=30)
    yield connection
    connection.close()


def ask(connection, command):
    """What the shell prints for a command; a marker that only the shell can compute ends it."""
    connection.send(json.dumps(["stdin", f"{command}; echo end-$((40 + 2))\r"]))
    printed, deadline = "", time.monotonic() + 30
    while "end-42" not in printed and time.monotonic() < deadline:
        kind, *content = json.loads(connection.recv())
        if kind == "stdout":
            printed += content[0]
    return printed


def test_shell_runs_commands(terminal):
    assert "seven times six is 42" in ask(terminal, "echo seven times six is $((7 * 6))")


@pytest.mark.parametrize("program", ["python", "pip", "jupyter"])
def test_shell_finds_the_images_programs(terminal, program):
    assert f"/opt/venv/bin/{program}" in ask(terminal, f"command -v {program}")
