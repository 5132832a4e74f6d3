import os


def test_flavour():
    assert os.environ["FLAVOUR"] in ("cpu", "cuda12")
