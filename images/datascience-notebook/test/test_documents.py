"""Notebooks as documents: what students hand in."""

import subprocess

import pytest
from tests_common.notebooks import code_cell, markdown_cell, new_notebook, write_notebook


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "homework.ipynb"
    cells = [markdown_cell("# Homework\n\n$e^{i\\pi} = -1$"), code_cell("print(6 * 7)")]
    write_notebook(new_notebook(cells), path)
    return path


def convert(notebook, kind):
    ended = subprocess.run(
        ["jupyter", "nbconvert", "--execute", "--to", kind, notebook.name],
        cwd=notebook.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_notebook_becomes_a_web_page(notebook):
    convert(notebook, "html")
    assert "Homework" in notebook.with_suffix(".html").read_text(encoding="utf-8")


def test_notebook_becomes_a_pdf(notebook):
    convert(notebook, "pdf")
    assert notebook.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
