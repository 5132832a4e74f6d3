"""Python packages that the image promises."""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys

import pytest

PROMISED = [
    "bs4",
    "bottleneck",
    "datascience",
    "ipywidgets",
    "jupyterlab",
    "jupyterlab_git",
    "matplotlib",
    "nbclassic",
    "nbconvert",
    "nbgitpuller",
    "nbgrader",
    "nltk",
    "notebook",
    "numexpr",
    "numpy",
    "openpyxl",
    "pandas",
    "PIL",
    "pyarrow",
    "pytest",
    "requests",
    "scipy",
    "seaborn",
    "sklearn",
    "sqlalchemy",
    "statsmodels.api",
    "sympy",
]


@pytest.mark.smoke
def test_python_is_that_of_the_virtual_environment():
    assert sys.prefix == "/opt/venv"
    assert sys.version_info[:2] == (3, 13)


@pytest.mark.smoke
@pytest.mark.parametrize("module", PROMISED)
def test_module_is_imported(module):
    importlib.import_module(module)


def test_every_installed_package_has_the_packages_it_needs():
    checked = subprocess.run(["pip", "check"], capture_output=True, text=True, timeout=120, check=False)
    # The flavour cpu of scipy-ml-notebook leaves CUDA's packages out on purpose.
    left_out = r"requires (nvidia-|cuda-|triton)" if os.environ.get("STACK_FLAVOUR") == "cpu" else r"$^"
    problems = [line for line in checked.stdout.splitlines() if " requires " in line and not re.search(left_out, line)]
    assert problems == []


def test_programs_of_the_packages_run():
    for program in ["jupyter", "nbgrader", "jupyterhub-singleuser", "pytest", "uv"]:
        ended = subprocess.run([program, "--version"], capture_output=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def server_extensions():
    """What Jupyter says of all of them: it imports each, which takes seconds."""
    listed = subprocess.run(
        ["jupyter", "server", "extension", "list"], capture_output=True, text=True, timeout=120, check=True
    )
    return (listed.stdout + listed.stderr).splitlines()


@pytest.mark.parametrize("extension", ["nbgrader", "jupyterlab_git", "jupyter_resource_usage", "nbgitpuller"])
def test_server_extension_is_enabled(server_extensions, extension):
    lines = [line for line in server_extensions if extension in line]
    assert any("enabled" in line for line in lines), lines
    assert any("OK" in line for line in lines), lines
