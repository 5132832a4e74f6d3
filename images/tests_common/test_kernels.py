"""Every kernel of the image computes: a notebook for each is executed as nbgrader and the hub's users do."""

import subprocess

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from tests_common.notebooks import code_cell, new_notebook, read_notebook, write_notebook

KERNELS = KernelSpecManager().get_all_specs()
# By language: code whose result is 42 and comes as text.
COMPUTATION = {"python": "print(6 * 7)", "R": "cat(6 * 7)"}
PATIENCE = ["--ExecutePreprocessor.startup_timeout=200"]


def execute(folder, cells, kernel):
    path = folder / "computation.ipynb"
    code = [code_cell(source) for source in cells]
    write_notebook(new_notebook(code, name=kernel, display_name=kernel, language=""), path)
    ended = subprocess.run(
        # A kernel that is emulated takes longer to start than nbconvert waits by itself.
        ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", *PATIENCE, str(path)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return read_notebook(path)


def test_there_is_a_python_kernel():
    assert "python3" in KERNELS


@pytest.mark.smoke
@pytest.mark.parametrize("kernel", sorted(KERNELS))
def test_kernel_executes_a_notebook(kernel, tmp_path):
    language = KERNELS[kernel]["spec"]["language"]
    done = execute(tmp_path, [COMPUTATION[language]], kernel)
    assert "".join(output["text"] for output in done.cells[0].outputs).strip() == "42"


def test_an_error_in_a_notebook_is_an_error_of_nbconvert(tmp_path):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        execute(tmp_path, ["1 / 0"], "python3")


def test_a_plot_is_an_image(tmp_path):
    done = execute(tmp_path, ["import matplotlib.pyplot as plt; plt.plot([1, 2, 3]);"], "python3")
    assert "image/png" in done.cells[0].outputs[-1]["data"]
