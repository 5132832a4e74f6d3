import type { StackReport } from "../dagger/lib/report/report.js"
import { renderSummary } from "../dagger/lib/report/summary.js"

const columns = 100
const cell = { width: 8.4, height: 18 }
const margin = 16
/** Colours of a terminal by the code that sets them (SGR of ECMA-48). */
const colours: Readonly<Record<string, string>> = {
  "1": 'font-weight="bold"',
  "2": 'fill="#8b949e"',
  "31": 'fill="#ff7b72"',
  "32": 'fill="#7ee787"',
  "33": 'fill="#e3b341"',
}

/**
 * What `./stack` shows at the end of a run, as an SVG: the report is that of a real run (docs/picture/report.json), the
 * text what this version makes of it.
 */
export function terminalPicture(report: StackReport): string {
  const kept = "/home/me/.local/state/stack/images-3811717/build-stack"
  const text = renderSummary(report, { columns, colour: true, kept })
  const lines = ["$ ./stack build-stack", ...text.trimEnd().split("\n").flatMap(wrapped)]
  const width = Math.ceil(columns * cell.width + 2 * margin)
  const height = lines.length * cell.height + 2 * margin
  const rows = lines.map(
    (line, row) => `<text x="${margin}" y="${margin + (row + 0.75) * cell.height}">${spans(line)}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" xml:space="preserve">`,
    "<title>A run of ./stack build-stack in which a test fails</title>",
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    '<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14" fill="#e6edf3">',
    ...rows,
    "</g>",
    "</svg>",
    "",
  ].join("\n")
}

const escape = "\u001b"

/** A terminal goes on in the next row; only lines in one colour, or none, are that long. */
function wrapped(line: string): readonly string[] {
  const match = new RegExp(`^(${escape}\\[\\d+m)([^${escape}]*)(${escape}\\[0m)$`).exec(line)
  const [, before = "", text = line, after = ""] = match ?? []
  if (text.includes(escape) || text.length <= columns) return [line]
  const rows = text.match(new RegExp(`.{1,${columns}}`, "g")) ?? []
  return rows.map((row) => `${before}${row}${after}`)
}

function spans(line: string): string {
  const parts = line.split(new RegExp(`${escape}\\[(\\d+)m`))
  let style = ""
  return parts
    .map((part, index) => {
      if (index % 2 === 0) return part === "" ? "" : styled(xmlText(part), style)
      style = colours[part] ?? ""
      return ""
    })
    .join("")
}

function styled(text: string, style: string): string {
  return style === "" ? `<tspan>${text}</tspan>` : `<tspan ${style}>${text}</tspan>`
}

function xmlText(text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
  // Blanks that follow each other would be one in an SVG; not every viewer knows xml:space, and not every one these.
  return escaped.replaceAll(" ", "\u00a0")
}
