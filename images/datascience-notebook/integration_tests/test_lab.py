"""A student's first minutes: JupyterLab in a browser, against the server that the image starts."""

import urllib.error

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from tests_common.browser import PATIENCE_SECONDS, URL, ask, chromium, find, open_page, opener, pictured


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.mark.parametrize("kernel, code", [("python3", "print(6 * 7)"), ("ir", "cat(6 * 7)")])
def test_a_cell_is_run_and_shows_its_output(browser, kernel, code):
    cell = {"cell_type": "code", "source": code, "metadata": {}, "outputs": [], "execution_count": None, "id": "sum"}
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
    content = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path = f"sums-{kernel}.ipynb"
    ask(f"api/contents/{path}", "PUT", {"type": "notebook", "format": "json", "content": content})
    with pictured(browser, f"lab-{kernel}"):
        open_page(browser, f"lab/workspaces/{kernel}/tree/{path}")
        # JupyterLab drops what is run before the kernel is ready.
        find(browser, "#jp-main-statusbar", "| Idle")
        editor = find(browser, ".jp-Notebook .cm-content", code)
        editor.click()
        editor.send_keys(Keys.SHIFT, Keys.ENTER)
        find(browser, ".jp-OutputArea-output", "42")


def test_a_terminal_takes_commands(browser):
    with pictured(browser, "terminal"):
        name = ask("api/terminals", "POST", {})["name"]
        open_page(browser, f"terminals/{name}")
        find(browser, ".xterm-helper-textarea").send_keys("echo typed > by-hand.txt", Keys.ENTER)
        WebDriverWait(browser, PATIENCE_SECONDS).until(lambda _: "by-hand.txt" in files_of_the_home())


def files_of_the_home():
    return [entry["name"] for entry in ask("api/contents")["content"]]


def test_no_news_are_asked_for(browser):
    """Students are not asked whether they want news of Jupyter: the page configuration turns that off."""
    with pictured(browser, "launcher"):
        open_page(browser, "lab/workspaces/launcher")
        find(browser, ".jp-LauncherCard", "R")
        assert "news" not in browser.find_element("css selector", "body").text


def test_a_stranger_sees_the_login_page(browser):
    browser.delete_all_cookies()
    with pictured(browser, "login"):
        browser.get(f"{URL}/lab")
        find(browser, "#password_input")


def test_a_stranger_gets_nothing_from_the_api():
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(f"{URL}/api/contents", timeout=30)
