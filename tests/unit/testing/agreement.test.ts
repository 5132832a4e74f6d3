import { afterAll, expect, test } from "vitest"
import { isFailure, isPass, judgeTests } from "../../../dagger/lib/testing/testRun.js"
import type { TestResult, TestRun } from "../../../dagger/lib/testing/testRun.js"
import { interpreters, TestFolder } from "../../support/driver.js"
import type { TestFiles } from "../../support/driver.js"
import fc from "../../support/fastCheck.js"
import { runs } from "../../support/fuzz.js"

/** A test function's text, by its number. */
type TestText = (n: number) => string

const body =
  (...lines: readonly string[]): TestText =>
  (n) =>
    `def test_${n}(request, monkeypatch):\n${lines.map((line) => `    ${line}\n`).join("")}`
const marked =
  (marker: string, text: TestText): TestText =>
  (n) =>
    `@pytest.mark.${marker}\n${text(n)}`
const fixture =
  (lines: readonly string[], then: TestText): TestText =>
  (n) =>
    [
      "@pytest.fixture",
      `def fixture_${n}():`,
      ...lines.map((line) => `    ${line}`),
      then(n).replace("request,", `fixture_${n}, request,`),
    ].join("\n")

const pass = body("pass")
const fail = body("assert 1 == 2")

/** Tests of which pytest's session takes no harm. */
const harmless: fc.Arbitrary<TestText> = fc.constantFrom(
  pass,
  fail,
  body("print('printed')", "raise RuntimeError('broken')"),
  body("pytest.skip('not now')"),
  marked("skip", fail),
  marked("xfail", fail),
  marked("xfail", pass),
  marked("xfail(strict=True)", fail),
  marked("xfail(strict=True)", pass),
  body("pytest.xfail('as expected')"),
  marked("parametrize('p', range(3))", (n) => `def test_${n}(p): assert p != 1\n`),
  marked("parametrize('p', ['', 'a b', '::'])", (n) => `def test_${n}(p): pass\n`),
  fixture(["raise RuntimeError('set-up')"], pass),
  fixture(["yield", "raise RuntimeError('tear-down')"], pass),
  fixture(["yield", "raise RuntimeError('tear-down')"], fail),
  fixture(["yield", "assert False"], marked("xfail", fail)),
  fixture(["pytest.skip('in the set-up')"], fail),
  subtests("1"),
  subtests("9"),
  (n) =>
    `class TestCase${n}(unittest.TestCase):\n    def test_${n}(self):\n        self.assertEqual(1, ${n % 2})\n`,
  (n) =>
    `class TestSub${n}(unittest.TestCase):\n    def test_${n}(self):\n        for i in range(3):\n            with self.subTest(i=i): self.assertNotEqual(i, ${n % 4})\n`,
  body("import sys; sys.exit(0)"),
  ...["os._exit(0)", "os._exit(1)", "raise RuntimeError", "return"].map((end) =>
    body("child = os.fork()", `if not child: ${end}`, "os.waitpid(child, 0)"),
  ),
  ...[
    ["builtins.open", "mock.mock_open()"],
    ["json.dumps", "lambda *a, **k: '{}'"],
    ["os.write", "lambda *a: 0"],
    ["os.getpid", "lambda: 1"],
    ["time.time", "lambda: 0"],
  ].flatMap(([name = "", value = ""]) => [
    body(`monkeypatch.setattr('${name}', ${value})`),
    body(`monkeypatch.setattr('${name}', ${value})`, "assert False"),
  ]),
)

function subtests(bad: string): TestText {
  return body(
    "subtests = request.getfixturevalue('subtests')",
    "for i in range(3):",
    `    with subtests.test(i=i): assert i != ${bad}`,
  )
}

/** Tests that end pytest, or the interpreter. */
const ending: fc.Arbitrary<TestText> = fc.constantFrom(
  ...[0, 1, 2, 5].flatMap((status) => [
    body(`os._exit(${status})`),
    body(`pytest.exit('enough', returncode=${status})`),
  ]),
  body("raise KeyboardInterrupt"),
  body("os.kill(os.getpid(), 9)"),
  fixture(["yield", "pytest.exit('enough', returncode=0)"], fail),
)

