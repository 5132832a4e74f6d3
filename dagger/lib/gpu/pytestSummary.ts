/** Tests by outcome, as the last line of a pytest run counts them. */
export interface PytestCounts {
  readonly passed: number
  readonly failed: number
  /** Errors outside the tests' own code: collection, set-up and tear-down. */
  readonly errors: number
  readonly skipped: number
  readonly xfailed: number
  readonly xpassed: number
  readonly deselected: number
}

/** The last line of a pytest run, read. */
export interface PytestSummary {
  readonly counts: PytestCounts
  /** Duration of the run as pytest measured it. */
  readonly seconds: number
}

/** Counts of a run in which nothing happened. */
export const noCounts: PytestCounts = {
  passed: 0,
  failed: 0,
  errors: 0,
  skipped: 0,
  xfailed: 0,
  xpassed: 0,
  deselected: 0,
}

/**
 * Reads pytest's summary line, with or without its fence of `=`: `== 1 failed, 2 passed in 0.05s ==`,
 * `no tests ran in 0.00s`, `1/2 tests collected (1 deselected) in 0.01s`. The format is that of
 * `TerminalReporter.build_summary_stats_line` and `format_session_duration` in pytest 5 to 9.
 * @param line without colours and line end
 * @returns undefined where the line is not one, half of one included
 */
export function parseSummaryLine(line: string): PytestSummary | undefined {
  const timed = /^(.+) in (\d{1,9}(?:\.\d{1,6})?)(?:s| seconds)(?: \([^()]*\))?$/.exec(withoutFence(line))
  if (timed === null) return undefined
  const [, body = "", seconds] = timed
  const counts = readCounts(body)
  return counts === undefined ? undefined : { counts, seconds: Number(seconds) }
}

function withoutFence(line: string): string {
  const fenced = /^=+ (.+) =+$/.exec(line)
  return fenced?.[1] ?? line
}

/** `no tests ran`, or what `--collect-only` prints: nothing ran, whatever was collected. */
const nothingRan = /^(?:no tests ran|(?:no|\d+(?:\/\d+)?) tests? collected(?: \(\d+ deselected\))?)$/

function readCounts(body: string): PytestCounts | undefined {
  const counts = { ...noCounts }
  let known = 0
  for (const part of body.split(", ")) {
    if (nothingRan.test(part)) {
      known++
      continue
    }
    const counted = /^(\d{1,9}) ([a-z][a-z ]*)$/.exec(part)
    if (counted === null) return undefined
    const [, number, word = ""] = counted
    const key = countedAs(word)
    if (key !== undefined) counts[key] += Number(number)
    if (key !== undefined || word.startsWith("warning")) known++
  }
  return known > 0 ? counts : undefined
}

/** Where a word of the summary is counted; words of plug-ins that speak of failure count as failures. */
function countedAs(word: string): keyof PytestCounts | undefined {
  if (Object.hasOwn(noCounts, word)) return word as keyof PytestCounts
  if (word.includes("error")) return "errors"
  if (word.includes("fail")) return "failed"
  return undefined
}
