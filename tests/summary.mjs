// node tests/summary.mjs REPORT.json: what a vitest report says, for ./stack test: a line for each test that passed only
// when it was tried again, then the counts as one line.
// A file that fails before its first test, say at an import, counts as one failure: vitest counts none.
import { readFileSync } from "node:fs"

const text = readFileSync(process.argv[2], "utf8")
const report = text === "" ? { numPassedTests: 0, numFailedTests: 1, testResults: [] } : JSON.parse(text)
const broken = report.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((result) => result.status === "failed"),
)
// The report has no count of tries, but it keeps the failures of those before the last.
const retried = report.testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status, failureMessages }) => status === "passed" && failureMessages?.length > 0)
    .map(({ fullName, failureMessages }) => ({ name, fullName, message: failureMessages[0].split("\n")[0] })),
)
for (const { name, fullName, message } of retried) {
  console.log(`passed only when tried again: ${name}: ${fullName} (${message})`)
}
console.log(`${report.numPassedTests} passed, ${report.numFailedTests + broken.length} failed`)
