import { formatBytes, formatDuration, shortDigest } from "../text/format.js"
import type { TestResult } from "../testing/testRun.js"
import { isFailure } from "../testing/testRun.js"
import { escapeCell, fenced, folded } from "../text/markdown.js"
import type { ImageReport, StackReport } from "./report.js"
import { describeOutcome, describeRetries, describeTests, isFailed, isOk } from "./report.js"
import { describePublished, elapsedOf } from "./summary.js"
import { renderTimeline } from "./timeline.js"

/** report.md: what GitHub shows as the job's summary. Long output is folded; nothing is lost, the logs have all. */
export function renderMarkdown(report: StackReport): string {
  if (report.skippedByRequest !== undefined) return `# Skipped by request\n\n${report.skippedByRequest}\n`
  const sections = [
    `# ${isOk(report) ? "Passed" : "Failed"}: ${report.tag}`,
    renderSource(report),
    escapeCell(describePublished(report)),
    renderTable(report.images),
    ...report.images.filter(isFailed).map(renderFailure),
    renderReasons(report.images),
    ...[renderTimeline(report)].filter((chart) => chart !== ""),
    ...renderSlowest(report.images),
    ...renderNotices(report),
    renderReproduction(report),
  ]
  return `${sections.join("\n\n")}\n`
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

function renderSource({ source, milliseconds }: StackReport): string {
  const commit = source.commit === undefined ? "no commit known" : `commit \`${source.commit.slice(0, 12)}\``
  const subject =
    source.message === undefined ? "" : ` "${escapeCell(source.message.split("\n", 1)[0] ?? "")}"`
  const dirty = source.dirty ? ", with uncommitted changes" : ""
  return `${commit}${subject} on \`${source.branch}\`${dirty}; ${formatDuration(milliseconds)}`
}

function renderTable(images: readonly ImageReport[]): string {
  const rows = images.map((image) => {
    const digest = image.digest === undefined ? "" : `\`${shortDigest(image.digest)}\``
    const size = image.unpackedBytes === undefined ? "" : formatBytes(image.unpackedBytes)
    const time = image.steps.length === 0 ? "" : formatDuration(elapsedOf(image))
    const mark = isFailed(image) ? "❌" : image.outcome.kind === "untested" ? "⚠️" : "✅"
    const cells = [
      `${mark} ${image.name}`,
      image.action,
      escapeCell(describeOutcome(image.outcome)),
      describeTests(image.suites),
      time,
      size,
      digest,
    ]
    return `| ${cells.join(" | ")} |`
  })
  return [
    "| image | plan | outcome | tests | time | size | digest |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n")
}

function renderFailure(image: ImageReport): string {
  const { outcome } = image
  const output =
    outcome.kind === "build-failed" || outcome.kind === "publish-failed"
      ? [foldedOutput(outcome.message)]
      : []
  const tests = image.suites
    .flatMap((suite) => suite.run.tests)
    .filter(isFailure)
    .map(renderTest)
  const broken = image.suites.flatMap(({ run }) => ("message" in run ? [foldedOutput(run.message)] : []))
  const logs = image.logs.length === 0 ? [] : [`Logs: ${image.logs.map((log) => `\`${log}\``).join(", ")}`]
  return [
    `## ${image.name}: ${escapeCell(describeOutcome(outcome))}`,
    ...output,
    ...broken,
    ...tests,
    ...logs,
  ].join("\n\n")
}

function renderTest(test: TestResult): string {
  const printed = test.output === "" ? "" : `\n\n${test.output}`
  return folded(
    `${test.outcome}: ${test.id} (${formatDuration(test.seconds * 1000)})`,
    fenced(test.message + printed),
  )
}

function foldedOutput(text: string): string {
  const lines = text.trimEnd().split("\n")
  return lines.length <= 10 ? fenced(text) : folded(`output, ${lines.length} lines`, fenced(text))
}

function renderReasons(images: readonly ImageReport[]): string {
  const lines = images.flatMap((image) =>
    image.reasons.map((reason) => `- **${image.name}** ${image.action}: ${escapeCell(reason)}`),
  )
  return `## Why\n\n${lines.join("\n")}`
}

/** The five slowest tests of the run: where time goes is worth a look even when all is green. */
function renderSlowest(images: readonly ImageReport[]): readonly string[] {
  const tests = images.flatMap((image) =>
    image.suites.flatMap((suite) => suite.run.tests.map((test) => ({ image: image.name, ...test }))),
  )
  const slowest = tests.sort((a, b) => b.seconds - a.seconds).slice(0, 5)
  if (slowest.length === 0) return []
  const rows = slowest.map(
    (test) => `| ${formatDuration(test.seconds * 1000)} | ${test.image} | \`${escapeCell(test.id)}\` |`,
  )
  return [["## Slowest tests", "", "| time | image | test |", "| --- | --- | --- |", ...rows].join("\n")]
}

function renderNotices(report: StackReport): readonly string[] {
  const own = report.images.flatMap((image) =>
    image.notices.map((notice) => `- ${image.name}: ${escapeCell(notice)}`),
  )
  const retries = describeRetries(report.retries).map((retry) => `- ${escapeCell(retry)}`)
  const lines = [...report.notices.map((notice) => `- ${escapeCell(notice)}`), ...own, ...retries]
  return lines.length === 0 ? [] : [`## Notes\n\n${lines.join("\n")}`]
}
