import { codeCell, plainText, table } from "../text/markdown.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import type { TagForm } from "../tag/branchTag.js"
import type { ManifestStore } from "../registry/client.js"
import { imageLabels } from "../registry/imageFacts.js"
import type { ImageStore } from "../registry/imageFacts.js"
import { labels } from "../registry/labels.js"
import { shortDigest } from "../text/format.js"
import { entryFor, journalTag, targetOfEntry } from "./journal.js"
import type { Journal, JournalEntry } from "./journal.js"
import type { PromotedImage } from "./promotion.js"
import { knownMessage, readRegister } from "./survey.js"
import { globalStable, globalStableTags } from "./tags.js"

/** Since when a tag names its digest. */
export type Since =
  | { readonly kind: "at"; readonly at: string }
  /** It did already when this journal was written. */
  | { readonly kind: "before"; readonly at: string }
  /** No journal knows this digest. */
  | { readonly kind: "unknown" }

/** What one image's tag names now. */
export interface ImageStatus {
  readonly name: string
  readonly reference: string
  /** Absent where there is no such tag, or it could not be asked. */
  readonly digest?: string
  readonly since?: Since
  /** The reference that was promoted, where the journal knows it. */
  readonly from?: string
  /** Commit that the image was built from. */
  readonly commit?: string
  readonly problem?: string
}

/** What the images of one promoted tag are now. */
export interface TagStatus {
  readonly tag: string
  /**
   * `none`: no such tag; `whole`: what the last promotion or rollback wrote; `interrupted`: it was killed between two
   * writes; `moved`: somebody else wrote a tag since; `untracked`: tags without a journal; `unknown`: not all answered.
   */
  readonly state: "none" | "whole" | "interrupted" | "moved" | "untracked" | "unknown"
  /** The last promotion or rollback. */
  readonly journal?: Journal
  readonly images: readonly ImageStatus[]
  readonly problems: readonly string[]
}

/** The stable images of a quarter, and those in production. */
export interface StatusReport {
  readonly version: 1
  readonly tags: readonly TagStatus[]
}

/**
 * Asks what the stable tags name now.
 * @param prefix `<year>.<quarter>`, or a version
 * @param form of the stack's tags
 * @throws InputError for a prefix of another form
 */
export async function status(
  images: readonly PromotedImage[],
  prefix: string,
  store: ManifestStore & ImageStore,
  form: TagForm = "quarter",
): Promise<StatusReport> {
  const tags = [globalStable, globalStableTags(prefix, form).from]
  return { version: 1, tags: await Promise.all(tags.map((tag) => tagStatus(images, tag, store))) }
}

async function tagStatus(
  images: readonly PromotedImage[],
  tag: string,
  store: ManifestStore & ImageStore,
): Promise<TagStatus> {
  const [first] = images
  const problems: string[] = []
  let journal: Journal | undefined
  try {
    if (first !== undefined) {
      journal = (await readRegister(store, { ...first.repository, tag: journalTag(tag) })).journal
    }
  } catch (error) {
    problems.push(knownMessage(error))
  }
  const found = await Promise.all(images.map((image) => imageStatus(image, tag, journal, store)))
  const all = [...problems, ...found.flatMap(({ problem }) => problem ?? [])]
  const state = stateOf(found, journal, all)
  return { tag, state, ...(journal !== undefined && { journal }), images: found, problems: all }
}

async function imageStatus(
  { name, repository }: PromotedImage,
  tag: string,
  journal: Journal | undefined,
  store: ImageStore,
): Promise<ImageStatus> {
  const named = underTag(repository, tag)
  const reference = formatReference(named)
  try {
    const image = await imageLabels(store, named)
    if (image === undefined) return { name, reference }
    const entry = journal === undefined ? undefined : entryFor(journal, repository)
    const commit = image.labels.get(labels.revision)
    return {
      name,
      reference,
      digest: image.digest,
      ...historyOf(image.digest, entry, journal?.at ?? ""),
      ...(commit !== undefined && { commit }),
    }
  } catch (error) {
    return { name, reference, problem: knownMessage(error) }
  }
}

function historyOf(
  digest: string,
  entry: JournalEntry | undefined,
  at: string,
): Pick<ImageStatus, "since" | "from"> {
  if (entry?.next.digest === digest) {
    const kind = entry.previous?.digest === digest ? "before" : "at"
    return { since: { kind, at }, from: entry.next.from }
  }
  if (entry?.previous?.digest !== digest) return { since: { kind: "unknown" } }
  const { from } = entry.previous
  return { since: { kind: "before", at }, ...(from !== undefined && { from }) }
}

function stateOf(
  images: readonly ImageStatus[],
  journal: Journal | undefined,
  problems: readonly string[],
): TagStatus["state"] {
  if (problems.length > 0) return "unknown"
  if (images.every(({ digest }) => digest === undefined)) return "none"
  if (journal === undefined) return "untracked"
  const known = images.flatMap(({ reference, digest }) => {
    const entry = journal.entries.find(
      (each) => reference === formatReference(targetOfEntry(each, journal.to)),
    )
    return entry === undefined ? [] : [{ entry, digest }]
  })
  if (known.every(({ entry, digest }) => digest === entry.next.digest)) return "whole"
  const isOld = ({ entry, digest }: (typeof known)[number]) => digest === entry.previous?.digest
  return known.every((each) => isOld(each) || each.digest === each.entry.next.digest)
    ? "interrupted"
    : "moved"
}

/** The report for people. */
export function renderStatusMarkdown({ tags }: StatusReport): string {
  return `${tags.map(renderTag).join("\n\n")}\n`
}

function renderTag({ tag, state, journal, images, problems }: TagStatus): string {
  const header = ["image", "digest", "since", "from", "commit"]
  const rows = images.map(({ name, digest, since, from, commit }) => [
    codeCell(name),
    digest === undefined ? "none" : codeCell(shortDigest(digest)),
    sinceInWords(since),
    codeCell(from ?? ""),
    codeCell(commit?.slice(0, 7) ?? ""),
  ])
  const lines = [`## ${tag}`, stateInWords(state, journal), table(header, rows)]
  return [...lines, ...problems.map((problem) => `- ${plainText(problem)}`)].join("\n\n")
}

function sinceInWords(since: Since | undefined): string {
  if (since === undefined) return ""
  if (since.kind === "unknown") return "unknown"
  return since.kind === "at" ? since.at : `before ${since.at}`
}

function stateInWords(state: TagStatus["state"], journal: Journal | undefined): string {
  const last = journal === undefined ? "" : ` of ${journal.at}`
  switch (state) {
    case "none":
      return "There is no such tag yet."
    case "whole":
      return `One set: the ${journal?.kind ?? "promotion"}${last}.`
    case "interrupted":
      return `❌ The ${journal?.kind ?? "promotion"}${last} was interrupted: run it again, or a rollback.`
    case "moved":
      return `⚠️ Tags were moved by something else since the ${journal?.kind ?? "promotion"}${last}.`
    case "untracked":
      return "The tags were not written by a promotion of this pipeline."
    case "unknown":
      return "❌ Not everything could be asked:"
  }
}
