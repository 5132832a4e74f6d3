"""RStudio from a student's point of view: a card in JupyterLab's launcher that opens it."""

import pytest
from selenium.webdriver.support.ui import WebDriverWait
from tests_common.browser import PATIENCE_SECONDS, chromium, find, open_page, pictured


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


def test_launcher_card_opens_rstudio(browser):
    with pictured(browser, "launcher"):
        open_page(browser, "lab/workspaces/launcher")
        card = find(browser, ".jp-LauncherCard", "RStudio")
    with pictured(browser, "rstudio"):
        card.click()
        WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: len(driver.window_handles) == 2)
        browser.switch_to.window(browser.window_handles[-1])
        WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: driver.title.startswith("RStudio"))
        assert "/rstudio/" in browser.current_url
