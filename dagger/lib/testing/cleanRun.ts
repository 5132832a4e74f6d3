import { cleanDocument, cleanLine } from "../text/cleanText.js"
import type { TestRun } from "./testRun.js"

/** A run whose texts may be shown: what tests printed is clean text, and their names are one line each. */
export function cleanRun(run: TestRun): TestRun {
  const clean = cleanDocument(run)
  return { ...clean, tests: clean.tests.map((test) => ({ ...test, id: cleanLine(test.id) })) }
}
