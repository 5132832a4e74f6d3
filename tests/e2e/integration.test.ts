import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import { ReadReport, imageFiles, serverLines, serverProgram } from "../support/testImages.js"

const browserTests = `
import os
import pytest, requests
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

URL, TOKEN = os.environ["STACK_SERVER_URL"], os.environ["STACK_SERVER_TOKEN"]

@pytest.fixture
def browser():
    options = webdriver.ChromeOptions()
    for option in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=800,400"):
        options.add_argument("--" + option)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()

def test_a_stranger_is_refused(): assert requests.get(URL).status_code == 403
def test_version_of_the_hub(): assert os.environ["STACK_HUB_VERSION"] == "4.1"
def test_sum(browser):
    browser.get(f"{URL}/?token={TOKEN}")
    browser.find_element(By.TAG_NAME, "button").click()
    browser.save_screenshot(os.path.join(os.environ["STACK_ARTIFACTS"], "sum.png"))
    assert browser.find_element(By.TAG_NAME, "output").text == "42"
`

const anyTest = "def test_any(): pass\n"
const cannotStart = 'CMD ["sh", "-c", "echo the settings are wrong >&2; exit 3"]'

const servers = {
  site: {
    integration_tests: true,
    files: imageFiles(serverLines, {
      "server.py": serverProgram,
      "integration_tests/test_site.py": browserTests,
      "test/test_any.py": anyTest,
    }),
  },
  broken: {
    integration_tests: true,
    files: imageFiles(["EXPOSE 8888", cannotStart], { "integration_tests/test_any.py": anyTest }),
  },
  mute: {
    integration_tests: true,
    files: imageFiles(["EXPOSE 8888", 'CMD ["sleep", "1000"]'], { "integration_tests/test_any.py": anyTest }),
  },
  untested: {
    integration_tests: true,
    files: imageFiles(serverLines, { "server.py": serverProgram, "test/test_any.py": anyTest }),
  },
}

let folder = ""
let run: ReadReport

beforeAll(async () => {
  const spec = { tests: { timeout: "20 s" }, hub: { version: "4.1" } }
  folder = await workspace(stackFiles(servers, { spec }))
  const call = ["build-stack", "--source=.", "--parallel=4", "artifacts", "export", "--path=out"]
  const ended = await stack(call, { cwd: folder })
  expect(ended.status, ended.stderr.slice(-3000)).toBe(0)
  run = await ReadReport.from(join(folder, "out"))
})

afterAll(() => removeFolder(folder))

test.each([
  ["site", "passed", ""],
  ["broken", "tests-failed", "the server ended with status 3 before it answered"],
  ["mute", "tests-failed", "the server did not answer within 20 s"],
  ["untested", "untested", "its server has no tests, though the spec asks for them"],
])("%s: %s, %s", (name, kind, reason) => {
  const { outcome } = run.image(name)
  expect("reason" in outcome ? outcome.reason : "").toContain(reason)
  expect(outcome.kind).toBe(kind)
})

test("the browser's picture is among the artifacts, and the server's log", async () => {
  const picture = await readFile(join(run.folder, "screenshots/site/integration/sum.png"))
  // The size stands in the first chunk of a PNG file (W3C PNG, 11.2.1).
  expect(picture.readUInt32BE(16)).toBe(800)
  expect(await run.text("logs/site.server.log")).toContain('"GET /?token=')
  expect(await run.text("junit/site.integration.xml")).toContain('tests="3" failures="0"')
})

test.each([
  ["of the server's tests alone", "stranger", 0, "1 passed"],
  ["of the tests inside alone", "test_any", 0, "1 passed"],
  ["none at all", "nothing_like_it", 1, 'no test matches the filter "nothing_like_it"'],
])("a filter that leaves some %s", async (_, filter, status, said) => {
  const ended = await stack(["test-image", "--source=.", "--image=site", `--filter=${filter}`], {
    cwd: folder,
  })
  expect(ended.stdout + ended.stderr).toContain(said)
  expect(ended.status).toBe(status)
})

test("what a server said that does not start stands in the report", async () => {
  expect(await run.text("logs/broken.server.log")).toContain("the settings are wrong")
  expect(await run.text("report.md")).toContain("the settings are wrong")
  expect(await run.text("junit/broken.integration.xml")).toContain('errors="1"')
})
