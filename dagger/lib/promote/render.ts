import { renderSetDiff } from "../manifest/diffMarkdown.js"
import { codeCell, codeSpan, plainText, table } from "../text/markdown.js"
import { describeRetry } from "../registry/traffic.js"
import { formatBytes, plural, shortDigest } from "../text/format.js"
import { journalRepository, journalTag } from "./journal.js"
import { describePromotion, isPromotionOk } from "./report.js"
import type { PromotionLine, PromotionReport } from "./report.js"

/** The report for people; GitHub shows it as the job's summary. */
export function renderPromotionMarkdown(report: PromotionReport): string {
  const { verb, to, images, outcome, gate } = report
  const sections = [
    `# ${isPromotionOk(report) ? "✅" : "❌"} ${verb} ${codeSpan(to)}`,
    outcome.kind === "refused" ? "Refused, and nothing was written:" : describePromotion(report),
    ...(outcome.kind === "refused" ? [bullets(outcome.problems.map(plainText))] : []),
    ...(outcome.kind === "half-done" ? [bullets(outcome.tags.map(stateLine))] : []),
    ...(images.length > 0 ? [table(["image", "from", "digest", "before", ""], images.map(row))] : []),
    ...(gate === undefined ? [] : [`GPU test: ${plainText(gate)}.`]),
    ...(report.notices.length > 0 ? [bullets(report.notices.map(plainText))] : []),
    ...takeBack(report),
    ...trafficLines(report),
    ...differenceLines(report),
  ]
  return `${sections.join("\n\n")}\n`
}

function row({ name, from, digest, previous, moves }: PromotionLine): readonly string[] {
  const shown = (each: string | undefined) => (each === undefined ? "none" : codeCell(shortDigest(each)))
  const step = digest === undefined ? "missing" : moves ? "moves" : "is there"
  return [codeCell(name), codeCell(from), shown(digest), shown(previous), step]
}

function stateLine({
  reference,
  digest,
  unknown,
}: {
  reference: string
  digest?: string
  unknown?: string
}): string {
  if (unknown !== undefined) return `${codeSpan(reference)}: not known (${plainText(unknown)})`
  return digest === undefined
    ? `${codeSpan(reference)}: none`
    : `${codeSpan(reference)} names ${codeSpan(digest)}`
}

function takeBack({ verb, outcome, journal, to }: PromotionReport): readonly string[] {
  // A rollback of a rollback changes nothing: what undoes it is a promotion.
  if (verb === "rollback" || journal === undefined || !["promoted", "half-done"].includes(outcome.kind))
    return []
  const { registry, path } = journalRepository(journal.entries)
  const kept = codeSpan(`${registry}/${path}:${journalTag(to)}`)
  return [
    `To take it back: ${codeSpan(`./stack rollback --source=. --tag=${to}`)}. The journal is kept at ${kept}.`,
  ]
}

function trafficLines({ traffic, images }: PromotionReport): readonly string[] {
  if (traffic === undefined) return []
  const { requests, sent, received, retries } = traffic
  const sum = `${plural(requests, "request")} for ${plural(images.length, "image")}, ${formatBytes(sent + received)}.`
  const lines = retries.map((retry) => plainText(describeRetry(retry)))
  return lines.length === 0 ? [sum] : [sum, bullets(lines)]
}

function differenceLines({ differences, to }: PromotionReport): readonly string[] {
  if (differences === undefined) return []
  const { images, notices } = differences
  return [
    `## What changes under ${codeSpan(to)}`,
    ...(images.length > 0 ? [renderSetDiff(images)] : []),
    ...(notices.length > 0 ? [bullets(notices.map(plainText))] : []),
  ]
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n")
}
