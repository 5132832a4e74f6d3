import type { PytestCollection } from "./pytestCollection.js"
import { missingTests, parseCollection } from "./pytestCollection.js"
import type { PytestSummary } from "./pytestSummary.js"
import { parseSummaryLine } from "./pytestSummary.js"

/** One run of pytest that reached its summary. */
export interface PytestRun extends PytestSummary {
  /** Why it ended early (`KeyboardInterrupt`, `session-timeout: 60.0 sec exceeded`), or that its counts say so. */
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
  /** Why a session that collected tests is not known to have run them all, whatever other runs say. */
  readonly unfinished?: string
  /** pytest-cov's line where the coverage is below its limit: then pytest fails though no test did. */
  readonly coverageFailure?: string
  /** pytest's last complaint about its own arguments (`file or directory not found: ...`). */
  readonly usageError?: string
}

/** Runs kept of one log; a log with more has long ceased to be a test's. */
const maximalRuns = 1000
// Terminal control sequences (ECMA-48 CSI) and operating system commands; pods with a terminal print them.
// eslint would rather not see control characters in an expression, so it is built from text.
const controlSequences = new RegExp("\\u001b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\\u0007\\u001b]*\\u0007?)", "g")
const collectionTexts =
  /^_+ ERROR collecting .+ _+$|^(?:E +)?ImportError while loading conftest |Interrupted: \d+ errors? during collection/
const startTexts =
  /^=+ test session starts =+$|^collect(?:ed \d+ items?|ing \.\.\.)|^ImportError while loading conftest |\[ *\d{1,3}%\]$|^INTERNALERROR> /

/** A session of pytest that has not been closed by its summary yet. */
interface OpenSession {
  collection?: PytestCollection
}

/** Reads a log line by line, so that a long one need not be kept. */
export class PytestLogReader {
  private runs: PytestRun[] = []
  /** Sessions within sessions, as tests of pytest's plug-ins have them, or after one that ended without a summary. */
  private readonly open: OpenSession[] = []
  /** Runs whose counts are not of all tests of the session: tests print such summaries, and early ends have them. */
  private readonly partial = new WeakMap<PytestRun, OpenSession>()
  private started = false
  private usageError: string | undefined
  private coverageFailure: string | undefined
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
    const unfinished = this.unfinished()
    return {
      started: this.started || this.runs.length > 0,
      collectionFailed: this.collectionFailed,
      runs: [...this.runs],
      ...(unfinished !== undefined && { unfinished }),
      ...(this.coverageFailure !== undefined && { coverageFailure: this.coverageFailure }),
      ...(this.usageError !== undefined && { usageError: this.usageError }),
    }
  }

  private unfinished(): string | undefined {
    const [first] = this.open
    if (first === undefined) return undefined
    const { collection } = first
    const what = collection === undefined ? "" : ` that collected ${collection.items} tests`
    return `a session of pytest${what} came to no summary of all its tests`
  }

  private readPlain(line: string): void {
    if (line === "") return
    const summary = parseSummaryLine(line)
    if (summary !== undefined) {
      this.finishRun(summary, line)
      return
    }
    if (startTexts.test(line)) this.started = true
    if (collectionTexts.test(line)) this.collectionFailed = true
    if (line.startsWith("INTERNALERROR> ")) this.crashed = true
    if (line.startsWith("ERROR: ")) this.usageError = line.slice("ERROR: ".length)
    if (/^(?:FAIL Required test coverage|ERROR: Coverage failure)/.test(line)) this.coverageFailure = line
    this.readSession(line)
    const banner = bannerOf(line)
    if (banner !== undefined) this.interrupt(banner)
  }

  private readSession(line: string): void {
    if (/^=+ test session starts =+$/.test(line) && this.open.length < maximalRuns) {
      this.open.push({})
      return
    }
    const collection = parseCollection(line)
    if (collection === undefined) return
    if (this.open.length === 0) this.open.push({})
    const session = this.open.at(-1)
    // Whatever tests print later is not the session's.
    if (session !== undefined) session.collection ??= collection
  }

  /** With a status of its own, `pytest.exit` prints its banner after the summary of the run that it ends. */
  private interrupt(banner: string): void {
    const last = this.runs.at(-1)
    if (this.open.length > 0 || last === undefined) this.interrupted ??= banner
    else this.runs[this.runs.length - 1] = { ...last, interrupted: last.interrupted ?? banner }
  }

  private finishRun(summary: PytestSummary, line: string): void {
    const run: PytestRun = {
      ...summary,
      crashed: this.crashed,
      collectionFailed: this.collectionFailed,
      ...(this.interrupted !== undefined && { interrupted: this.interrupted }),
    }
    this.interrupted = undefined
    this.crashed = false
    this.collectionFailed = false
    this.keep(isBad(run) ? this.close(run) : this.compared(run, line))
  }

  /** What tests printed before the session's own summary does not count any more. */
  private close(run: PytestRun): PytestRun {
    const session = this.open.pop()
    if (session !== undefined) this.runs = this.runs.filter((one) => this.partial.get(one) !== session)
    return run
  }

  /** Closes the session where the run's counts are those of its tests; else notes what is missing. */
  private compared(run: PytestRun, line: string): PytestRun {
    const session = this.open.at(-1)
    if (session?.collection === undefined || / tests? collected\b/.test(line)) return this.close(run)
    const missing = missingTests(session.collection, run.counts)
    if (missing === undefined) return this.close(run)
    const partial = { ...run, interrupted: missing }
    this.partial.set(partial, session)
    return partial
  }

  private keep(run: PytestRun): void {
    this.runs.push(run)
    // A failure among the first must not be forgotten: what is dropped is the oldest clean run.
    if (this.runs.length <= maximalRuns) return
    const clean = this.runs.findIndex((one) => !isBad(one))
    this.runs.splice(clean === -1 ? 1 : clean, 1)
  }
}

/**
 * The words between exclamation marks by which pytest and its plug-ins say that a session ends early, whatever they
 * are. Long words get one mark on each side only, and words of several lines have their last marks on another line.
 */
function bannerOf(line: string): string | undefined {
  if (!line.startsWith("!")) return undefined
  const marks = /^!+/.exec(line)?.[0].length ?? 0
  if (line.charAt(marks) !== " ") return undefined
  const words = line.slice(marks + 1).replace(/ !+$/, "")
  const isFenced = line.endsWith(" !") || marks >= 3
  return isFenced || /^(?:_pytest\.outcomes\.)?Exit: /.test(words) ? words.trim() : undefined
}

/** The logs of two streams of one command as one; the second one's last run is the last. */
export function mergeLogs(first: PytestLog, second: PytestLog): PytestLog {
  return {
    ...first,
    ...second,
    started: first.started || second.started,
    collectionFailed: first.collectionFailed || second.collectionFailed,
    ...(first.unfinished !== undefined && { unfinished: first.unfinished }),
    ...(first.coverageFailure !== undefined && { coverageFailure: first.coverageFailure }),
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
