import { stripVTControlCharacters } from "node:util"

/** What a text is written for: a terminal's width and colours, or a file. */
export interface Screen {
  /** Columns that a line of a table may take; 0 is without limit. */
  readonly columns: number
  readonly colour: boolean
}

/** A file or a pipe. */
export const plainScreen: Screen = { columns: 0, colour: false }

const codes = { bold: "1", faint: "2", red: "31", green: "32", yellow: "33" } as const

/** Colours of a terminal; SGR codes of ECMA-48. */
export type Colour = keyof typeof codes

/** The text in a colour, where the screen has colours. */
export function painted(screen: Screen, colour: Colour, text: string): string {
  return screen.colour && text !== "" ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text
}

/** Columns that a text takes; wide letters count as one, as most names have none. */
export function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

/** The text, cut where it is longer than there is room. */
export function cut(text: string, room: number): string {
  const letters = Array.from(text)
  return letters.length <= room ? text : `${letters.slice(0, Math.max(0, room - 1)).join("")}…`
}

/**
 * A line as lines that fit, broken at blanks; a word that is longer stays whole, so that an address can be copied. Lines
 * behind the first stand below the text of a list's item.
 */
export function wrapped(line: string, { columns }: Screen): readonly string[] {
  if (columns === 0 || width(line) <= columns) return [line]
  const [start = ""] = /^ *(?:- |\d+\. )?/.exec(line) ?? []
  const lines: string[] = []
  let current = start
  let isEmpty = true
  for (const word of line.slice(start.length).split(" ")) {
    const longer = isEmpty ? `${current}${word}` : `${current} ${word}`
    if (isEmpty || width(longer) <= columns) current = longer
    else {
      lines.push(current)
      current = `${" ".repeat(start.length)}${word}`
    }
    isEmpty = false
  }
  return [...lines, current]
}

/**
 * Cells below each other, the first row a header. Where a row is wider than the screen its last cell is cut.
 * @param paint colours a cell after its place is known
 */
export function alignedTable(
  rows: readonly (readonly string[])[],
  { columns }: Screen,
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): readonly string[] {
  const last = Math.max(0, ...rows.map((row) => row.length)) - 1
  const widths = Array.from({ length: last + 1 }, (_, column) =>
    rows.reduce((widest, row) => Math.max(widest, width(row[column] ?? "")), 0),
  )
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0)
  const room = columns === 0 ? Infinity : Math.max(12, columns - before)
  return rows.map((row, index) =>
    row
      .map((cell, column) => {
        const shown = column === last ? cut(cell, room) : cell
        return paint(shown, index, column) + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(shown)))
      })
      .join("  ")
      .trimEnd(),
  )
}
