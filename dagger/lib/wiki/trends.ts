import type { ImageManifest } from "../manifest/manifestData.js"
import { ecosystems } from "../manifest/manifestData.js"
import { formatReference, parseReference } from "../reference/reference.js"
import { formatBytes, formatDuration } from "../text/format.js"
import { plainText } from "../text/markdown.js"
import type { ImageFigures, WikiRow } from "./wikiIndex.js"

/** How one figure of an image went from run to run. */
export interface TrendLine {
  /** What it is: `Unpacked size`. */
  readonly label: string
  /** Oldest first; a run that did not know it has none. */
  readonly values: readonly (number | undefined)[]
  /** A value with its unit. */
  readonly format: (value: number) => string
}

/** How an image went from run to run. */
export interface ImageTrend {
  /** Last part of its repository. */
  readonly name: string
  /** Days of the first and the last run. */
  readonly from: string
  readonly to: string
  readonly runs: number
  readonly lines: readonly TrendLine[]
}

/** The rows of a wiki's index, newest first. */
interface KnownRuns {
  readonly rows: readonly WikiRow[]
}

/** Runs that a picture shows: more are too narrow to be told apart. */
const mostRuns = 50
/** Images that the picture on the home page shows. */
const mostImages = 20
/** A single run is no trend. */
const fewestRuns = 2

/** The figures of an image that are followed. */
export function figuresOf({ size, buildSeconds, tests, packages }: ImageManifest): ImageFigures {
  const lists = ecosystems.flatMap((ecosystem) => packages[ecosystem] ?? [])
  const counted = lists.flatMap((list) => (list.kind === "listed" ? [list.packages.length] : []))
  return {
    ...(size.unpacked !== undefined && { bytes: size.unpacked }),
    ...(buildSeconds !== undefined && { buildSeconds }),
    ...(tests !== undefined && { tests: tests.passed }),
    ...(counted.length > 0 && { packages: counted.reduce((sum, count) => sum + count, 0) }),
  }
}

const followed: readonly (Pick<TrendLine, "label" | "format"> & { readonly key: keyof ImageFigures })[] = [
  { key: "bytes", label: "Unpacked size", format: formatBytes },
  { key: "buildSeconds", label: "Build", format: (seconds) => formatDuration(seconds * 1000) },
  { key: "tests", label: "Tests passed", format: String },
  { key: "packages", label: "Packages", format: String },
]

/**
 * How the image of a reference went over the last runs that the index knows, those of earlier quarters among them.
 * @returns nothing where there are too few
 */
export function trendOf({ rows }: KnownRuns, reference: string): ImageTrend | undefined {
  const wanted = withoutVersion(reference)
  const points = rows
    .flatMap((row) => pointsOf(row).filter((point) => point.image === wanted))
    .slice(0, mostRuns)
    .toReversed()
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || points.length < fewestRuns) return undefined
  const lines = followed.map(({ key, label, format }) => ({
    label,
    format,
    values: points.map(({ figures }) => figures[key]),
  }))
  const { path } = parseReference(reference)
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    from: first.day,
    to: last.day,
    runs: points.length,
    lines: lines.filter(({ values }) => values.some((value) => value !== undefined)),
  }
}

/** How the images of the newest run went. */
export function trendsOfNewest(index: KnownRuns): readonly ImageTrend[] {
  const newest = index.rows.find(({ kind }) => kind === "publish")
  const trends = newest?.images?.flatMap(({ reference }) => trendOf(index, reference) ?? []) ?? []
  return trends.slice(0, mostImages)
}

/** One image of one run. */
interface Point {
  /** As `withoutVersion` has it. */
  readonly image: string
  readonly day: string
  readonly figures: ImageFigures
}

function pointsOf({ at = "", images = [] }: WikiRow): readonly Point[] {
  return images.flatMap(({ reference, figures }) =>
    figures === undefined || Object.keys(figures).length === 0
      ? []
      : [{ image: withoutVersion(reference), day: at.slice(0, 10), figures }],
  )
}

/** What stays the same from quarter to quarter: the tag `2026.4-main` without its version, the tag `py3.12-main` whole. */
function withoutVersion(reference: string): string {
  const { registry, path, tag = "" } = parseReference(reference)
  return `${formatReference({ registry, path })} ${tag.replace(/(?<![\w.])\d+(?:\.\d+)+-/, "")}`
}

/** A trend as a sentence, for those who do not see its picture. */
export function describeTrend({ name, from, to, runs, lines }: ImageTrend): string {
  const figures = lines.map(({ label, values, format }) => {
    const known = values.filter((value) => value !== undefined)
    const [first = 0, last = 0] = [known[0], known.at(-1)]
    return `${label} ${format(first)} to ${format(last)}`
  })
  return `${name}, ${runs} runs from ${from} to ${to}: ${figures.join(", ")}`
}

/** A picture of trends in Markdown. @param address from the wiki's root */
export function trendImage(trends: readonly ImageTrend[], address: string): string {
  return `![${plainText(trends.map(describeTrend).join("; "))}](${address})`
}
