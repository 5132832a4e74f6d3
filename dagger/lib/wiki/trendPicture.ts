import type { ImageTrend, TrendLine } from "./trends.js"
import { describeTrend } from "./trends.js"

// Drawn by hand: a chart library is larger than the whole module, and wants a page to draw on.

/** A box of a picture, in its pixels. */
interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const margin = 16
const gap = 24
/** Of a panel: its head, and below the curve the days. */
const head = 24
const foot = 20
const onPage = { width: 360, height: 140 }
const onHome = { width: 170, height: 64 }
/** Room for an image's name, above its panels. */
const nameHeight = 24

/** Colours of both kinds of page, with a ground of its own: a page may be dark where the reader's system is not. */
const style = `
.ground { fill: #ffffff; stroke: #d1d9e0 }
text { fill: #1f2328; font: 12px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
.name { font-weight: 600; font-size: 14px }
.last { font-weight: 600 }
.quiet { fill: #59636e; font-size: 11px }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.curve { stroke: #0969da; stroke-width: 2; fill: none; stroke-linejoin: round }
.dot { fill: #0969da }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117; stroke: #3d444d }
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .curve { stroke: #4493f8 }
  .dot { fill: #4493f8 }
}
`

/** The trend of one image as an SVG: a panel for each figure, with its extremes and days. */
export function renderTrend(trend: ImageTrend): string {
  const columns = 2
  const panels = trend.lines.map((line, index) => {
    const box = {
      ...onPage,
      x: margin + (index % columns) * (onPage.width + gap),
      y: margin + Math.floor(index / columns) * (onPage.height + gap),
    }
    return panel(line, box, trend)
  })
  const rows = Math.ceil(trend.lines.length / columns)
  const width = 2 * margin + columns * onPage.width + gap
  return picture([trend], width, 2 * margin + rows * (onPage.height + gap) - gap, panels)
}

/** The trends of several images as an SVG: a line of small panels for each. */
export function renderTrends(trends: readonly ImageTrend[]): string {
  const lineHeight = nameHeight + onHome.height + gap
  const images = trends.map((trend, row) => {
    const y = margin + row * lineHeight
    const days = `${trend.runs} runs, ${trend.from} to ${trend.to}`
    const panels = trend.lines.map((line, column) =>
      panel(line, { ...onHome, x: margin + column * (onHome.width + gap), y: y + nameHeight }),
    )
    const width = 4 * onHome.width + 3 * gap
    return [
      label(trend.name, margin, y + 14, "name"),
      label(days, margin + width, y + 14, "quiet", "end"),
      ...panels,
    ].join("\n")
  })
  const width = 2 * margin + 4 * onHome.width + 3 * gap
  return picture(trends, width, 2 * margin + trends.length * lineHeight - gap, images)
}

function picture(
  trends: readonly ImageTrend[],
  width: number,
  height: number,
  parts: readonly string[],
): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
  const title = `Trends of ${trends.map(({ name }) => name).join(", ")}`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title desc">
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(trends.map(describeTrend).join("; "))}</desc>
<style>${style}</style>
<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${parts.join("\n")}
</svg>
`
}

/** One figure: what it is, its last value, and its curve; with days below where they are given. */
function panel(line: TrendLine, box: Box, days?: Pick<ImageTrend, "from" | "to">): string {
  const known = line.values.filter((value) => value !== undefined)
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const last = known.at(-1) ?? 0
  const { x, y, width } = box
  const curve = { x, y: y + head, width, height: box.height - head - (days === undefined ? 0 : foot) }
  const below = y + box.height - 4
  return [
    label(line.label, x, y + 12),
    label(line.format(last), x + width, y + 12, "last", "end"),
    ...(days === undefined
      ? []
      : [
          grid(curve, curve.y),
          grid(curve, curve.y + curve.height),
          label(days.from, x, below, "quiet"),
          label(rangeText(line, low, high), x + width / 2, below, "quiet", "middle"),
          label(days.to, x + width, below, "quiet", "end"),
        ]),
    ...curves(line.values, curve, low, high),
  ].join("\n")
}

function rangeText({ format }: TrendLine, low: number, high: number): string {
  return low === high ? `always ${format(low)}` : `${format(low)} to ${format(high)}`
}

function grid({ x, width }: Box, y: number): string {
  return `<line class="grid" x1="${x}" y1="${y}" x2="${x + width}" y2="${y}"/>`
}

/** A line for each stretch of known values, and a dot for the last one, and for those that stand alone. */
function curves(
  values: readonly (number | undefined)[],
  { x, y, width, height }: Box,
  low: number,
  high: number,
): readonly string[] {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  const heightOf = (value: number): number => (high === low ? 0.5 : (value - low) / (high - low))
  const points = values.map((value, index) =>
    value === undefined
      ? undefined
      : ([rounded(x + index * step), rounded(y + height * (1 - heightOf(value)))] as const),
  )
  const stretches = stretchesOf(points)
  const last = points.findLast((point) => point !== undefined)
  const lone = stretches.flatMap((stretch) => (stretch.length === 1 ? stretch : []))
  return [
    ...stretches
      .filter((stretch) => stretch.length > 1)
      .map(
        (stretch) =>
          `<polyline class="curve" points="${stretch.map((point) => point.join(",")).join(" ")}"/>`,
      ),
    ...[...lone, ...(last === undefined || lone.includes(last) ? [] : [last])].map(
      ([cx, cy]) => `<circle class="dot" cx="${cx}" cy="${cy}" r="3.5"/>`,
    ),
  ]
}

function stretchesOf<T>(points: readonly (T | undefined)[]): readonly (readonly T[])[] {
  const stretches: T[][] = [[]]
  for (const point of points) {
    if (point === undefined) stretches.push([])
    else stretches.at(-1)?.push(point)
  }
  return stretches.filter((stretch) => stretch.length > 0)
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function label(text: string, x: number, y: number, kind = "", anchor = "start"): string {
  const look = kind === "" ? "" : ` class="${kind}"`
  return `<text${look} x="${rounded(x)}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>`
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}
