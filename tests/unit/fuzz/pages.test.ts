import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import fc, { fuzzSeed } from "../../support/fastCheck.js"
import { renderJunit } from "../../../dagger/lib/testing/junit.js"
import { parseTestRun } from "../../../dagger/lib/testing/testRun.js"
import { codeCell, codeSpan, escapeCell, fenced, plainText } from "../../../dagger/lib/text/markdown.js"
import { cleanText } from "../../../dagger/lib/text/cleanText.js"
import { commitCellOf, quarterOf, rowKey } from "../../../dagger/lib/wiki/homeRow.js"
import { cellsOf, formatTablePage, parseTablePage } from "../../../dagger/lib/wiki/tablePage.js"
import { adoptRows } from "../../../dagger/lib/wiki/wikiIndex.js"
import { nastyText, piecesOf, runs } from "../../support/fuzz.js"

const page = piecesOf(
  ...[
    "\n",
    "\n",
    "\n",
    "| Commit | Image | Manifest |\n",
    "|---|---|---|\n",
    "|:-:|",
    "|",
    "|`a1b2c3d`|`o/a:2026.4-main`|[x](y)|\n",
    "|a|b|c|",
    " ",
    "\t",
    "\r\n",
    "`",
    "``",
    "\\|",
    "prose",
  ],
  ...[
    "<!-- archive: written by the pipeline -->\n",
    "<!-- end of archive -->\n",
    "\u0000",
    "\ud800",
    "\u202e",
    "\ufeff",
    "commit",
    "2026.4",
    ":2026.4-",
  ],
)
const text = fc.oneof(
  page,
  nastyText,
  fc.tuple(page, nastyText, page).map((parts) => parts.join("")),
)

test("a page with a table comes back to the byte; of one without, every line of prose", () => {
  fc.assert(
    fc.property(text, (written) => {
      const parsed = parseTablePage(written)
      const again = formatTablePage(parsed)
      const hasTable =
        formatTablePage({ ...parsed, header: [] }) !== again && written.includes(parsed.header.join("\n"))
      if (hasTable) expect(again).toBe(written)
      else expect(again.startsWith(written.trimEnd())).toBe(true)
      expect(parseTablePage(again)).toEqual(parsed)
    }),
    runs(2000),
  )
})

test("rows of a page are all in the index afterwards, to the byte and in their order", () => {
  const line = fc.oneof(
    fc.constantFrom("|`a`|`b`|c|", "|`a`|`b`|d|", "|`b`|`b`|c|", "|a|b|", "||", "|``|`|"),
    page.map((each) => `|${each.replaceAll("\n", "")}`),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(line, { maxLength: 8 }), (known, found) => {
      const adopted = adoptRows(
        known.map((each) => ({ line: each })),
        found,
      ).map((row) => row.line)
      const count = (lines: readonly string[], each: string) => lines.filter((other) => other === each).length
      for (const each of found) expect(count(adopted, each)).toBeGreaterThanOrEqual(count(found, each))
      expect(adopted.length).toBeGreaterThanOrEqual(Math.max(known.length, found.length))
      const keys = (lines: readonly string[]) => lines.map(rowKey).sort()
      for (const each of keys(known)) expect(keys(adopted)).toContain(each)
      expect(
        adoptRows(
          adopted.map((each) => ({ line: each })),
          adopted,
        ).map((row) => row.line),
      ).toEqual(adopted)
      for (const each of found) {
        expect(cellsOf(each).length).toBeGreaterThan(0)
        quarterOf(each)
        commitCellOf(found, "ghcr.io/x/a:1")
      }
    }),
    runs(2000),
  )
})

test("text in a table's cell makes no cells and no HTML of its own", () => {
  fc.assert(
    fc.property(nastyText, (written) => {
      for (const render of [plainText, escapeCell, codeCell]) {
        const row = `| ${render(written)} | x |`
        expect(row).not.toMatch(/[\r\n]/)
        expect(cellsOf(row)).toHaveLength(2)
      }
      expect(codeSpan(written)).not.toMatch(/[\r\n]/)
      expect(cleanText(written)).not.toMatch(/[^\P{Cc}\t\n]/u)
      const [fence = "", ...lines] = fenced(written).split("\n")
      expect(lines.at(-1)).toBe(fence)
      expect(lines.slice(0, -1).some((line) => line.trim().startsWith(fence))).toBe(false)
    }),
    runs(2000),
  )
})

const seconds = fc.oneof(fc.constantFrom(0, 0.001, 1e9), fc.double({ min: 0, max: 1e6, noNaN: true }))
const testResult = fc.record({
  id: fc.oneof(nastyText, fc.constantFrom("a/test_a.py::test[x]", "::", "a::b::c")),
  outcome: fc.constantFrom(
    "passed",
    "failed",
    "error",
    "skipped",
    "xfailed",
    "xpassed",
    "hung",
    "crashed",
    "killed",
  ),
  seconds,
  message: nastyText,
  output: nastyText,
  attempts: fc.nat(3),
  flaky: fc.boolean(),
})
const testRun = fc.record({
  kind: fc.constantFrom("ran", "no-pytest", "runner-failed", "timed-out"),
  message: nastyText,
  startedAt: seconds,
  seconds,
  tests: fc.array(testResult, { maxLength: 4 }),
  otherUsers: fc.constant([]),
})

/** Text as XML 1.0 can hold it. */
function inXml(written: string): string {
  return written.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}")
}

test("JUnit of any test is XML, and a reader finds in it what the test said", () => {
  const reports = fc
    .sample(testRun, { numRuns: 300, seed: fuzzSeed })
    .map((run) => parseTestRun(JSON.stringify(run)))
  const script = [
    "import json, sys, xml.etree.ElementTree as E",
    "for text in json.load(sys.stdin):",
    "    cases = [c for c in E.fromstring(text.encode('utf-8')).iter('testcase') if c.get('classname') != 'stack']",
    "    print(json.dumps([[c.get('name'), c.findtext('system-out') or '', c.findtext('failure')] for c in cases]))",
  ].join("\n")
  const input = JSON.stringify(reports.map((run) => renderJunit("image <1>", run)))
  const read = execFileSync("python3", ["-c", script], { encoding: "utf8", input, maxBuffer: 1 << 28 })
  const found = read
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown)
  const expected = reports.map((run) =>
    run.tests
      .map((each) => {
        const [file = "", ...rest] = each.id.split("::")
        const isFailed = ["failed", "error", "hung", "crashed", "killed"].includes(each.outcome)
        return [
          file === "stack",
          [
            inXml(rest.length > 0 ? rest.join("::") : file),
            inXml(each.output),
            isFailed ? inXml(each.message) : null,
          ],
        ] as const
      })
      .map(([, fields]) => fields),
  )
  expect(found).toEqual(expected)
})

test("a run that claims to be of an impossible time is no run, and stops no report", () => {
  for (const startedAt of [1e300, -1e300, 8.7e12]) {
    expect(() =>
      parseTestRun(JSON.stringify({ kind: "ran", startedAt, seconds: 1, tests: [], otherUsers: [] })),
    ).toThrow()
  }
})
