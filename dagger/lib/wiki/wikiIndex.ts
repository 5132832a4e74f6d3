import * as z from "zod"
import { sourceCommitSchema } from "../manifest/manifestData.js"
import { rowKey } from "./homeRow.js"

const indexVersion = 1

const figures = z.object({
  /** Of its file system, unpacked. */
  bytes: z.number().optional(),
  buildSeconds: z.number().optional(),
  /** That have passed. */
  tests: z.number().optional(),
  packages: z.number().optional(),
})

/** Figures of an image that are followed from run to run; what a run did not know is missing. */
export type ImageFigures = z.infer<typeof figures>

const image = z.object({
  reference: z.string(),
  digest: z.string().optional(),
  /** Missing in rows of earlier versions. */
  figures: figures.optional(),
})

const row = z.object({
  /** The row as it stands on a page, to the byte. */
  line: z.string(),
  /** What follows is missing in rows that people or the old pipeline wrote. */
  kind: z.enum(["publish", "promote"]).optional(),
  at: z.string().optional(),
  commit: sourceCommitSchema.optional(),
  images: z.array(image).optional(),
})

/** One row of `Home.md` or of an archive page. */
export type WikiRow = z.infer<typeof row>

const stable = z.object({
  at: z.string(),
  images: z.array(z.object({ reference: z.string(), from: z.string(), digest: z.string() })),
})

/** What production uses: the content of `Stable_Tag.md`. */
export type GlobalStable = z.infer<typeof stable>

const index = z.object({
  version: z.literal(indexVersion),
  /** Newest first. */
  rows: z.array(row),
  stable: stable.optional(),
})

/** The machine-readable index of a wiki. */
export type WikiIndex = z.infer<typeof index>

/** A wiki whose data cannot be read, or does not hold what a change needs; nothing was written. */
export class WikiProblem extends Error {
  override readonly name = "WikiProblem"
}

/**
 * Reads the index; a wiki without one (the old pipeline's, or an empty one) has none of its rows.
 * @throws WikiProblem
 */
export function parseIndex(json: string | undefined, path: string): WikiIndex {
  if (json === undefined) return { version: indexVersion, rows: [] }
  try {
    return index.parse(JSON.parse(json))
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error)
    throw new WikiProblem(`${path} of the wiki cannot be read; repair it or take an older one: ${reason}`)
  }
}

/** The index as JSON, a value a line. */
export function formatIndex(value: WikiIndex): string {
  return `${JSON.stringify(value, null, 1)}\n`
}

/**
 * Takes over what stands on a page: rows that the index does not know get in where they stand among the others, and
 * a known row is kept as the page has it, so that what people or the old pipeline wrote stays to the byte. A row that
 * is missing on the page stays: the index is the truth.
 */
export function adoptRows(rows: readonly WikiRow[], lines: readonly string[]): readonly WikiRow[] {
  const known = new Map<string, number[]>()
  for (const [position, { line }] of rows.entries()) {
    const key = rowKey(line)
    const positions = known.get(key) ?? []
    positions.push(position)
    known.set(key, positions)
  }
  const result = rows.map((each): WikiRow[] => [each])
  const first: WikiRow[] = []
  // What is new goes behind the row that stands before it on the page, with all that got in there already.
  let behind = first
  for (const line of lines) {
    const position = known.get(rowKey(line))?.shift()
    const place = position === undefined ? undefined : result[position]
    if (place === undefined) {
      behind.push({ line })
      continue
    }
    place[0] = { ...place[0], line }
    behind = place
  }
  return [...first, ...result.flat()]
}

/**
 * Adds a row on top; where one with the same key is there already, that one stays and learns the facts. A run whose
 * images are all those of the newest row about them, to the digest, has nothing to tell.
 */
export function addRow(rows: readonly WikiRow[], added: WikiRow): readonly WikiRow[] {
  const key = rowKey(added.line)
  const known = rows.findIndex((each) => rowKey(each.line) === key)
  if (known === -1) return tellsNothingNew(rows, added) ? rows : [added, ...rows]
  return rows.map((each, position) =>
    position === known ? { ...added, line: each.line, at: each.at ?? added.at } : each,
  )
}

function tellsNothingNew(rows: readonly WikiRow[], added: WikiRow): boolean {
  const names = referencesOf(added)
  const newest = rows.find((row) => referencesOf(row) === names)
  const digests = added.images?.map(({ digest }) => digest) ?? []
  return (
    newest?.images !== undefined &&
    digests.every((digest, index) => digest !== undefined && digest === newest.images?.[index]?.digest)
  )
}

/** The images of a row as one text; undefined for rows of people and of the old pipeline. */
function referencesOf({ images }: WikiRow): string | undefined {
  return images?.map(({ reference }) => reference).join(" ")
}
