"""What the image carries for the GPU test also passes here."""

import os
import subprocess


def test_workflow_tests_pass():
    ended = subprocess.run(
        ["pytest", "-q", "/opt/workflow_tests/test_analysis.py"],
        env={**os.environ, "STACK_EXPECT_GPU": "0"},
        cwd="/tmp",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
