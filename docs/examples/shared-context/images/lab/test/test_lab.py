from pathlib import Path


def test_setup():
    assert Path("/etc/stack").read_text().splitlines()[0] == "lab"
