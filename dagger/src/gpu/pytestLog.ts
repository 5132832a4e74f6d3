import type { PytestSummary } from "./pytestSummary.js"
import { parseSummaryLine } from "./pytestSummary.js"

/** One run of pytest that reached its summary. */
export interface PytestRun extends PytestSummary {
  /** Why it ended early (`KeyboardInterrupt`, `Interrupted: 1 error during collection`). */
  readonly interrupted?: string
  /** pytest itself failed (`INTERNALERROR>`). */
  readonly crashed: boolean
  /** A test module could not be imported. */
  readonly collectionFailed: boolean
}

/** What a log shows of pytest: no run at all, one, or several after each other. */
export interface PytestLog {
  /** pytest's own output was seen, even if it never came to a summary. */
  readonly started: boolean
  /** A module or `conftest.py` could not be imported, and pytest ended without a summary. */
  readonly collectionFailed: boolean
  readonly runs: readonly PytestRun[]
  /** pytest's last complaint about its own arguments (`file or directory not found: ...`). */
  readonly usageError?: string
}

/** Runs kept of one log; a log with more has long ceased to be a test's. */
const maximalRuns = 1000
// Terminal control sequences (ECMA-48 CSI) and operating system commands; pods with a terminal print them.
// eslint would rather not see control characters in an expression, so it is built from text.
const controlSequences = new RegExp("\\u001b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\\u0007\\u001b]*\\u0007?)", "g")
const bannerTexts = /Interrupted: |^KeyboardInterrupt$|^stopping after |^_pytest\.outcomes\.Exit: /
const collectionTexts =
  /^_+ ERROR collecting .+ _+$|^(?:E +)?ImportError while loading conftest |Interrupted: \d+ errors? during collection/
const startTexts =
  /^=+ test session starts =+$|^collect(?:ed \d+ items?|ing \.\.\.)|^ImportError while loading conftest |\[ *\d{1,3}%\]$|^INTERNALERROR> /

/** Reads a log line by line, so that a long one need not be kept. */
export class PytestLogReader {
  private readonly runs: PytestRun[] = []
  private started = false
  private usageError: string | undefined
  private interrupted: string | undefined
  private crashed = false
  private collectionFailed = false

  /** Takes the next line, with colours and without its line end. */
  read(raw: string): void {
    // A bare carriage return starts the line over, as progress displays do.
    for (const line of raw.replace(controlSequences, "").split("\r")) this.readPlain(line.trim())
  }

  /** What was seen so far. */
  get log(): PytestLog {
    return {
      started: this.started || this.runs.length > 0,
      collectionFailed: this.collectionFailed,
      runs: [...this.runs],
      ...(this.usageError !== undefined && { usageError: this.usageError }),
    }
  }

  private readPlain(line: string): void {
    if (line === "") return
    const summary = parseSummaryLine(line)
    if (summary !== undefined) {
      this.finishRun(summary)
      return
    }
    if (startTexts.test(line)) this.started = true
    if (collectionTexts.test(line)) this.collectionFailed = true
    if (line.startsWith("INTERNALERROR> ")) this.crashed = true
    const banner = /^!{3,} (.+) !{3,}$/.exec(line)?.[1]
    if (banner !== undefined && bannerTexts.test(banner)) this.interrupted = banner
    if (line.startsWith("ERROR: ")) this.usageError = line.slice("ERROR: ".length)
  }

  private finishRun(summary: PytestSummary): void {
    this.runs.push({
      ...summary,
      crashed: this.crashed,
      collectionFailed: this.collectionFailed,
      ...(this.interrupted !== undefined && { interrupted: this.interrupted }),
    })
    // A failure among the first must not be forgotten: what is dropped is the oldest clean run.
    if (this.runs.length > maximalRuns) {
      const clean = this.runs.findIndex((run) => !isBad(run))
      this.runs.splice(clean === -1 ? 1 : clean, 1)
    }
    this.interrupted = undefined
    this.crashed = false
    this.collectionFailed = false
  }
}

/** Reads a whole log. */
export function readPytestLog(text: string): PytestLog {
  const reader = new PytestLogReader()
  for (const line of text.split("\n")) reader.read(line)
  return reader.log
}

/** The logs of two streams of one command as one; the second one's last run is the last. */
export function mergeLogs(first: PytestLog, second: PytestLog): PytestLog {
  return {
    ...first,
    ...second,
    started: first.started || second.started,
    collectionFailed: first.collectionFailed || second.collectionFailed,
    runs: [...first.runs, ...second.runs],
  }
}

/**
 * The run that decides over a log: the first that speaks against the image, else the last. A clean run after a
 * failed one does not excuse it, and a test that prints a summary of its own cannot stand in for the real one.
 */
export function decisiveRun(log: PytestLog): PytestRun | undefined {
  return log.runs.find(isBad) ?? log.runs.at(-1)
}

function isBad({ counts, interrupted, crashed, collectionFailed }: PytestRun): boolean {
  return counts.failed + counts.errors > 0 || interrupted !== undefined || crashed || collectionFailed
}
