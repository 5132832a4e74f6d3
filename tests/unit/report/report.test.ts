import { describe, expect, test } from "vitest"
import { renderImageYaml } from "../../../dagger/lib/report/imageYaml.js"
import { renderMarkdown } from "../../../dagger/lib/report/markdown.js"
import type { ImageOutcome, ImageReport } from "../../../dagger/lib/report/report.js"
import { describeOutcome, isFailed, isOk } from "../../../dagger/lib/report/report.js"
import { renderSummary } from "../../../dagger/lib/report/summary.js"
import { renderJunit } from "../../../dagger/lib/testing/junit.js"
import type { TestRun } from "../../../dagger/lib/testing/testRun.js"
import { judgeTests, mergeRuns } from "../../../dagger/lib/testing/testRun.js"
import { image, ran, report, result } from "../../support/reports.js"

const failing = image(
  "leaf",
  { kind: "tests-failed", reason: "leaf/test/test_a.py::test_b failed" },
  {
    suites: [
      {
        kind: "basic",
        run: ran(
          result("leaf/test/test_a.py::test_b", "failed", { message: "assert ``` < 1", output: "printed" }),
          result("x", "passed"),
        ),
      },
    ],
  },
)

test.each<[ImageOutcome, boolean, string]>([
  [{ kind: "passed" }, false, "passed"],
  [{ kind: "untested", reason: "it has no tests" }, false, "built, not tested: it has no tests"],
  [{ kind: "reused" }, false, "reused"],
  [{ kind: "retagged" }, false, "retagged"],
  [{ kind: "not-needed", reason: "unchanged" }, false, "not needed: unchanged"],
  [{ kind: "build-failed", message: "exit 1" }, true, "FAILED to build"],
  [{ kind: "check-failed", message: "no answer" }, true, "FAILED: it could not be checked"],
  [{ kind: "tests-failed", reason: "a failed" }, true, "FAILED its tests: a failed"],
  [{ kind: "over-budget", message: "too large" }, true, "FAILED: too large"],
  [{ kind: "vulnerable", message: "1 vulnerability" }, true, "FAILED: 1 vulnerability"],
  [{ kind: "publish-failed", message: "401" }, true, "FAILED to publish"],
  [{ kind: "skipped", because: "base", reason: "failed" }, true, "skipped: base failed"],
])("%j", (outcome, failed, words) => {
  const one = image("base", outcome)
  expect(isFailed(one)).toBe(failed)
  expect(isOk(report(one))).toBe(!failed)
  expect(describeOutcome(outcome)).toBe(words)
})

describe("the summary", () => {
  const text = renderSummary(
    report(image("base", { kind: "passed" }, { unpackedBytes: 1_900_000_000 }), failing),
  )

  test("has an aligned row an image", () => {
    expect(text.split("\n").slice(0, 3)).toEqual([
      "image  plan   tests               time        size     outcome",
      "base   build  none                1 min 01 s  1.90 GB  passed",
      expect.stringMatching(/^leaf +build +1 passed, 1 failed +1 min 01 s +- +FAILED its tests/),
    ])
  })

  test("names the failing test and its log, and how to repeat it", () => {
    expect(text).toContain("  failed: leaf/test/test_a.py::test_b")
    expect(text).toContain("  log: logs/leaf.log")
    expect(text).toContain("1 of 2 images not good in 2 min 05 s; nothing published (no --publish)")
    expect(text).toContain("reproduce (commit cccccccccccc): ./stack build-stack --source=.")
    expect(text).toContain("again: ./stack test-image --source=. --image=leaf --filter=test_b")
  })
})

describe("an image of two platforms", () => {
  const part = (platform: string, outcome: ImageOutcome) => {
    const { action, reasons, inputKey, steps, suites, notices, logs } = image("base", outcome)
    const own = { action, reasons, inputKey, steps, suites, notices, logs, outcome }
    return { platform, emulated: false, tests: "full" as const, ...own }
  }
  const passed: ImageOutcome = { kind: "passed" }
  const refused: ImageOutcome = { kind: "publish-failed", message: "the index was refused" }

  test("that failed as a whole is told where all of its platforms are well", () => {
    const platforms = [part("linux/amd64", passed), part("linux/arm64", passed)]
    const text = renderSummary(report(image("base", refused, { platforms })))
    expect(text).toContain("base: FAILED to publish")
    expect(text).toContain("the index was refused")
  })

  test("that failed on one is told once, by that platform", () => {
    const broken: ImageOutcome = { kind: "vulnerable", message: "1 vulnerability" }
    const platforms = [part("linux/amd64", passed), part("linux/arm64", broken)]
    const text = renderSummary(report(image("base", broken, { platforms })))
    expect(text.match(/^base.*: FAILED: 1 vulnerability$/gm)).toEqual([
      "base (linux/arm64): FAILED: 1 vulnerability",
    ])
  })
})

