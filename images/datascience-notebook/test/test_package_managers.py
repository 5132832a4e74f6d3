"""Students install further packages: into the image's environment as jovyan, into their home as anybody else.

The packages are made here, so that the tests need no registry.
"""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest


def run(*command, **options):
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def package(tmp_path):
    """Folder of a package with one module, under a name that nothing else has."""
    name = f"made_{uuid.uuid4().hex}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "1"\n'
    )
    (folder / f"{name}.py").write_text("answer = 42\n")
    return folder


LOCAL = ["--no-index", "--no-build-isolation", "--no-deps"]


@pytest.mark.parametrize("program", ["apt-get", "pip", "uv", "R"])
def test_package_manager_is_there(program):
    assert run(program, "--version")


def test_jovyan_installs_with_pip_into_the_environment(package):
    run("pip", "install", *LOCAL, str(package))
    assert run("python", "-s", "-c", f"import {package.name}; print({package.name}.answer)") == "42\n"
    run("pip", "uninstall", "--yes", package.name)


def test_jovyan_installs_with_uv_into_the_environment(package, tmp_path):
    run("uv", "pip", "install", "--offline", "--cache-dir", str(tmp_path / "cache"), *LOCAL, str(package))
    assert run("python", "-s", "-c", f"import {package.name}; print({package.name}.answer)") == "42\n"
    run("uv", "pip", "uninstall", package.name)


@pytest.mark.as_user("2000:2000")
def test_another_uid_installs_with_pip_into_its_home(package, tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path)}
    run("pip", "install", *LOCAL, str(package), env=environment)
    assert list(Path(tmp_path, ".local").rglob(f"{package.name}.py"))
    assert run("python", "-c", f"import {package.name}; print({package.name}.answer)", env=environment) == "42\n"


def test_every_module_that_python_sees_is_pinned_or_pythons_own():
    """Packages that Debian brings for tools of its own must not get into students' environment unseen."""
    ended = run(
        sys.executable, "-c", "import importlib.metadata as m; print(*[d.locate_file('') for d in m.distributions()])"
    )
    assert set(ended.split()) <= {"/opt/venv/lib/python3.13/site-packages"}


PACKAGE_OF_R = """Package: made
Version: 1.0
Title: Made by a Test
Description: Shows that packages are installed from source.
Author: A Test
Maintainer: A Test <test@example.org>
License: MIT
"""


@pytest.fixture
def package_of_r(tmp_path):
    folder = tmp_path / "made"
    (folder / "R").mkdir(parents=True)
    (folder / "DESCRIPTION").write_text(PACKAGE_OF_R)
    (folder / "NAMESPACE").write_text("export(answer)\n")
    (folder / "R" / "answer.R").write_text("answer <- function() 42\n")
    return folder


def install_with_r(folder, home):
    install = f'install.packages("{folder}", repos = NULL, type = "source", quiet = TRUE)'
    environment = {**os.environ, "HOME": str(home)}
    run("Rscript", "-e", install, env=environment)
    assert run("Rscript", "-e", "cat(made::answer())", env=environment) == "42"
    assert list(home.glob(".local/lib/R/*/made/DESCRIPTION"))


def test_jovyan_installs_with_r_without_being_asked(package_of_r, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    install_with_r(package_of_r, home)


@pytest.mark.as_user("2000:2000")
def test_another_uid_installs_with_r_without_being_asked(package_of_r, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    install_with_r(package_of_r, home)
