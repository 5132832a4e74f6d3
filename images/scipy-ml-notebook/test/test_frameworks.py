"""PyTorch, TensorFlow and Hugging Face's libraries: what the image promises, in either flavour."""

import importlib
import importlib.metadata
import os
import subprocess

import pytest

FLAVOUR = os.environ["STACK_FLAVOUR"]
GPU_IS_PRESENT = os.path.exists("/dev/nvidia0")


@pytest.mark.smoke
@pytest.mark.parametrize(
    "module",
    [
        "accelerate",
        "datasets",
        "keras",
        "tensorflow",
        "tokenizers",
        "torch",
        "torchaudio",
        "torchvision",
        "transformers",
    ],
)
def test_module_is_imported(module):
    importlib.import_module(module)


def test_cuda_comes_with_the_flavour_gpu_only():
    cuda = [d.name for d in importlib.metadata.distributions() if d.name.startswith("nvidia-")]
    assert bool(cuda) == (FLAVOUR == "gpu"), cuda


def test_pytorch_and_tensorflow_share_one_cuda():
    """A second major version of CUDA would be 3 GB more."""
    names = {d.name for d in importlib.metadata.distributions() if d.name.startswith("nvidia-")}
    assert all(name.endswith("-cu12") for name in names)


@pytest.mark.skipif(GPU_IS_PRESENT, reason="a GPU is present")
def test_pytorch_finds_no_gpu_where_there_is_none():
    torch = importlib.import_module("torch")
    assert not torch.cuda.is_available()
    with pytest.raises(RuntimeError):
        torch.ones(1, device="cuda")


@pytest.mark.timeout(900)
def test_workflow_tests_pass():
    """The tests of the GPU run, here with the GPU where there is one."""
    ended = subprocess.run(
        ["pytest", "-q", "/opt/workflow_tests"],
        env={**os.environ, "STACK_EXPECT_GPU": "1" if GPU_IS_PRESENT else "0"},
        cwd="/tmp",
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


@pytest.mark.skipif(GPU_IS_PRESENT, reason="a GPU is present")
@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
def test_workflow_tests_fail_where_a_gpu_is_expected_and_missing(framework):
    ended = subprocess.run(
        ["pytest", "-q", f"/opt/workflow_tests/test_{framework}.py"],
        env={**os.environ, "STACK_EXPECT_GPU": "1"},
        cwd="/tmp",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 1
    assert "a GPU is expected" in ended.stdout
