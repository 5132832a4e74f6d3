import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { localRegistry } from "../support/dockerfileBuilds.js"
import { stackFiles } from "../support/source.js"
import { commitAll, removeFolder, stack, workspace, writeFiles } from "../support/stack.js"
import { ReadReport, imageFiles } from "../support/testImages.js"

const everyWayToEnd = `
import ctypes, os, time
import pytest

def test_behind_nothing(): pass
def test_fails():
    print("printed by the failing test")
    assert 1 == 2
@pytest.mark.timeout(5)
def test_hangs(): time.sleep(1000)
def test_crashes(): ctypes.string_at(0)
def test_exits(): os._exit(7)
def test_eats_memory():
    eaten = bytearray(700 << 20)
    time.sleep(5)
def test_is_killed(): os.kill(os.getpid(), 9)
def test_behind_all_of_them(): pass
`

const goodTests = `
import os, pathlib
import pytest

def test_student(): assert os.getuid() == 1000
@pytest.mark.as_user("2000:100")
def test_somebody_else(): assert (os.getuid(), os.getgid()) == (2000, 100)
@pytest.mark.flaky
def test_flaky():
    seen = pathlib.Path(os.environ["STACK_ARTIFACTS"]) / "seen"
    first = not seen.exists()
    seen.write_text("once")
    assert not first
`

/** The driver is the parent of pytest: the kernel may choose it when memory is short. */
const killsTheDriver = `
import os

def test_passes(): pass
def test_kills_the_driver():
    os.kill(os.getppid(), 9)
    os.kill(os.getpid(), 9)
def test_behind(): pass
`

const anyTest = "def test_any(): pass\n"
const removePytest = "RUN rm -r /usr/lib/python3/dist-packages/pytest /usr/lib/python3/dist-packages/_pytest"

const images = {
  good: { files: imageFiles([], { "test/test_good.py": goodTests }) },
  "every-way": { files: imageFiles([], { "test/test_ways.py": everyWayToEnd }) },
  driverless: { files: imageFiles([], { "test/test_driver.py": killsTheDriver }) },
  "no-pytest": { files: imageFiles([removePytest], { "test/test_any.py": anyTest }) },
  "no-python": { files: { Dockerfile: "FROM debian:bookworm-slim\n", "test/test_any.py": anyTest } },
  "no-tests": { files: imageFiles([]) },
  "none-collected": { files: imageFiles([], { "test/test_none.py": "def no_test(): pass\n" }) },
  "all-skipped": {
    files: imageFiles([], {
      "test/test_skipped.py": "import pytest\n@pytest.mark.skip(reason='not now')\ndef test_later(): pass\n",
    }),
  },
}

const spec = { tests: { timeout: "1 min", image_timeout: "3 min", memory: "400 MB" } }

let folder = ""
let registry = ""
let run: ReadReport

beforeAll(async () => {
  registry = `${localRegistry()}/tested-${Math.random().toString(36).slice(2, 10)}`
  folder = await workspace(stackFiles(images, { spec }))
  const publish = ["--branch=dev", `--registry=${registry}`, "--publish", "--publish-each", "--parallel=4"]
  const call = ["build-stack", "--source=.", ...publish, "artifacts", "export", "--path=out"]
  const ended = await stack(call, { cwd: folder })
  expect(ended.status, ended.stderr.slice(-3000)).toBe(0)
  run = await ReadReport.from(join(folder, "out"))
})

afterAll(() => removeFolder(folder))

test.each([
  ["good", "passed", ""],
  ["every-way", "tests-failed", "test_fails failed and 5 more"],
  ["driverless", "tests-failed", "test_kills_the_driver was killed"],
  ["no-pytest", "tests-failed", "the image has tests but no pytest to run them"],
  ["no-python", "tests-failed", "the image has tests but no Python to run them"],
  ["no-tests", "untested", "it has no tests"],
  ["none-collected", "tests-failed", "no tests were collected"],
  ["all-skipped", "untested", "all tests were skipped"],
])("%s: %s, %s", (name, kind, reason) => {
  const { outcome } = run.image(name)
  expect(outcome.kind).toBe(kind)
  expect("reason" in outcome ? outcome.reason : "").toContain(reason)
})

