// node tests/summary.mjs REPORT.json: the counts of a vitest report as one line, for ./stack test.
// A file that fails before its first test, say at an import, counts as one failure: vitest counts none.
import { readFileSync } from "node:fs"

const text = readFileSync(process.argv[2], "utf8")
const report = text === "" ? { numPassedTests: 0, numFailedTests: 1, testResults: [] } : JSON.parse(text)
const broken = report.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((result) => result.status === "failed"),
)
console.log(`${report.numPassedTests} passed, ${report.numFailedTests + broken.length} failed`)
