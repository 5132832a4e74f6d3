import subprocess
from pathlib import Path


def test_files_of_the_other_image():
    assert subprocess.check_output(["greet", "you"], text=True) == "hello, you\n"
    assert not Path("/opt/tools").exists()


def test_what_a_stage_made():
    assert Path("/etc/greeting").read_text() == "hello, class\n"


def test_what_a_mount_made():
    assert Path("/tmp/mounted").read_text() == "hello, mount\n"
