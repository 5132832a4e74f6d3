"""Who the image runs as, what belongs to whom, and what happens for other users."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

HOME = Path("/home/jovyan")


def start(*command, **settings):
    """Output of a command run by the image's entrypoint."""
    ended = subprocess.run(
        ["start.sh", *command], env={**os.environ, **settings}, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.smoke
def test_runs_as_jovyan_in_the_group_users():
    assert (os.getuid(), os.getgid()) == (1000, 100)
    assert start("id", "-un") == "jovyan"
    assert os.environ["HOME"] == str(HOME)


def test_home_belongs_to_jovyan_and_its_group_can_write():
    status = HOME.stat()
    assert (status.st_uid, status.st_gid) == (1000, 100)
    assert status.st_mode & stat.S_IWGRP


def test_home_has_no_file_of_another_user():
    foreign = [path for path in HOME.rglob("*") if path.lstat().st_uid != 1000]
    assert foreign == []


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/jupyter", "/usr/local/bin", "/opt/workflow_tests"])
def test_system_is_not_writable(path):
    assert not os.access(path, os.W_OK)


def test_no_file_of_the_system_can_be_written_by_everybody():
    # uv's lock of an environment is empty and for everybody.
    ended = subprocess.run(
        ["find", "/etc", "/usr", "/opt", "-not", "-type", "l", "-not", "-name", ".lock", "-perm", "-o+w", "-print"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout == ""


def test_a_home_that_cannot_be_written_is_replaced_by_a_scratch_one(tmp_path):
    read_only = tmp_path / "home"
    read_only.mkdir(mode=0o555)
    home = start("sh", "-c", 'touch "$HOME/file" && echo "$HOME"', HOME=str(read_only))
    assert home != str(read_only)


def test_umask_of_the_hub_is_used():
    assert start("sh", "-c", "umask", NB_UMASK="007") == "0007"


def test_programs_of_the_users_home_do_not_replace_those_of_the_image(tmp_path):
    path = start("sh", "-c", 'echo "$PATH"', HOME=str(tmp_path)).split(":")
    assert path[-1] == f"{tmp_path}/.local/bin"


@pytest.mark.as_user("2000:2000")
def test_another_uid_gets_a_name_and_a_home_it_can_write():
    assert start("id", "-un") == "jovyan"
    assert start("id", "-u") == "2000"
    assert start("sh", "-c", 'touch "$HOME/file" && ls "$HOME"') == "file"


@pytest.mark.as_user("2000:100")
def test_another_uid_in_the_group_users_writes_in_the_home():
    assert start("sh", "-c", 'echo "$HOME"') == str(HOME)


@pytest.mark.as_user("0:0")
def test_root_becomes_the_user_that_is_asked_for():
    assert start("id", "-u") == "1000"
    assert start("sh", "-c", "id -u; id -g", NB_UID="2000", NB_GID="2001").split() == ["2000", "2001"]


@pytest.mark.as_user("0:0")
def test_root_keeps_no_capability_after_that():
    status = start("cat", "/proc/self/status")
    (effective,) = [line.split()[1] for line in status.splitlines() if line.startswith("CapEff")]
    assert int(effective, 16) == 0
