"""Programs of the command line that courses and their assignments use."""

import shutil
import subprocess

import pytest

PROGRAMS = [
    "bash",
    "cmake",
    "curl",
    "g++",
    "gcc",
    "gfortran",
    "git",
    "htop",
    "jq",
    "less",
    "make",
    "nano",
    "nc",
    "pandoc",
    "rsync",
    "screen",
    "ssh",
    "strace",
    "tmux",
    "unzip",
    "vim",
    "wget",
    "xelatex",
    "zip",
    "7z",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_is_there(program):
    assert shutil.which(program)


def test_git_commits(tmp_path):
    for command in (
        ["init", "--quiet"],
        ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)


@pytest.mark.smoke
def test_compiled_program_runs(tmp_path):
    (tmp_path / "answer.c").write_text('#include <stdio.h>\nint main(void) { printf("%d", 6 * 7); }\n')
    subprocess.run(["gcc", "answer.c", "-o", "answer"], cwd=tmp_path, check=True)
    assert subprocess.run(["./answer"], cwd=tmp_path, capture_output=True, check=True).stdout == b"42"
