import type { PytestCounts } from "./pytestSummary.js"

/** What a session of pytest said that it was going to run, before it ran it. */
export interface PytestCollection {
  /** Tests that were found, deselected ones included; each worker's, where pytest-xdist runs them. */
  readonly items: number
  /** Modules that were skipped as a whole: the summary counts each as a skipped test. */
  readonly skippedModules: number
  /** Workers of pytest-xdist; their items are told without the deselected ones. */
  readonly workers?: number
}

/**
 * Reads the line that tells what was collected: `collected 3 items / 1 deselected / 2 selected`, and pytest-xdist's
 * `2 workers [3 items]` or `gw0 [3] / gw1 [3]`. The formats are those of `TerminalReporter.report_collect` in pytest 5
 * to 9 and of xdist's `TerminalDistReporter`.
 * @param line without colours and line end
 * @returns undefined where the line is not one
 */
export function parseCollection(line: string): PytestCollection | undefined {
  const collected = /^collected (\d{1,9}) items?((?: \/ \d{1,9} [a-z]+)*)$/.exec(line)
  if (collected !== null) {
    const [, items, parts = ""] = collected
    return { items: Number(items), skippedModules: Number(/ (\d+) skipped/.exec(parts)?.[1] ?? 0) }
  }
  const workers = /^(\d{1,6}) workers? \[(\d{1,9}) items?\]$/.exec(line)
  if (workers !== null) return { items: Number(workers[2]), skippedModules: 0, workers: Number(workers[1]) }
  const named = /^gw\d{1,6} \[(\d{1,9})\](?: \/ gw\d{1,6} \[\d{1,9}\])*$/.exec(line)
  if (named === null) return undefined
  return { items: Number(named[1]), skippedModules: 0, workers: line.split(" / ").length }
}

/**
 * Why a summary is not that of all collected tests; undefined where it is. Skipped ones may be more than tests, as
 * subtests are counted there.
 */
export function missingTests(collection: PytestCollection, counts: PytestCounts): string | undefined {
  const { items, skippedModules, workers } = collection
  const { passed, failed, errors, xfailed, xpassed, skipped, deselected } = counts
  const ended = passed + failed + errors + xfailed + xpassed
  const most = ended + skipped - skippedModules
  const wanted = workers === undefined ? items - deselected : items
  if (ended <= wanted && most >= wanted) return undefined
  // With xdist's --dist=each, every worker runs all tests.
  if (workers !== undefined && most === workers * items) return undefined
  return `${wanted} tests were to run, ${most} are in pytest's summary`
}
