import os


def test_size():
    assert os.environ["SIZE"] in ("small", "large")
