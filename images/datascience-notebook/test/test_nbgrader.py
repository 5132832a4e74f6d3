"""An assignment from release to grade, in a course of its own."""

import os
import subprocess

import pytest
from tests_common.notebooks import code_cell, new_notebook, read_notebook, write_notebook

CONFIG = """
c = get_config()
c.CourseDirectory.root = "{root}"
c.CourseDirectory.course_id = "test"
c.Exchange.root = "{root}/exchange"
"""


SHOW_ROOT = """
from nbgrader.apps import NbGrader
app = NbGrader()
app.initialize([])
print(app.config.CourseDirectory.root)
"""


def cell(source, **nbgrader):
    defaults = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    made = code_cell(source, nbgrader={**defaults, **nbgrader})
    made["id"] = nbgrader["grade_id"]
    return made


@pytest.fixture
def course(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(CONFIG.format(root=tmp_path))
    source = tmp_path / "source" / "homework"
    source.mkdir(parents=True)
    answer = "def answer():\n    ### BEGIN SOLUTION\n    return 42\n    ### END SOLUTION"
    cells = [
        cell(answer, grade_id="answer", solution=True),
        cell("assert answer() == 42", grade_id="check", grade=True, locked=True, points=3),
    ]
    notebook = new_notebook(cells, name="python3", display_name="Python 3", language="python")
    write_notebook(notebook, source / "sums.ipynb")
    return tmp_path


def nbgrader(course, *arguments):
    ended = subprocess.run(
        ["nbgrader", *arguments],
        cwd=course,
        env={**os.environ, "HOME": str(course)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_assignment_is_generated_and_graded(course):
    nbgrader(course, "generate_assignment", "homework")
    released = course / "release" / "homework" / "sums.ipynb"
    assert "return 42" not in released.read_text(encoding="utf-8")
    submitted = course / "submitted" / "student" / "homework"
    submitted.mkdir(parents=True)
    notebook = read_notebook(released)
    notebook.cells[0].source = "def answer():\n    return 6 * 7"
    write_notebook(notebook, submitted / "sums.ipynb")
    nbgrader(course, "autograde", "homework")
    nbgrader(course, "export")
    (grades,) = (course / "grades.csv").read_text().splitlines()[1:]
    assert ",student," in grades
    assert ",3.0," in grades


@pytest.mark.parametrize("course_id", [None, "DSC10"])
def test_configuration_of_the_image_needs_no_course(course_id, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "NBGRADER_COURSEID"}
    if course_id is not None:
        environment["NBGRADER_COURSEID"] = course_id
    shown = subprocess.run(
        ["python", "-c", SHOW_ROOT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.stdout.strip() == f"/srv/nbgrader/{course_id or 'NA'}", shown.stderr
