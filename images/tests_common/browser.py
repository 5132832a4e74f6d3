"""Drives Chromium against a running server, for integration tests. They run beside the image, not in it."""

import contextlib
import json
import os
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

URL = os.environ.get("STACK_SERVER_URL", "").rstrip("/")
TOKEN = os.environ.get("STACK_SERVER_TOKEN", "")
# The first page compiles megabytes of JavaScript, on a busy machine beside other browsers.
PATIENCE_SECONDS = 120


@contextlib.contextmanager
def chromium():
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", "--disable-gpu"):
        options.add_argument(option)
    options.add_argument("--window-size=1400,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    browser.set_page_load_timeout(PATIENCE_SECONDS)
    try:
        yield browser
    finally:
        browser.quit()


def screenshot(browser, name):
    browser.save_screenshot(os.path.join(os.environ["STACK_ARTIFACTS"], f"{name}.png"))


@contextlib.contextmanager
def pictured(browser, name):
    """Takes a picture at the end of the block, above all when it fails."""
    try:
        yield
    finally:
        screenshot(browser, name)


def find(browser, selector, text=""):
    """The first element of a CSS selector that contains a text, as soon as there is one."""

    def found(driver):
        elements = driver.find_elements(By.CSS_SELECTOR, selector)
        return next((element for element in elements if text in element.text), None)

    message = f"no {selector} with {text!r}" if text else f"no {selector}"
    return WebDriverWait(browser, PATIENCE_SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(
        found, message
    )


def open_page(browser, path):
    """Opens a page with the token; the server's cookie lets the following ones in."""
    browser.get(f"{URL}/{path}?token={TOKEN}")


def ask(path, method="GET", body=None):
    """An answer of the server's API."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/{path}", data=data, headers=headers, method=method)
    with opener.open(request, timeout=120) as answer:
        return json.load(answer)


# The server has a name of this network: a proxy does not know it.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
