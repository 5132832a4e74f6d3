import { table } from "../dagger/lib/text/markdown.js"
import type { Section } from "./part.js"

/** A section as Markdown that is also readable in a terminal. */
export function printSection({ title, header, rows, notes, goals }: Section): string {
  const marks = goals.map(
    ({ promise, found, met }) => `- ${met ? "met" : "**missed**"}: ${promise}; it is ${found}`,
  )
  const parts = [
    `## ${title}`,
    alignedTable(header, rows),
    ...(goals.length > 0 ? [marks.join("\n")] : []),
    ...notes,
  ]
  return `${parts.join("\n\n")}\n`
}

function alignedTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => (row[column] ?? "").length)),
  )
  const align = (row: readonly string[]) =>
    widths.map((width, column) => {
      const cell = row[column] ?? ""
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
  const columns = widths.map((_, column) => (column === 0 ? "l" : "r")).join("")
  return table(align(header), rows.map(align), columns)
}
