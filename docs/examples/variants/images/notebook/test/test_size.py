import os


def test_size():
    assert os.environ["SIZE"] in ("small", "large")


def test_argument_of_the_file():
    assert os.environ["COURSE"] == "physics"
