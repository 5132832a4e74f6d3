"""Beside the image's running server: STACK_SERVER_URL and STACK_SERVER_TOKEN are its address and its token."""

import os

import requests

URL = os.environ["STACK_SERVER_URL"]
TOKEN = {"Authorization": f"token {os.environ['STACK_SERVER_TOKEN']}"}


def test_serves_the_lab():
    page = requests.get(f"{URL}/lab", headers=TOKEN, timeout=60)
    assert page.status_code == 200
    assert "JupyterLab" in page.text


def test_refuses_strangers():
    assert requests.get(f"{URL}/api/contents", timeout=60).status_code == 403
