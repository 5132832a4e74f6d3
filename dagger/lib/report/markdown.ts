import { formatBytes, formatDuration, listOf, plural, shortDigest } from "../text/format.js"
import type { TestResult } from "../testing/testRun.js"
import { isFailure } from "../testing/testRun.js"
import { codeCell, codeSpan, escapeCell, fenced, folded, table } from "../text/markdown.js"
import type { Review } from "../review/review.js"
import { renderReview } from "../review/reviewMarkdown.js"
import { bytesOf, fitting, shortened } from "./fit.js"
import { failedParts, imageRows, partsOf, platformsOfReport } from "./platforms.js"
import type { ImageReport, StackReport } from "./report.js"
import { describeOutcome, describeRetries, describeTests, isFailed, isOk } from "./report.js"
import { describePublished, elapsedOf } from "./summary.js"
import { renderTimeline } from "./timeline.js"

/**
 * Bytes of report.md: GitHub takes a mebibyte as a job's summary and shows nothing of a longer one. What does not fit
 * is in the logs.
 */
const mostBytes = 512 * 1024
/** Bytes for the reasons, and for the notes: a line each. */
const listBytes = 48 * 1024
/** Bytes for what changes against another branch: its first parts are the table. */
const reviewBytes = 128 * 1024

/**
 * report.md: what GitHub shows as the job's summary. Long output is folded, and what would make the page too long is
 * left out block by block, with a word; nothing is lost, the logs have all.
 */
export function renderMarkdown(report: StackReport): string {
  if (report.skippedByRequest !== undefined)
    return `# Skipped by request\n\n${escapeCell(report.skippedByRequest)}\n`
  const head = [
    `# ${isOk(report) ? "Passed" : "Failed"}: ${report.tag}`,
    renderSource(report),
    escapeCell(describePublished(report)),
    renderTable(report.images),
    ...renderFurtherTags(report.images),
    ...(report.review === undefined ? [] : fittingReview(report.review)),
  ]
  const tail = [
    renderReasons(report.images),
    ...[renderTimeline(report)].filter((chart) => chart !== ""),
    ...renderSlowest(report.images),
    ...renderNotices(report),
    renderReproduction(report),
  ]
  const room = mostBytes - bytesOf([...head, ...tail].join("\n\n"))
  const sections = [...head, ...renderFailures(report.images.flatMap(failedParts), room), ...tail]
  return `${sections.join("\n\n")}\n`
}

/** A section for each image, of equal shares of the room: one with many failures does not take that of the others. */
function renderFailures(images: readonly ImageReport[], room: number): readonly string[] {
  const share = Math.floor(room / images.length)
  const blocks = images.map((image) => fittedFailure(image, share))
  return fitting(blocks, room, (count) => `${plural(count, "more failed image")}: see the table.`)
}

/** The last block of the page is the command, and nothing else. */
function renderReproduction({ source, reproduce }: StackReport): string {
  const dirty = source.dirty ? ", with the uncommitted changes" : ""
  const where =
    source.commit === undefined ? "In the same source:" : `In a checkout of ${source.commit}${dirty}:`
  const artifacts =
    "With this run's artifacts in a folder, `./stack reproduce FOLDER` checks that commit out and repeats the plan."
  return `## Reproduce\n\n${artifacts}\n\n${where}\n\n${fenced(reproduce, "sh")}`
}

/** Image by image, as far as there is room. */
function fittingReview(review: Review): readonly string[] {
  return fitting(
    renderReview(review),
    reviewBytes,
    (count) => `${plural(count, "more part")}: see review.json.`,
  )
}

function renderSource(report: StackReport): string {
  const { source, milliseconds } = report
  const commit =
    source.commit === undefined ? "no commit known" : `commit ${codeSpan(source.commit.slice(0, 12))}`
  const subject =
    source.message === undefined ? "" : ` "${escapeCell(source.message.split("\n", 1)[0] ?? "")}"`
  const dirty = source.dirty ? ", with uncommitted changes" : ""
  const platforms = platformsOfReport(report)
  const built = platforms.length === 0 ? "" : ` for ${listOf(platforms.map(codeSpan))}`
  return `${commit}${subject} on ${codeSpan(source.branch)}${dirty}${built}; ${formatDuration(milliseconds)}`
}

