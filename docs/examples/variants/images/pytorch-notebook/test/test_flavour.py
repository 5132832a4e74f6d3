from pathlib import Path


def test_flavour():
    assert Path("/opt/pytorch/flavour").read_text() == "cpu\n"


def test_what_is_left_out():
    # The pattern README.md of its .dockerignore means this folder's own.
    assert not Path("/opt/pytorch/README.md").exists()
    assert Path("/opt/pytorch/cuda12/README.md").exists()
