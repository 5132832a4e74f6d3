import { describe, expect, test } from "vitest"
import { renderAnnotations } from "../../../dagger/lib/report/annotations.js"
import { renderMarkdown } from "../../../dagger/lib/report/markdown.js"
import { renderSummary } from "../../../dagger/lib/report/summary.js"
import { renderTimeline } from "../../../dagger/lib/report/timeline.js"
import { image, ran, report, result } from "../../support/reports.js"

const hostile = "x::error::y%\r\n::stop-commands::z\n##[error]w, a:b"
const failed = image(
  "left",
  { kind: "tests-failed", reason: "left/test/test_a.py::test_b failed" },
  {
    suites: [
      {
        kind: "basic",
        run: ran(
          result("left/test/test_a.py::test_b", "failed", {
            message: `>  assert x\nE  ${hostile}\nleft/test/test_a.py:7: AssertionError`,
          }),
          result("left/test/test_a.py::test_c[1,2:3]", "hung", { message: "hung" }),
        ),
      },
    ],
  },
)

describe("errors for GitHub's runner", () => {
  const text = renderAnnotations(report(failed, image("base", { kind: "build-failed", message: hostile })))
  const lines = text.split("\n").filter((line) => line !== "")

  test("name file, line and test, one command a failure", () => {
    expect(lines[0]).toMatch(
      /^::error file=images\/left\/test\/test_a\.py,line=7,title=left%3A left\/test\/test_a\.py%3A%3Atest_b failed::/,
    )
    expect(lines[1]).toMatch(
      /^::error file=images\/left\/test\/test_a\.py,title=left%3A .*\[1%2C2%3A3\] hung::hung$/,
    )
    expect(lines[2]).toMatch(
      /^::error file=images\/base\/Dockerfile,title=base%3A FAILED to build::x::error::y%25%0A/,
    )
    expect(lines).toHaveLength(3)
  })

  test("are none for images that only stand on one that failed, and no more than GitHub shows", () => {
    expect(renderAnnotations(report(image("a", { kind: "skipped", because: "b", reason: "failed" })))).toBe(
      "",
    )
    const all = Array.from({ length: 30 }, (_, index) =>
      image(`i${index}`, { kind: "build-failed", message: "" }),
    )
    expect(
      renderAnnotations(report(...all))
        .trim()
        .split("\n"),
    ).toHaveLength(10)
  })
})

describe("the time line", () => {
  const slow = image(
    "a:b;c#d",
    { kind: "tests-failed", reason: "x" },
    {
      steps: [
        { name: "inspect", startedAt: 62_500, milliseconds: 500 },
        { name: "build", startedAt: 1000, milliseconds: 61_000 },
        { name: "tests", startedAt: 62_000, milliseconds: 100 },
      ],
    },
  )
  test("has a section an image and a bar a step in their order; what failed is red", () => {
    expect(renderTimeline(report(slow)).split("\n")).toEqual([
      "## Where the time went",
      "",
      "```mermaid",
      "gantt",
      "  dateFormat HH:mm:ss.SSS",
      "  axisFormat %H:%M:%S",
      "  section a-b-c-d",
      "  build 1 min 01 s :00:00:01.000, 00:01:02.000",
      "  tests 100 ms :crit, 00:01:02.000, 00:01:02.100",
      "  inspect 500 ms :00:01:02.500, 00:01:03.000",
      "```",
    ])
    expect(renderMarkdown(report(slow))).toContain("```mermaid\ngantt")
  })

  test("is left out where nothing was done", () => {
    expect(renderTimeline(report(image("a", { kind: "reused" }, { steps: [] })))).toBe("")
  })
})

describe("the summary on a screen", () => {
  const kept = "/home/me/my logs"
  const lines = renderSummary(report(failed), { columns: 80, colour: false, kept }).split("\n")

  test("has a table no wider than the screen", () => {
    const table = lines.slice(0, 2)
    expect(table[1]).toMatch(/^left .* FAILED.*…$/)
    for (const line of table) expect(line.length).toBeLessThanOrEqual(80)
  })

  test("names logs by their path, and ends with the verdict", () => {
    expect(lines).toContain("  log: '/home/me/my logs/logs/left.log'")
    expect(lines).toContain("report and logs: '/home/me/my logs'")
    expect(lines.at(-2)).toMatch(/^1 of 1 image not good in /)
  })

  test("has colours only where the screen has, and none of an image", () => {
    const red = image("base", { kind: "build-failed", message: "\u001b[31mred\u001b]0;title\u0007" })
    expect(renderSummary(report(red))).not.toContain("\u001b")
    const painted = renderSummary(report(red), { columns: 0, colour: true })
    expect(painted).toContain("\u001b[31mFAILED to build\u001b[0m")
    expect(painted).not.toContain("title")
  })

  test("repeats an image that was only tested from the registry", () => {
    const digest = `sha256:${"d".repeat(64)}`
    const text = renderSummary(report({ ...failed, action: "retest", digest }))
    expect(text).toContain(`'--filter=test_b or test_c' --ref=ghcr.io/example/left@${digest}`)
  })
})
