import { formatBytes, formatDuration, plural, shortDigest } from "../text/format.js"
import { isFailure } from "../testing/testRun.js"
import type { ImageReport, StackReport } from "./report.js"
import { describeOutcome, describeRetries, describeTests, isFailed, isOk } from "./report.js"

/** The run as plain text for a terminal: a row per image, then what failed and where its log is. */
export function renderSummary(report: StackReport): string {
  if (report.skippedByRequest !== undefined) return `skipped by request: ${report.skippedByRequest}\n`
  const rows = report.images.map(summaryRow)
  const details = report.images.filter(isFailed).flatMap(failureLines)
  const notes = [...report.notices, ...describeRetries(report.retries)]
  return [
    ...alignColumns([["image", "plan", "tests", "time", "size", "outcome"], ...rows]),
    ...(details.length > 0 ? ["", ...details] : []),
    ...(notes.length > 0 ? ["", ...notes.map((note) => `note: ${note}`)] : []),
    "",
    closingLine(report),
    ...(isOk(report)
      ? []
      : [
          `reproduce${report.source.commit === undefined ? "" : ` (commit ${report.source.commit.slice(0, 12)})`}: ${report.reproduce}`,
        ]),
    "",
  ].join("\n")
}

/** Milliseconds between the start of an image's first step and the end of its last. */
export function elapsedOf(image: ImageReport): number {
  if (image.steps.length === 0) return 0
  const start = Math.min(...image.steps.map((step) => step.startedAt))
  return Math.max(...image.steps.map((step) => step.startedAt + step.milliseconds)) - start
}

function summaryRow(image: ImageReport): readonly string[] {
  const time = image.steps.length === 0 ? "-" : formatDuration(elapsedOf(image))
  const size = image.unpackedBytes === undefined ? "-" : formatBytes(image.unpackedBytes)
  return [image.name, image.action, describeTests(image.suites), time, size, describeOutcome(image.outcome)]
}

function failureLines(image: ImageReport): readonly string[] {
  const failed = image.suites.flatMap((suite) => suite.run.tests).filter(isFailure)
  const tests = failed.map((test) => `  ${test.outcome}: ${test.id}`)
  const logs = image.logs.map((log) => `  log: ${log}`)
  return [`${image.name}: ${describeOutcome(image.outcome)}`, ...failureMessage(image), ...tests, ...logs]
}

function failureMessage({ outcome }: ImageReport): readonly string[] {
  if (outcome.kind !== "build-failed" && outcome.kind !== "check-failed" && outcome.kind !== "publish-failed")
    return []
  const lines = outcome.message.trimEnd().split("\n")
  // The start names the step, the end of its output says what went wrong.
  const kept = lines.length > 102 ? [...lines.slice(0, 2), "[...]", ...lines.slice(-100)] : lines
  return kept.map((line) => `  | ${line}`)
}

function closingLine(report: StackReport): string {
  const failed = report.images.filter(isFailed).length
  const verdict = failed === 0 ? "all good" : `${failed} of ${plural(report.images.length, "image")} not good`
  return `${verdict} in ${formatDuration(report.milliseconds)}; ${describePublished(report)}`
}

/** What is under the run's tag in the registry at its end; nothing else is called published. */
export function describePublished(report: StackReport): string {
  if (!report.publish) return "nothing published (no --publish)"
  const published = report.images.filter((image) => image.published)
  const where = published.map((image) => `${image.reference} ${shortDigest(image.digest ?? "")}`).join(", ")
  return `published: ${where === "" ? "nothing" : where}${describeCandidates(report)}`
}

function describeCandidates({ candidatesOnly, images }: StackReport): string {
  if (candidatesOnly === undefined) return ""
  const waiting = images.filter(
    (image) => isTried(image) && image.digest !== undefined && !image.published && !isFailed(image),
  )
  if (waiting.length === 0) return ""
  const [wait, them] = waiting.length === 1 ? ["waits", "it"] : ["wait", "them"]
  return `; ${plural(waiting.length, "candidate")} ${wait}: a run without --candidates-only tags ${them}`
}

/** Whether it was built or tested now: an image that only gets a tag is no candidate of this run. */
function isTried({ action }: ImageReport): boolean {
  return action === "build" || action === "retest"
}

function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  )
}
