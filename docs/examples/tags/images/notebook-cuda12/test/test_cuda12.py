import os


def test_cuda12():
    assert os.environ["FLAVOUR"] == "cuda12"
