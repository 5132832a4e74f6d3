import { formatBytes, formatDuration, listOf, plural, shortDigest } from "../text/format.js"
import { cleanLine } from "../text/cleanText.js"
import type { Colour, Screen } from "../text/screen.js"
import { alignedTable, painted, plainScreen } from "../text/screen.js"
import { secretOptions, shellCommand, shellQuote } from "../text/shell.js"
import type { TestResult } from "../testing/testRun.js"
import { isFailure } from "../testing/testRun.js"
import { excerptOfOutput, excerptOfTest, outputOfStep } from "./excerpt.js"
import type { ImagePart } from "./platforms.js"
import { failedParts, imageRows } from "./platforms.js"
import type { ImageReport, StackReport } from "./report.js"
import { describeOutcome, describeRetries, describeTests, isFailed, isOk } from "./report.js"

/** What a summary is written for. */
export interface SummaryView extends Screen {
  /** Folder that holds the artifacts; without one the reader is told how to get them. */
  readonly kept?: string
}

/** Failed tests of an image that are shown with their output; of more only the names. */
const shownTests = 3

/**
 * The run as text for a terminal or a file: a row per image, what failed with the lines that matter, how to repeat it,
 * and at last one line of verdict.
 */
export function renderSummary(report: StackReport, view: SummaryView = plainScreen): string {
  if (report.skippedByRequest !== undefined) return `skipped by request: ${report.skippedByRequest}\n`
  const notes = [...report.notices, ...describeRetries(report.retries)]
  const blocks = [
    summaryTable(report.images, view),
    ...report.images.flatMap(failedParts).map((image) => failureBlock(report, image, view)),
    notes.map((note) => `note: ${cleanLine(note)}`),
    endLines(report, view),
  ]
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`
}

/** Milliseconds between the start of an image's first step and the end of its last. */
export function elapsedOf(image: ImageReport): number {
  if (image.steps.length === 0) return 0
  const start = Math.min(...image.steps.map((step) => step.startedAt))
  return Math.max(...image.steps.map((step) => step.startedAt + step.milliseconds)) - start
}

function summaryTable(images: readonly ImageReport[], view: SummaryView): readonly string[] {
  const shown = images.flatMap((image) => imageRows(image, "  "))
  const rows = [["image", "plan", "tests", "time", "size", "outcome"], ...shown.map(summaryRow)]
  return alignedTable(rows, view, (cell, row, column) => {
    const image = shown[row - 1]
    if (image === undefined) return painted(view, "faint", cell)
    if (column !== 5) return cell
    return painted(view, colourOf(image), cell)
  })
}

/** What nobody asked for is neither good nor bad. */
function colourOf(image: ImageReport): Colour {
  if (isFailed(image)) return "red"
  if (image.outcome.kind === "not-needed") return "faint"
  return image.outcome.kind === "untested" ? "yellow" : "green"
}

function summaryRow(image: ImageReport): readonly string[] {
  const time = image.steps.length === 0 ? "-" : formatDuration(elapsedOf(image))
  const size = image.unpackedBytes === undefined ? "-" : formatBytes(image.unpackedBytes)
  const outcome = cleanLine(describeOutcome(image.outcome))
  return [image.name, image.action, describeTests(image.suites), time, size, outcome]
}

/** An image that failed: its tests with the lines that matter, where its logs are, and what repeats it. */
function failureBlock(report: StackReport, image: ImagePart, view: SummaryView): readonly string[] {
  const title = `${image.name}: ${cleanLine(describeOutcome(image.outcome))}`
  if (image.outcome.kind === "skipped") return [painted(view, "red", title)]
  const failed = image.suites.flatMap((suite) => suite.run.tests).filter(isFailure)
  const more = failed.slice(shownTests).map((test) => `  ${test.outcome}: ${cleanLine(test.id)}`)
  return [
    painted(view, "red", title),
    ...failed.slice(0, shownTests).flatMap((test) => testLines(test, view)),
    ...more,
    ...brokenLines(image, view),
    ...logLines(image, view),
    `  again: ${repeatCommand(report, image, failed)}`,
  ]
}

function testLines(test: TestResult, view: SummaryView): readonly string[] {
  const title = `  ${test.outcome}: ${cleanLine(test.id)}`
  return [painted(view, "bold", title), ...quoted(excerptOfTest(test), view)]
}

/** What a build, a push or a broken test driver said. */
function brokenLines({ outcome, suites }: ImageReport, view: SummaryView): readonly string[] {
  const broken = suites.flatMap(({ run }) => ("message" in run ? [excerptOfOutput(run.message)] : []))
  if (outcome.kind === "build-failed" || outcome.kind === "check-failed" || outcome.kind === "publish-failed")
    broken.push(outputOfStep(outcome.message))
  return broken.flatMap((lines) => quoted(lines, view))
}

function quoted(lines: readonly string[], view: SummaryView): readonly string[] {
  return lines.map(
    (line) =>
      `    ${painted(view, "faint", "|")} ${/^(?:E |>)/.test(line) ? painted(view, "red", line) : line}`,
  )
}

function logLines({ logs }: ImageReport, { kept }: SummaryView): readonly string[] {
  return logs.map((log) => `  log: ${kept === undefined ? log : shellQuote(`${kept}/${log}`)}`)
}

/** The shortest call that does again what failed. */
function repeatCommand(report: StackReport, image: ImagePart, failed: readonly TestResult[]): string {
  if (report.request.function !== "build-stack") return report.reproduce
  const set = report.request.arguments.filter((option) => option.startsWith("--set="))
  const secrets = secretOptions(report.request.secrets)
  const platform = image.part === undefined ? [] : [`--platform=${image.part.platform}`]
  const name = image.part === undefined ? image.name : image.name.replace(/ \(.*$/, "")
  if (failed.length === 0) {
    const only = [`--only=${name}`, ...platform]
    return shellCommand(["./stack", "build-stack", "--source=.", ...only, ...set, ...secrets])
  }
  const names = [...new Set(failed.slice(0, shownTests).map(({ id }) => functionOf(id)))]
  const filter = names.every((name) => /^\w+$/.test(name)) ? [`--filter=${names.join(" or ")}`] : []
  const ref =
    image.action === "retest" && image.digest !== undefined
      ? [`--ref=${image.reference.replace(/:[^:/]*$/, "")}@${image.digest}`]
      : secrets
  return shellCommand([
    "./stack",
    "test-image",
    "--source=.",
    `--image=${name}`,
    ...platform,
    ...filter,
    ...set,
    ...ref,
  ])
}

/** `test_sum` of `left/test/test_sum.py::TestSums::test_sum[1-2]`: what pytest's `-k` finds it by. */
function functionOf(id: string): string {
  return (id.split("[", 1)[0] ?? id).split("::").at(-1) ?? id
}

/** Where the logs are, what repeats the run, and the verdict as the last line. */
function endLines(report: StackReport, view: SummaryView): readonly string[] {
  const verdict = painted(view, isOk(report) ? "green" : "red", closingLine(report))
  const where =
    view.kept === undefined
      ? 'report and logs: add "artifacts export --path=out" to the call'
      : `report and logs: ${shellQuote(view.kept)}`
  if (isOk(report)) return view.kept === undefined ? [verdict] : [where, verdict]
  const commit = report.source.commit === undefined ? "" : ` (commit ${report.source.commit.slice(0, 12)})`
  return [where, `reproduce${commit}: ${report.reproduce}`, verdict]
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
  const where = published
    .map(({ reference, furtherTags = [], digest = "" }) => {
      const further = furtherTags.length === 0 ? "" : ` (also ${listOf(furtherTags)})`
      return `${reference}${further} ${shortDigest(digest)}`
    })
    .join(", ")
  return `published: ${where === "" ? "nothing" : where}${describeCandidates(report)}`
}

function describeCandidates({ candidatesOnly, images }: StackReport): string {
  const unsigned = images.filter((image) => image.unsigned === true).length
  if (unsigned > 0) return `; ${plural(unsigned, "candidate")} to be signed first`
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