describe("tests that fail, hang, crash and are killed in one run", () => {
  test.each([
    ["test_behind_nothing", "passed", ""],
    ["test_fails", "failed", "assert 1 == 2"],
    ["test_hangs", "hung", "did not end within 5 s"],
    ["test_crashes", "crashed", "SIGSEGV"],
    ["test_exits", "crashed", "ended the interpreter with status 7"],
    ["test_eats_memory", "killed", "MiB are allowed"],
    ["test_is_killed", "killed", "most likely by the kernel for want of memory"],
    ["test_behind_all_of_them", "passed", ""],
  ])("%s: %s", (name, outcome, message) => {
    expect(run.tests("every-way").get(name)).toMatchObject({
      outcome,
      message: expect.stringContaining(message) as string,
    })
  })

  test("are each a case of the JUnit file, and folded in report.md with their output", async () => {
    const junit = await run.text("junit/every-way.basic.xml")
    expect(junit).toContain('tests="8" failures="6" errors="0" skipped="0"')
    expect(junit).toContain('<failure type="hung"')
    const markdown = await run.text("report.md")
    expect(markdown).toContain("<summary>hung: every-way/test/test_ways.py::test_hangs")
    expect(markdown).toContain("printed by the failing test")
    expect(await run.text("logs/every-way.basic-tests.log")).toContain(
      "Fatal Python error: Segmentation fault",
    )
  })
})

test("the other tests run, too, when the driver itself is killed", () => {
  const outcomes = [...run.tests("driverless").values()].map(({ outcome }) => outcome)
  expect(outcomes).toEqual(["passed", "killed", "passed"])
})

test("a test asks for another user, and one marked flaky is shown as flaky", async () => {
  const tests = run.tests("good")
  expect(tests.get("test_somebody_else")).toMatchObject({ outcome: "passed" })
  expect(tests.get("test_flaky")).toMatchObject({ outcome: "passed", attempts: 2, flaky: true })
  expect(await run.text("report.md")).toContain("3 passed, 1 flaky")
})

test("one image by name: the call passes with the tests that the filter leaves", async () => {
  const call = ["test-image", "--source=.", "--image=good", "--filter=student or else"]
  const { status } = await stack([...call, "junit", "export", "--path=junit"], { cwd: folder })
  expect(status).toBe(0)
  const junit = await readFile(join(folder, "junit/good.basic.xml"), "utf8")
  expect(junit).toContain('tests="2" failures="0"')
})

test("one image by name: the call fails with its summary, here over the spec's time for all tests", async () => {
  const limits = { tests: { timeout: "1 min", image_timeout: "3 s" } }
  await writeFiles(folder, stackFiles(images, { spec: limits }))
  const call = ["test-image", "--source=.", "--image=every-way", "--filter=hangs"]
  const { status, stderr } = await stack(call, { cwd: folder })
  // On a machine that has other work, no other test here would keep within these three seconds.
  await writeFiles(folder, stackFiles(images, { spec }))
  expect(status).not.toBe(0)
  expect(stderr).toContain("all tests together took over 3 s")
})

test("a published image is tested by its reference, and again when only its tests change", async () => {
  const reference = `${registry}/good:2026.4-dev`
  expect(run.image("good")).toMatchObject({ reference, published: true })
  await writeFiles(folder, { "images/good/test/test_more.py": "def test_more(): pass\n" })
  await commitAll(folder, "one more test")

  // What would be built is nothing to an image that is not.
  const dockerfile = await readFile(join(folder, "images/good/Dockerfile"), "utf8")
  await writeFiles(folder, { "images/good/Dockerfile": "FRM nothing\n" })
  const byReference = ["test-image", "--source=.", "--image=good", `--ref=${reference}`]
  await stack([...byReference, "artifacts", "export", "--path=by-reference"], { cwd: folder })
  await writeFiles(folder, { "images/good/Dockerfile": dockerfile })
  const tested = await ReadReport.from(join(folder, "by-reference"))
  expect(tested.image("good")).toMatchObject({ action: "retest", outcome: { kind: "passed" } })
  // The reference is a tag: which image that was is part of the report.
  expect(tested.image("good").digest).toBe(run.image("good").digest)
  expect([...tested.tests("good").keys()]).toContain("test_more")

  const publish = ["--branch=dev", `--registry=${registry}`, "--publish", "--only=good"]
  await stack(["build-stack", "--source=.", ...publish, "artifacts", "export", "--path=retest"], {
    cwd: folder,
  })
  const retested = (await ReadReport.from(join(folder, "retest"))).image("good")
  expect(retested).toMatchObject({ action: "retest", outcome: { kind: "passed" } })
  expect(retested.digest).toBe(run.image("good").digest)
})
