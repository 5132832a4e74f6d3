"""In every image: what the hub needs of it."""

import os
import subprocess


def test_version_is_the_one_the_hub_can_talk_to():
    # hub.version of spec.yml.
    wanted = os.environ["STACK_HUB_VERSION"]
    shown = subprocess.run(
        ["jupyterhub-singleuser", "--version"], capture_output=True, text=True, timeout=120, check=True
    )
    assert f"{shown.stdout.strip()}.".startswith(f"{wanted}.")
