import type { ImageDiff } from "../manifest/diff.js"
import { joinedDiff } from "../manifest/diff.js"
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
  return [heading, rows, ...rest, ...changed.flatMap((each) => detailOf(each, changed))]
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
        summaryOf(image.diff),
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

/** An image that changes on several platforms is told once, where the first of them is. */
function detailOf(image: ReviewedImage, all: readonly ReviewedImage[]): readonly string[] {
  if (image.kind === "unknown") return [`- ${plainText(image.name)}: ${plainText(image.why)}`]
  if (image.kind !== "compared") return []
  const { part } = image
  const platforms = all.flatMap((each) =>
    each.kind === "compared" && part !== undefined && each.part?.image === part.image
      ? [{ platform: each.part.platform, diff: each.diff }]
      : [],
  )
  if (part === undefined || platforms.length < 2) return blocksOf(image.name, image.diff)
  return platforms[0]?.diff === image.diff ? blocksOf(part.image, joinedDiff(part.image, platforms)) : []
}

function blocksOf(name: string, diff: ImageDiff): readonly string[] {
  const count = changesIn(diff)
  return count === 0 ? [] : [`### ${plainText(name)}: ${plural(count, "package")}`, renderImageDiff(diff)]
}
