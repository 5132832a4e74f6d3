import { changesIn, renderImageDiff, sizeChange, summaryOf } from "../manifest/diffMarkdown.js"
import type { ManifestTests } from "../manifest/manifestData.js"
import { formatDuration, listOf, plural } from "../text/format.js"
import { codeSpan, plainText, table } from "../text/markdown.js"
import type { Review, ReviewedImage, TestChange } from "./review.js"

/** The section of a report: a table of the images that change, and the packages of each. Nothing for those that do not. */
export function renderReview({ against, images }: Review): readonly string[] {
  const changed = images.filter(({ kind }) => kind !== "same")
  const same = images.filter(({ kind }) => kind === "same").map(({ name }) => plainText(name))
  const heading = `## What changes against ${codeSpan(against)}`
  const rest = same.length === 0 ? [] : [`The same as there: ${listOf(same)}.`]
  if (changed.length === 0)
    return [heading, images.length === 0 ? "No image of this run is known." : "No image."]
  const rows = table(["image", "packages", "unpacked", "layers", "tests", "this run"], changed.map(rowOf))
  return [heading, rows, ...rest, ...changed.flatMap(detailOf)]
}

function rowOf(image: ReviewedImage): readonly string[] {
  const name = plainText(image.name)
  switch (image.kind) {
    case "same":
      return [name, "the same", "", "", "", ""]
    case "new":
      return [name, "**new image**", "", "", "", formatDuration(image.milliseconds)]
    case "unknown":
      return [name, "not known", "", "", "", ""]
    case "compared":
      return [
        name,
        summaryOf(image.diff.ecosystems),
        sizeChange(image.diff.unpacked) ?? "not known",
        image.layers === undefined ? "" : arrow(String(image.layers.from), String(image.layers.to)),
        testsText(image.tests),
        image.milliseconds === 0 ? "" : formatDuration(image.milliseconds),
      ]
  }
}

function testsText({ from, to }: TestChange): string {
  if (to === undefined) return from === undefined ? "" : `${countText(from)} before`
  return from === undefined ? countText(to) : arrow(countText(from), countText(to))
}

function countText({ passed, failed, errors }: ManifestTests): string {
  const bad = failed + errors
  return bad === 0 ? `${passed} passed` : `${passed} passed, ${bad} failed`
}

function arrow(from: string, to: string): string {
  return from === to ? to : `${from} → ${to}`
}

function detailOf(image: ReviewedImage): readonly string[] {
  if (image.kind === "unknown") return [`- ${plainText(image.name)}: ${plainText(image.why)}`]
  if (image.kind !== "compared" || changesIn(image.diff) === 0) return []
  return [
    `### ${plainText(image.name)}: ${plural(changesIn(image.diff), "package")}`,
    renderImageDiff(image.diff),
  ]
}