function renderTable(images: readonly ImageReport[]): string {
  const shown = images.flatMap((image) => imageRows(image, "↳ "))
  const rows = shown.map((image) => {
    const digest = image.digest === undefined ? "" : codeSpan(shortDigest(image.digest))
    const size = image.unpackedBytes === undefined ? "" : formatBytes(image.unpackedBytes)
    const time = image.steps.length === 0 ? "" : formatDuration(elapsedOf(image))
    const mark = isFailed(image) ? "❌" : image.outcome.kind === "untested" ? "⚠️" : "✅"
    const outcome = escapeCell(shortWords(describeOutcome(image.outcome)))
    return [`${mark} ${image.name}`, image.action, outcome, describeTests(image.suites), time, size, digest]
  })
  return table(["image", "plan", "outcome", "tests", "time", "size", "digest"], rows)
}

/** Nothing where the run gave none. */
function renderFurtherTags(images: readonly ImageReport[]): readonly string[] {
  const lines = images.flatMap(({ name, furtherTags = [] }) =>
    furtherTags.length === 0 ? [] : [`- **${name}** ${furtherTags.map(codeSpan).join(", ")}`],
  )
  return lines.length === 0 ? [] : [`## Further tags\n\n${fittingLines(lines)}`]
}

/** What failed in an image: what it is and where its logs are in any case, then its tests as far as they fit. */
function fittedFailure(image: ImageReport, bytes: number): string {
  const { outcome, suites, logs } = image
  const outputs = [
    ...("message" in outcome ? [outcome.message] : []),
    ...suites.flatMap(({ run }) => ("message" in run ? [run.message] : [])),
  ]
  const most = Math.min(longestOutput, Math.floor(bytes / 8))
  const files = logs.length === 0 ? [] : [`Logs: ${logs.map(codeSpan).join(", ")}`]
  const head = [
    `## ${escapeCell(image.name)}: ${escapeCell(shortWords(describeOutcome(outcome)))}`,
    ...outputs.map((text) => foldedOutput(shortened(text, most))),
  ]
  const tests = suites
    .flatMap((suite) => suite.run.tests)
    .filter(isFailure)
    .map((test) => renderTest(test, most))
  const room = bytes - bytesOf([...head, ...files].join("\n\n")) - 4
  const shown = fitting(
    tests,
    room,
    (count) => `${plural(count, "more failed test")}: the logs and the JUnit file have all.`,
  )
  return [...head, ...shown, ...files].join("\n\n")
}

/** Characters that are shown of one output; a character is at most three bytes here. */
const longestOutput = 20_000

function renderTest(test: TestResult, characters: number): string {
  const printed = test.output === "" ? "" : `\n\n${test.output}`
  return folded(
    `${test.outcome}: ${shortWords(test.id)} (${formatDuration(test.seconds * 1000)})`,
    fenced(shortened(test.message + printed, characters)),
  )
}

/** A sentence for a table or a title: what an image says in it may be as long as it likes. */
function shortWords(text: string): string {
  return text.length <= 400 ? text : `${text.slice(0, 400)}...`
}

function foldedOutput(text: string): string {
  const lines = text.trimEnd().split("\n")
  return lines.length <= 10 ? fenced(text) : folded(`output, ${lines.length} lines`, fenced(text))
}

function renderReasons(images: readonly ImageReport[]): string {
  const lines = images
    .flatMap(partsOf)
    .flatMap((image) =>
      image.reasons.map((reason) => `- **${image.name}** ${image.action}: ${escapeCell(shortWords(reason))}`),
    )
  return `## Why\n\n${fittingLines(lines)}`
}

/** The five slowest tests of the run: where time goes is worth a look even when all is green. */
function renderSlowest(images: readonly ImageReport[]): readonly string[] {
  const tests = images
    .flatMap(partsOf)
    .flatMap((image) =>
      image.suites.flatMap((suite) => suite.run.tests.map((test) => ({ image: image.name, ...test }))),
    )
  const slowest = tests.sort((a, b) => b.seconds - a.seconds).slice(0, 5)
  if (slowest.length === 0) return []
  const rows = slowest.map(({ seconds, image, id }) => [
    formatDuration(seconds * 1000),
    image,
    codeCell(shortWords(id)),
  ])
  return [`## Slowest tests\n\n${table(["time", "image", "test"], rows)}`]
}

function renderNotices(report: StackReport): readonly string[] {
  const own = report.images.flatMap((image) =>
    image.notices.map((notice) => `- ${image.name}: ${escapeCell(shortWords(notice))}`),
  )
  const retries = describeRetries(report.retries).map((retry) => `- ${escapeCell(shortWords(retry))}`)
  const lines = [...report.notices.map((notice) => `- ${escapeCell(shortWords(notice))}`), ...own, ...retries]
  return lines.length === 0 ? [] : [`## Notes\n\n${fittingLines(lines)}`]
}

function fittingLines(lines: readonly string[]): string {
  return fitting(lines, listBytes, (count) => `- and ${count} more, in report.json`).join("\n")
}
