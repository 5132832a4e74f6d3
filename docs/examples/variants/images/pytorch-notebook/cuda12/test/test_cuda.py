from pathlib import Path


def test_flavour():
    assert Path("/opt/pytorch/flavour").read_text() == "cuda12\n"


def test_what_is_left_out():
    assert not Path("/opt/pytorch/README.md").exists()