describe("a run that leaves tags to another one", () => {
  const candidate = { digest: `sha256:${"d".repeat(64)}` }
  const closing = (...images: ImageReport[]) =>
    /published: .*/.exec(renderSummary({ ...report(...images), publish: true, candidatesOnly: true }))?.[0]

  test("says how many candidates wait, and for what", () => {
    const passed = ["base", "left"].map((name) => image(name, { kind: "passed" }, candidate))
    expect(closing(...passed)).toBe(
      "published: nothing; 2 candidates wait: a run without --candidates-only tags them",
    )
    expect(closing(...passed.slice(1), image("right", { kind: "build-failed", message: "" }))).toBe(
      "published: nothing; 1 candidate waits: a run without --candidates-only tags it",
    )
  })

  test("because they are not signed says so, whatever was asked for", () => {
    const unsigned = image("base", { kind: "passed" }, { ...candidate, unsigned: true })
    const text = renderSummary({ ...report(unsigned, image("left", { kind: "passed" })), publish: true })
    expect(text).toContain("published: nothing; 1 candidate to be signed first\n")
  })

  test("counts what was tested now, and no failures", () => {
    const failed: ImageOutcome = { kind: "tests-failed", reason: "a failed" }
    const known: ImageOutcome = { kind: "not-needed", reason: "the same" }
    expect(
      closing(image("base", failed, candidate), image("left", known, { ...candidate, action: "retag" })),
    ).toBe("published: nothing")
  })
})

test("the summary keeps the words on a build failure and the last hundred lines of its output", () => {
  const message = Array.from({ length: 300 }, (_, line) => `line ${line}`).join("\n")
  const text = renderSummary(report(image("base", { kind: "build-failed", message })))
  expect(text).toContain("    | line 0\n    | line 1\n    | [...]\n    | line 200\n")
  expect(text).toContain("    | line 299\n")
  expect(text).not.toContain("line 199\n")
})

describe("report.md", () => {
  const text = renderMarkdown(report(failing))

  test("folds a failing test's output in a fence that holds it", () => {
    expect(text).toContain("<summary>failed: leaf/test/test_a.py::test_b (1.0 s)</summary>")
    expect(text).toContain("````\nassert ``` < 1\n\nprinted\n````")
  })

  test("keeps a commit's subject from breaking the page", () => {
    expect(text).toContain('"A \\| change" on `main`')
    expect(text).not.toContain("with a body")
  })

  test("says why, and what was slow", () => {
    expect(text).toContain("- **leaf** build: its files changed")
    expect(text).toContain("## Slowest tests")
  })
})

test("a run that was skipped by request says only that", () => {
  const skipped = { ...report(), skippedByRequest: "the commit message" }
  expect(renderSummary(skipped)).toBe("skipped by request: the commit message\n")
  expect(renderMarkdown(skipped)).toContain("Skipped by request")
  expect(isOk(skipped)).toBe(true)
})

test("an image's YAML has its verdict, counts and times", () => {
  const yaml = renderImageYaml(failing)
  expect(yaml).toContain(
    "successful: false\noutcome: tests-failed\nreason: leaf/test/test_a.py::test_b failed\n",
  )
  expect(yaml).toContain("  basic:\n    seconds: 2\n    passed: 1\n    failed: 1\n")
  expect(yaml).toContain("started_at: 1970-01-01T00:00:01.000Z\n    seconds: 61\n")
})

