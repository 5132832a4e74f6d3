import type { PytestLog, PytestRun } from "./pytestLog.js"
import { decisiveRun } from "./pytestLog.js"
import type { Judgement, ObstacleReason } from "./verdict.js"

/** How a command on the login host ended, or why that is not known. */
export type RemoteEnd =
  | { readonly kind: "exited"; readonly status: number }
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "broken"; readonly reason: ObstacleReason; readonly detail: string }

/**
 * Judges a GPU test. Exit status 0 alone says nothing (the cluster's launch script ends with 0 whatever pytest
 * said) and a summary alone neither: both must speak for the image.
 * @param closingWords the last line of the output that complains, else its last line: a failed launch says why there
 */
export function judge(end: RemoteEnd, log: PytestLog, closingWords: string): Judgement {
  const run = decisiveRun(log)
  const counts = run === undefined ? {} : { counts: run.counts }
  if (end.kind === "broken")
    return { kind: "could-not-run", reason: end.reason, detail: end.detail, ...counts }
  if (run === undefined) return judgeWithoutSummary(end, log, closingWords)
  const judgement = judgeRun(run, log)
  if (judgement.kind !== "passed" || succeeded(end)) return judgement
  return { kind: "failed", reason: "exit-status", detail: endInWords(end), counts: run.counts }
}

function judgeWithoutSummary(end: Ended, log: PytestLog, closingWords: string): Judgement {
  const said = closingWords === "" ? endInWords(end) : `${endInWords(end)}: ${closingWords}`
  if (log.collectionFailed) return { kind: "failed", reason: "collection-error", detail: said }
  if (succeeded(end)) return { kind: "could-not-run", reason: "no-summary", detail: closingWords }
  if (signalOf(end) !== undefined) {
    return { kind: "failed", reason: "killed", detail: endInWords(end) }
  }
  if (log.started) return { kind: "failed", reason: "crashed", detail: said }
  return { kind: "could-not-run", reason: "launch-failed", detail: said }
}

function judgeRun(run: PytestRun, log: PytestLog): Judgement {
  const { counts } = run
  const failed = { kind: "failed", counts } as const
  if (run.collectionFailed) return { ...failed, reason: "collection-error" }
  if (run.crashed) return { ...failed, reason: "crashed", detail: "pytest reported an internal error" }
  if (counts.failed > 0) return { ...failed, reason: "tests-failed" }
  if (counts.errors > 0) return { ...failed, reason: "test-errors" }
  if (run.interrupted !== undefined) return { ...failed, reason: "interrupted", detail: run.interrupted }
  if (log.unfinished !== undefined) return { ...failed, reason: "crashed", detail: log.unfinished }
  if (log.coverageFailure !== undefined) {
    return { ...failed, reason: "exit-status", detail: log.coverageFailure }
  }
  if (counts.passed > 0) return { kind: "passed", reason: "tests-passed", counts }
  if (counts.xfailed + counts.xpassed > 0) return { ...failed, reason: "none-passed" }
  if (counts.skipped > 0) return { ...failed, reason: "all-skipped" }
  return { ...failed, reason: "no-tests", ...(log.usageError !== undefined && { detail: log.usageError }) }
}

type Ended = Exclude<RemoteEnd, { kind: "broken" }>

function succeeded(end: Ended): boolean {
  return end.kind === "exited" && end.status === 0
}

/** Signals by number (POSIX and Linux) that end jobs, as shells report them: 128 and the number. */
const signals: ReadonlyMap<number, string> = new Map([
  [1, "HUP"],
  [2, "INT"],
  [3, "QUIT"],
  [4, "ILL"],
  [6, "ABRT"],
  [7, "BUS"],
  [8, "FPE"],
  [9, "KILL"],
  [11, "SEGV"],
  [15, "TERM"],
])

function signalOf(end: Ended): string | undefined {
  return end.kind === "signalled" ? end.signal : signals.get(end.status - 128)
}

function endInWords(end: Ended): string {
  const signal = signalOf(end)
  if (end.kind === "signalled") return `ended by signal ${end.signal}`
  return signal === undefined ? `exit status ${end.status}` : `exit status ${end.status}, signal ${signal}`
}
