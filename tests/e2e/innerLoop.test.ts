import { setTimeout } from "node:timers/promises"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { childImage, FixtureStack, rootImage } from "../support/fixtureStacks.js"
import type { Files, StackImage } from "../support/source.js"
import { stackFiles } from "../support/source.js"
import { onScreen } from "../support/screen.js"
import { checkout, removeFolder, stack, stateHome, workspace, writeFiles } from "../support/stack.js"
import { ReadReport, serverLines, serverProgram } from "../support/testImages.js"

const passes = "def test_any(): pass\n"
const asOther = `import os, pytest\n@pytest.mark.as_user("2000:2000")\ndef test_other(): assert os.getuid() == 2000\n`
const readsData = `import pathlib\ndef test_data(): assert (pathlib.Path(__file__).parent / "data.txt").read_text() != ""\n`
const asksServer = `import os, requests\ndef test_server(): assert requests.get(os.environ["STACK_SERVER_URL"]).status_code == 403\n`

/** An engine that has run these tests before knows nothing of these images. */
const fresh = `RUN echo ${Date.now()} > /fresh`
const images: Readonly<Record<string, StackImage>> = {
  base: rootImage("base", [fresh, ...serverLines.slice(0, 1)], { "server.py": serverProgram }),
  leaf: {
    ...childImage("leaf", "base", serverLines.slice(1), {
      "test/test_data.py": readsData,
      "test/data.txt": "1",
      "integration_tests/test_server.py": asksServer,
    }),
    integration_tests: true,
  },
}
const common: Files = { "images/tests_common/test_common.py": passes }

/** The stack with other limits, or another hub. */
function specWith(timeout: string, hub: string): Files {
  const spec = { tests: { timeout }, hub: { version: hub } }
  return { "spec.yml": stackFiles(images, { spec })["spec.yml"] ?? "" }
}

function dockerfileOf(name: string): string {
  const text = stackFiles(images)[`images/${name}/Dockerfile`]
  return typeof text === "string" ? text : ""
}

const inBase = ["base: tests_common", "base: base/test"]
const inLeaf = ["leaf: tests_common", "leaf: base/test", "leaf: leaf/test"]
const server = ["leaf: leaf/integration_tests"]
const everything = [...inBase, ...inLeaf, ...server]

let folder = ""

async function buildStack(): Promise<ReadReport> {
  const out = join(folder, "out")
  await rm(out, { recursive: true, force: true })
  const ended = await stack(["build-stack", "--source=.", "artifacts", "export", "--path=out"], {
    cwd: folder,
  })
  expect(ended.status, ended.stderr.slice(-3000)).toBe(0)
  return ReadReport.from(out)
}

/** Folders whose tests ran now, and were not taken from an earlier run. */
function ranNow({ report }: ReadReport): readonly string[] {
  const earlier = report.images.flatMap(({ name, suites }) =>
    suites.flatMap((suite) => (suite.earlier ?? []).map((each) => `${name}: ${each}`)),
  )
  return everything.filter((each) => !earlier.includes(each))
}

beforeAll(async () => {
  const spec = { tests: { timeout: "60 s" }, hub: { version: "4.1" } }
  folder = await workspace({ ...stackFiles(images, { spec }), ...common })
  expect(ranNow(await buildStack())).toEqual(everything)
})

afterAll(() => removeFolder(folder))

describe("what runs again after a change, without a registry", () => {
  test.each<[string, Files, readonly string[]]>([
    ["nothing", {}, []],
    ["a test of the leaf", { "images/leaf/test/test_leaf.py": passes }, ["leaf: leaf/test"]],
    ["a file that a test reads", { "images/leaf/test/data.txt": "2" }, ["leaf: leaf/test"]],
    ["another user", { "images/leaf/test/test_user.py": asOther }, ["leaf: leaf/test"]],
    ["nothing, with the other user", {}, []],
    [
      "a test of the parent",
      { "images/base/test/test_base.py": passes },
      ["base: base/test", "leaf: base/test", "leaf: leaf/test"],
    ],
    ["a common test", { "images/tests_common/test_common.py": `${passes}\n` }, everything],
    ["a fixture of all", { "images/conftest.py": "# all\n" }, everything],
    ["the server's test", { "images/leaf/integration_tests/test_server.py": `${asksServer}\n` }, server],
    ["a limit", specWith("61 s", "4.1"), everything],
    ["the hub's version", specWith("61 s", "4.2"), everything],
    [
      "the leaf's configuration alone",
      { "images/leaf/Dockerfile": `${dockerfileOf("leaf")}ENV ONE=1\n` },
      [...inLeaf, ...server],
    ],
    [
      "the parent's content",
      { "images/base/Dockerfile": `${dockerfileOf("base")}RUN echo 2 > /tmp/two\n` },
      everything,
    ],
    ["nothing, at last", {}, []],
  ])("%s", async (_, files, again) => {
    await writeFiles(folder, files)
    const run = await buildStack()
    expect(run.report.images.map(({ outcome }) => outcome.kind)).toEqual(["passed", "passed"])
    expect(ranNow(run)).toEqual(again)
  })
})