describe("JUnit", () => {
  test("counts, and escapes what XML cannot hold", () => {
    const bad = result("leaf/test/test_a.py::test[<&\u0000>]", "hung", { message: 'a "b" <c>\u001b[0m' })
    const xml = renderJunit("leaf", ran(result("a.py::ok", "passed"), bad, result("a.py::no", "skipped")))
    expect(xml).toContain('tests="3" failures="1" errors="0" skipped="1"')
    expect(xml).toContain('name="test[&lt;&amp;\u{FFFD}&gt;]"')
    expect(xml).toContain('<failure type="hung" message="a &quot;b&quot; &lt;c&gt;\u{FFFD}[0m">')
  })

  test("a run that could not start is an error, not an empty success", () => {
    const xml = renderJunit("leaf", { ...ran(), kind: "no-pytest" })
    expect(xml).toContain('tests="1" failures="0" errors="1"')
    expect(xml).toContain('<error message="no-pytest">')
  })
})

describe("verdicts", () => {
  test.each<[TestRun, string]>([
    [ran(result("a", "passed"), result("b", "skipped")), "passed"],
    [ran(result("a", "xfailed")), "none"],
    [ran(result("a", "skipped")), "none"],
    [ran(result("a", "passed"), result("b", "killed")), "failed"],
    [{ ...ran(), kind: "no-tests-collected" }, "failed"],
    [{ ...ran(), kind: "no-python" }, "failed"],
    [{ ...ran(), kind: "runner-failed", message: "gone\nand more" }, "failed"],
  ])("%j", (run, kind) => {
    expect(judgeTests(run).kind).toBe(kind)
  })

  test("a second user's broken run is the image's", () => {
    const merged = mergeRuns(ran(result("a", "passed")), [
      { user: "2000:2000", run: { ...ran(result("b", "failed")), kind: "no-python" } },
    ])
    expect(merged.kind).toBe("no-python")
    expect(merged.tests.map(({ id }) => id)).toEqual(["a", "b"])
  })
})

describe("what a report shows of foreign text", () => {
  const id = "a/test_a.py::test[`![x](https://evil.example/a.png) | <img>`]"
  const reported = report(
    image(
      "leaf",
      { kind: "tests-failed", reason: `${id} failed` },
      { suites: [{ kind: "basic", run: ran(result(id, "failed", { seconds: 9 })) }] },
    ),
  )

  test("is no picture, link or code of the page, nor a cell of its tables", () => {
    const page = renderMarkdown({ ...reported, source: { ...reported.source, branch: "a`![x](y)" } })
    expect(page).toContain("on ``a`![x](y)``;")
    const shown = page
      .replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, "")
      .replaceAll(/\\[!-/:-@[-`{-~]/g, "")
      .replaceAll(/<summary>.*<\/summary>/g, "")
    expect(shown).not.toMatch(/\[x\]|!\[|<img/)
    for (const row of page.split("\n").filter((line) => line.startsWith("| ❌")))
      expect(row.replaceAll(/\\./g, "").split("|")).toHaveLength(9)
  })

  test.each([
    ["400 failing tests", 1, 400, 3000],
    ["30 images with 100 failing tests each", 30, 100, 20_000],
    ["messages without line breaks", 3, 200, 60_000],
  ])("is a page that GitHub shows whole: %s", (_, images, tests, length) => {
    const large = report(
      ...Array.from({ length: images }, (_, number) =>
        image(
          `image${number}`,
          { kind: "tests-failed", reason: "x".repeat(length) },
          {
            suites: [
              {
                kind: "basic" as const,
                run: ran(
                  ...Array.from({ length: tests }, (_, test) =>
                    result(`test_${test}`, "failed", { message: "é```\n".repeat(length / 5) }),
                  ),
                ),
              },
            ],
            notices: Array.from({ length: 6000 / images }, (_, notice) => `notice ${notice} of many ones`),
          },
        ),
      ),
    )
    const page = renderMarkdown(large)
    expect(Buffer.byteLength(page)).toBeLessThan(600 * 1024)
    expect(page.match(/<details>/g)?.length).toBe(page.match(/<\/details>/g)?.length)
    expect(page.endsWith("```sh\n./stack build-stack --source=.\n```\n")).toBe(true)
    for (let number = 0; number < images; number += 1) {
      expect(page).toContain(`## image${number}: FAILED its tests`)
      expect(page).toContain(`\`logs/image${number}.log\``)
    }
    expect(page).toMatch(/\d+ more failed tests: the logs and the JUnit file have all\./)
  })
})
