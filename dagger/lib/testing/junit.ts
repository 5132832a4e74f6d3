import type { TestResult, TestRun } from "./testRun.js"
import { countTests } from "./testRun.js"

/**
 * JUnit XML of one image's tests, in the form that CI systems read (the schema of Apache Ant's JUnit reports, as
 * pytest writes it). A run that could not start is one test case with an error, so that no reader shows it as passed.
 */
export function renderJunit(image: string, run: TestRun): string {
  const cases =
    run.kind === "ran" ? run.tests.map(renderCase) : [brokenCase(run), ...run.tests.map(renderCase)]
  const { failed, skipped } = countTests(run.tests)
  const errors = run.kind === "ran" ? 0 : 1
  const counts = `tests="${run.tests.length + errors}" failures="${failed}" errors="${errors}" skipped="${skipped}"`
  const time = `time="${run.seconds.toFixed(3)}" timestamp="${new Date(run.startedAt * 1000).toISOString()}"`
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    `<testsuites><testsuite name="${attribute(image)}" ${counts} ${time}>`,
    ...cases,
    "</testsuite></testsuites>",
    "",
  ].join("\n")
}

function renderCase(test: TestResult): string {
  const [file = "", ...rest] = test.id.split("::")
  const name = rest.length > 0 ? rest.join("::") : file
  const classname = file.replace(/\.py$/, "").replaceAll("/", ".")
  const open = `<testcase classname="${attribute(classname)}" name="${attribute(name)}" time="${test.seconds.toFixed(3)}">`
  const output = test.output === "" ? "" : `<system-out>${escapeXml(test.output)}</system-out>`
  return `${open}${renderOutcome(test)}${output}</testcase>`
}

function renderOutcome(test: TestResult): string {
  const message = attribute(test.message.split("\n", 1)[0] ?? "")
  switch (test.outcome) {
    case "passed":
    case "xpassed":
      return ""
    case "skipped":
    case "xfailed":
      return `<skipped type="${test.outcome}" message="${message}"/>`
    case "failed":
    case "error":
    case "hung":
    case "crashed":
    case "killed":
      return `<failure type="${test.outcome}" message="${message}">${escapeXml(test.message)}</failure>`
  }
}

function brokenCase(run: Exclude<TestRun, { kind: "ran" }>): string {
  const message = "message" in run ? run.message : run.kind
  return `<testcase classname="stack" name="${run.kind}" time="0"><error message="${run.kind}">${escapeXml(message)}</error></testcase>`
}

/** Text for an attribute, in which readers take tabs and line breaks for blanks. */
function attribute(text: string): string {
  return escapeXml(text).replaceAll("\t", "&#9;").replaceAll("\n", "&#10;")
}

/** Text for XML 1.0: marked-up characters escaped, characters that XML has no place for replaced. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#13;")
}
