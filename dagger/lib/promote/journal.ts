import * as z from "zod"
import type { ImagePlace } from "../reference/imagePlace.js"
import { isTagPrefix, samePlace, underTag } from "../reference/imagePlace.js"
import type { ImageReference, Repository } from "../reference/reference.js"
import { InvalidReference, parseRepository } from "../reference/reference.js"
import { labels } from "../registry/labels.js"
import type { Descriptor, Manifest } from "../registry/manifest.js"
import { readManifest } from "../registry/manifest.js"
import { mediaTypes } from "../registry/mediaTypes.js"

/**
 * Versions of the document; raised when a reader of the older form would misread the newer one. 2: several images of one
 * repository, told apart by what their tags begin with.
 */
const journalVersions = [1, 2] as const

function isRepository(text: string): boolean {
  try {
    parseRepository(text)
    return true
  } catch (error) {
    if (error instanceof InvalidReference) return false
    throw error
  }
}

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)

const journalEntry = z.object({
  /** Name of the image in the spec. */
  name: z.string(),
  /** Where it is published, without a tag. */
  repository: z.string().refine(isRepository, "no repository"),
  /** What its tags begin with, where it shares the repository with other images: `cuda12-`. */
  tagPrefix: z.string().refine(isTagPrefix).optional(),
  /** What the tag named before, and what that had been promoted from, where known; absent where there was no such tag. */
  previous: z.object({ digest, from: z.string().optional() }).optional(),
  /** What the tag is to name, and where that came from. */
  next: z.object({ digest, from: z.string() }),
})

const journalSchema = z.object({
  version: z.literal(journalVersions),
  /** Unique for each promotion. */
  id: z.string(),
  /** `undone`: of a promotion that failed and was taken back, where there was no earlier journal to put back. */
  kind: z.enum(["promotion", "rollback", "undone"]),
  /** ISO 8601. */
  at: z.string(),
  /** The tag that is given. */
  to: z.string(),
  /** The promotion that a rollback takes back. */
  undoes: z.string().optional(),
  entries: z.array(journalEntry).min(1),
})

/** What a promotion is going to write, and what was there before: enough to finish it or to take it back. */
export type Journal = Readonly<z.infer<typeof journalSchema>>

/** One image of a journal. */
export type JournalEntry = Journal["entries"][number]

/** The version of a journal with these entries: the oldest that tells all of them. */
export function journalVersionOf(entries: readonly JournalEntry[]): Journal["version"] {
  return entries.some(({ tagPrefix }) => tagPrefix !== undefined) ? 2 : 1
}

/** Where the image of an entry is published. @throws InvalidReference */
export function placeOfEntry({
  repository,
  tagPrefix,
}: Pick<JournalEntry, "repository" | "tagPrefix">): ImagePlace {
  return { ...parseRepository(repository), ...(tagPrefix !== undefined && { tagPrefix }) }
}

/** The reference that an entry is about. @param tag the journal's */
export function targetOfEntry(entry: JournalEntry, tag: string): ImageReference & { readonly tag: string } {
  return underTag(placeOfEntry(entry), tag)
}

/** The entry of an image. */
export function entryFor(journal: Journal, place: ImagePlace): JournalEntry | undefined {
  return journal.entries.find((entry) => samePlace(placeOfEntry(entry), place))
}

/** A text that is not a journal that this module can read. */
export class InvalidJournal extends Error {
  override readonly name = "InvalidJournal"
}

/** The journal as JSON, one value a line. */
export function formatJournal(journal: Journal): string {
  return `${JSON.stringify(journal, null, 1)}\n`
}

/**
 * Reads a journal.
 * @param origin where it is from, for the error
 * @throws InvalidJournal
 */
export function parseJournal(json: string, origin = "the journal"): Journal {
  let document: unknown
  try {
    document = JSON.parse(json)
  } catch {
    throw new InvalidJournal(`${origin} is not JSON`)
  }
  const version = z.object({ version: z.number() }).safeParse(document)
  if (version.success && version.data.version > Math.max(...journalVersions)) {
    throw new InvalidJournal(
      `${origin} has version ${version.data.version}: use the newer program that wrote it`,
    )
  }
  const parsed = journalSchema.safeParse(document)
  if (parsed.success) return parsed.data
  throw new InvalidJournal(`${origin} is not a promotion's journal:\n${z.prettifyError(parsed.error)}`)
}

/**
 * The tag under which the registry itself keeps the journal of the promotions to a tag. No branch can have it: branch
 * tags start with a year.
 */
export function journalTag(to: string): string {
  return `journal-${to}`
}

/** Where the journal of a set is kept: in the repository of its first image. */
export function journalRepository(entries: readonly Pick<JournalEntry, "repository">[]): Repository {
  const [first] = entries
  if (first === undefined) throw new InvalidJournal("a journal has at least one entry")
  return parseRepository(first.repository)
}

/**
 * A journal in the form of an OCI image index: registries store it like any image, it needs no blobs of its own, and
 * the images that it lists are kept from being collected as garbage.
 * @param images manifests of the same repository
 */
export function journalManifest(
  journal: Journal,
  images: readonly Descriptor[],
): Pick<Manifest, "bytes" | "mediaType"> {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.map(({ mediaType, digest: each, size }) => ({ mediaType, digest: each, size })),
    annotations: { [labels.created]: journal.at, [labels.promotion]: JSON.stringify(journal) },
  }
  return { bytes: Buffer.from(JSON.stringify(document)), mediaType: mediaTypes.ociIndex }
}

/** The journal in an index. @throws InvalidJournal where it holds none, RegistryError where it is no index */
export function journalOf(manifest: Manifest, origin: string): Journal {
  const text = readManifest(manifest).annotations.get(labels.promotion)
  if (text === undefined) throw new InvalidJournal(`${origin} is not a promotion's journal`)
  return parseJournal(text, origin)
}
