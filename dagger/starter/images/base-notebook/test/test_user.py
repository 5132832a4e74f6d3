"""In the image, as its user; in every image that is built on it, too."""

import os
import subprocess


def test_is_no_root():
    assert os.getuid() != 0


def test_users_can_install_packages():
    asked = subprocess.run(["pip", "install", "--dry-run", "--no-deps", "pytest"], timeout=120)
    assert asked.returncode == 0