const imports = "import builtins, json, os, time, unittest\nfrom unittest import mock\nimport pytest\n\n"
const conftests = fc.constantFrom(
  ...["", "", "", ""],
  "def pytest_sessionfinish(session): session.exitstatus = 0\n",
  "def pytest_sessionfinish(session): session.exitstatus = 1\n",
  "def pytest_sessionfinish(session): session.exitstatus = 7\n",
  "import os\ndef pytest_sessionfinish(session): os._exit(0)\n",
  "def pytest_collection_modifyitems(items): items.reverse()\n",
  "def pytest_runtest_logreport(report): report.sections.clear()\n",
)
const options = fc.constantFrom(...["", "", "", ""], "-x", "--lf", "-p no:cacheprovider", "-p no:randomly -q")

interface Generated {
  readonly files: TestFiles
  readonly options: string
  readonly python: string
  /** Something ends the process, or says another status than pytest's own. */
  readonly ends: boolean
}

const generated: fc.Arbitrary<Generated> = fc
  .record({
    many: fc.array(harmless, { minLength: 1, maxLength: 12 }),
    last: fc.option(fc.tuple(ending, fc.nat()), { freq: 3, nil: undefined }),
    conftest: conftests,
    options,
    python: fc.constantFrom(...interpreters),
  })
  .map(({ many, last, conftest, options: addopts, python }) => {
    const tests = last === undefined ? many : many.toSpliced(last[1] % (many.length + 1), 0, last[0])
    const files = {
      "conftest.py": conftest,
      "pytest.ini": `[pytest]\naddopts = ${addopts}\n`,
      "test_it.py": imports + tests.map((text, n) => text(n)).join("\n"),
    }
    return { files, options: addopts, python, ends: last !== undefined || conftest.includes("exit") }
  })

/** How JUnit shows a test: any failure of it counts, also that of a subtest. */
function junitOutcomes(xml: string): ReadonlyMap<string, "failed" | "skipped" | "passed"> {
  const found = new Map<string, "failed" | "skipped" | "passed">()
  for (const [, attributes = "", inside = ""] of xml.matchAll(
    /<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs,
  )) {
    const name = / name="([^"]*)"|^name="([^"]*)"/.exec(attributes)
    const id = (name?.[1] ?? name?.[2] ?? "").replace(/ \(.*\)$/, "")
    const outcome = /<(?:failure|error)/.test(inside)
      ? "failed"
      : inside.includes("<skipped")
        ? "skipped"
        : "passed"
    const before = found.get(id)
    if (before === "failed" || (before === "skipped" && outcome === "passed")) continue
    found.set(id, outcome)
  }
  return found
}

function outcomeIn(test: TestResult): "failed" | "skipped" | "passed" {
  if (isFailure(test)) return "failed"
  return isPass(test) ? "passed" : "skipped"
}

/** Names as JUnit has them: without file and class. */
function byName(run: TestRun): ReadonlyMap<string, "failed" | "skipped" | "passed"> {
  return new Map(run.tests.map((each) => [each.id.replace(/^.*?::(?:Test\w+::)?/, ""), outcomeIn(each)]))
}

let compared = 0
const red = { plain: 0, driver: 0 }

test("never green where plain pytest is red, nor red where it is green", () => {
  fc.assert(
    fc.property(generated, (given) => {
      const folder = new TestFolder(given.files, given.python)
      try {
        const plain = folder.plain()
        const run = folder.drive("--timeout", "20")
        const { kind } = judgeTests(run)
        if (plain.status !== 0) expect(kind, `pytest ended with ${plain.status}`).not.toBe("passed")
        // Known limit: a process that a test ends early, with a status of its choice, is a failure here.
        if (plain.status === 0 && !given.ends) expect(kind).not.toBe("failed")
        if (!given.ends) expectSameOutcomes(byName(run), junitOutcomes(plain.junit), given.options)
        compared += 1
        red.plain += plain.status === 0 ? 0 : 1
        red.driver += kind === "failed" ? 1 : 0
      } finally {
        folder.remove()
      }
    }),
    runs(10),
  )
}, 600_000)

/** With -x plain pytest leaves tests out, which the driver runs. */
function expectSameOutcomes(
  driver: ReadonlyMap<string, string>,
  junit: ReadonlyMap<string, string>,
  addopts: string,
): void {
  if (addopts !== "-x") expect(driver.size).toBe(junit.size)
  for (const [name, outcome] of junit) expect([name, driver.get(name)]).toEqual([name, outcome])
}

afterAll(() => {
  // Both colours were there: a property over green runs alone would prove nothing.
  if (compared >= 10) expect(Math.min(red.plain, red.driver)).toBeGreaterThan(0)
})
