import type { ImageReference } from "../reference/reference.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import type { ManifestStore } from "../registry/client.js"
import type { Descriptor, Manifest } from "../registry/manifest.js"
import { RegistryError } from "../registry/registryError.js"
import { InvalidJournal, journalOf, journalTag } from "./journal.js"
import type { PromotedImage, Register } from "./promotion.js"
import type { TagPair } from "./tags.js"

/** What the registry says about one image before a promotion. */
export interface SurveyedImage extends PromotedImage {
  readonly from: string
  readonly to: string
  /** What the source tag names; absent where there is no such tag. */
  readonly source?: Manifest | undefined
  /** What the target tag names now; absent where there is no such tag. */
  readonly target?: Descriptor | undefined
}

/** What the registry says before a promotion. */
export interface Survey {
  readonly images: readonly SurveyedImage[]
  readonly register: Register
  /** Questions that were not answered. */
  readonly problems: readonly string[]
}

/**
 * Asks the registry about all images at once: three requests for one image, two more for each further one. Failures
 * are part of the answer, all of them.
 */
export async function survey(
  store: ManifestStore,
  images: readonly PromotedImage[],
  { from, to }: TagPair,
): Promise<Survey> {
  const problems: string[] = []
  const answered = async <T>(question: Promise<T>): Promise<T | undefined> => {
    try {
      return await question
    } catch (error) {
      problems.push(knownMessage(error))
      return undefined
    }
  }
  const [first] = images
  if (first === undefined) throw new TypeError("a promotion needs at least one image")
  const answers = await Promise.all(
    images.map(async (image) => ({
      ...image,
      from: formatReference(underTag(image.repository, from)),
      to: formatReference(underTag(image.repository, to)),
      source: await answered(store.manifest(underTag(image.repository, from))),
      target: await answered(store.resolve(underTag(image.repository, to))),
    })),
  )
  // After the tags: if another promotion is just moving them, its journal was written before.
  const register = await answered(readRegister(store, { ...first.repository, tag: journalTag(to) }))
  const unread = { repository: first.repository, tag: journalTag(to) }
  return { images: answers, register: register ?? unread, problems }
}

/** Reads the journal that the registry keeps; one that was undone is none. @throws RegistryError, InvalidJournal */
export async function readRegister(store: ManifestStore, reference: ImageReference): Promise<Register> {
  const { registry, path, tag = "latest" } = reference
  const manifest = await store.manifest(reference)
  const read = manifest === undefined ? undefined : journalOf(manifest, formatReference(reference))
  const journal = read?.kind === "undone" ? undefined : read
  return { repository: { registry, path }, tag, manifest, journal }
}

/** The message of a failure that the registry is to blame for; others are thrown on. */
export function knownMessage(error: unknown): string {
  if (error instanceof RegistryError || error instanceof InvalidJournal) return error.message
  throw error
}