test("a failure is never taken for a verdict, and the pass that follows on it is remembered", async () => {
  const passesFrom = Date.now() + 25_000
  const coin = `import time\ndef test_time(): assert time.time() > ${passesFrom / 1000}\n`
  await writeFiles(folder, { "images/leaf/test/test_leaf.py": coin })
  for (const [outcome, from] of [
    ["tests-failed", 0],
    ["tests-failed", 0],
    ["passed", passesFrom],
  ] as const) {
    await setTimeout(Math.max(0, from - Date.now()))
    const run = await buildStack()
    expect(run.image("leaf").outcome.kind).toBe(outcome)
    expect(ranNow(run)).toContain("leaf: leaf/test")
  }
  expect(ranNow(await buildStack())).toEqual([])
})

test("test-image --watch at a terminal: the latest result alone, what was saved, how long it took", async () => {
  const leafTest = (text: string) => writeFiles(folder, { "images/leaf/test/test_leaf.py": text })
  await leafTest(passes)
  const shown: string[] = []
  const step = (run: number, text: string) => ({
    when: new RegExp(`run ${run}, [^]*waiting for the next save`),
    act: async (screen: string) => {
      shown.push(screen)
      await leafTest(text)
    },
  })
  const screen = await onScreen(
    [join(checkout, "stack"), "test-image", "--source=.", "--image=leaf", "--watch"],
    {
      cwd: folder,
      env: { XDG_STATE_HOME: stateHome },
      columns: 80,
      // At last another text than the first, whose pass is remembered.
      steps: [step(1, "def test_wrong(): assert 1 == 2\n"), step(2, `${passes}# ${Date.now()}\n`)],
      press: { key: "C-c", when: /run 3, [^]*waiting for the next save/ },
    },
  )
  const [first = "", second = ""] = shown
  expect(first).toMatch(/^stack: run 1, [\d:]+, took \d+ s: good$/m)
  expect(second).toMatch(/E +assert 1 == 2/)
  expect(second).toMatch(/^stack: run 2, [\d:]+, took \d+ s: not good any more$/m)
  expect(second).toContain("stack: saved before it: images/leaf/test/test_leaf.py\n")
  expect(second).not.toContain("run 1")
  expect(screen.text).toMatch(/^stack: run 3, [\d:]+, took \d+ s: good again$/m)
  expect(screen.text).not.toContain("assert 1 == 2")
  expect([screen.status, screen.answered < 5000]).toEqual([130, true])
  // Nothing but the folder whose file was saved, of the tests and of the server.
  const last = await stack(["last", "test-image", "--source=."], { cwd: folder })
  const [kept = ""] = /(?<=report and logs: ).*/.exec(last.stderr) ?? []
  expect(ranNow(await ReadReport.from(kept)).filter((each) => each.startsWith("leaf: "))).toEqual([
    "leaf: leaf/test",
  ])
})

test("the registry tells folder by folder: what passed in the very image does not run again", async () => {
  const world = await FixtureStack.start(images, { files: common })
  try {
    // The main branch is always built whole.
    await world.git("checkout", "--quiet", "-b", "work")
    expect((await world.publish()).outcomes).toEqual({ base: "passed", leaf: "passed" })
    await world.commit({ "images/leaf/test/test_leaf.py": `${passes}\n\n` })
    const run = await world.publish()
    expect(run.actions).toEqual({ base: "reuse", leaf: "retest" })
    expect(run.outcomes).toEqual({ base: "reused", leaf: "passed" })
    const { suites, notices } = run.image("leaf")
    expect(suites.map(({ kind }) => kind)).toEqual(["basic"])
    expect([...run.tests("leaf").keys()]).toEqual(["test_data", "test_any"])
    expect(notices.join()).toContain(
      "by the word of the registry: images/tests_common, images/base/test and images/leaf/integration_tests",
    )
    // All of it is remembered as one pass, too: nothing is left to do.
    expect((await world.publish()).actions).toEqual({ base: "reuse", leaf: "reuse" })
  } finally {
    await world.stop()
  }
})
