import type { PromotedImage } from "../promote/promotion.js"
import { journalOf } from "../promote/journal.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import type { Repository } from "../reference/reference.js"
import type { RegistryClient } from "../registry/client.js"
import { labels } from "../registry/labels.js"
import type { IndexEntry, Manifest, ManifestDocument } from "../registry/manifest.js"
import { readManifest } from "../registry/manifest.js"
import { isIndex } from "../registry/mediaTypes.js"
import { isRecord, parseJson } from "../registry/registryError.js"
import { referrersSubject } from "../tag/tagKind.js"

/** A manifest of a repository, as far as it matters to what may be deleted. */
export interface HeldManifest {
  readonly digest: string
  /** Digests that its index lists: what it needs of the same repository. */
  readonly children: readonly string[]
  /** What a promotion's journal in it names: `repository@digest`. */
  readonly named: readonly string[]
  /** When it was made, milliseconds since 1970; the latest of all that tell. Absent where nothing tells. */
  readonly created?: number
}

/** A repository with everything in it that tags lead to. */
export interface HeldRepository {
  /** Its images in the spec. */
  readonly images: readonly TaggedImage[]
  /** `host/path` */
  readonly repository: string
  /** Digest by tag. */
  readonly tags: ReadonlyMap<string, string>
  /** By digest: those that tags name, and the indexes among what these list. */
  readonly manifests: ReadonlyMap<string, HeldManifest>
  /** Digests that a tag `sha256-...` speaks of and nothing else leads to, but that are there. */
  readonly lone: ReadonlySet<string>
}

/** An image of a repository, with what its tags there begin with. */
export interface TaggedImage extends Pick<ImagePlace, "tagPrefix"> {
  readonly name: string
}

/** The part of a registry's client that an inventory asks. */
export type InventoryStore = Pick<RegistryClient, "tags" | "resolve" | "manifest" | "blob">

/** Everything that the tags of these images lead to. @throws RegistryError, InvalidJournal */
export async function takeInventory(
  store: InventoryStore,
  images: readonly PromotedImage[],
): Promise<readonly HeldRepository[]> {
  const surveys = await Promise.all(inRepositories(images).map((place) => surveyOf(store, place)))
  await readNamed(surveys)
  return Promise.all(surveys.map((survey) => heldOf(store, survey)))
}

/** A repository with its images. */
interface SharedRepository {
  readonly repository: Repository
  readonly images: readonly TaggedImage[]
}

/** The repositories of these images, each once. */
export function inRepositories(images: readonly PromotedImage[]): readonly SharedRepository[] {
  const found = new Map<string, { readonly repository: Repository; readonly images: TaggedImage[] }>()
  for (const { name, repository: place } of images) {
    const { tagPrefix, ...repository } = place
    const key = formatReference(repository)
    const shared = found.get(key) ?? { repository, images: [] }
    shared.images.push({ name, ...(tagPrefix !== undefined && { tagPrefix }) })
    found.set(key, shared)
  }
  return [...found.values()]
}

/** What is known of a repository while it is read. */
interface RepositorySurvey extends SharedRepository {
  readonly tags: ReadonlyMap<string, string>
  readonly reader: ManifestReader
}

/** Digest by tag, as it is now; a tag that went meanwhile is left out. @throws RegistryError */
export async function taggedDigests(
  store: Pick<InventoryStore, "tags" | "resolve">,
  repository: Repository,
): Promise<ReadonlyMap<string, string>> {
  const { registry, path } = repository
  const tags = await store.tags(repository)
  const found = await Promise.all(
    tags.map(async (tag) => [tag, (await store.resolve({ registry, path, tag }))?.digest] as const),
  )
  return new Map(found.flatMap(([tag, digest]) => (digest === undefined ? [] : [[tag, digest] as const])))
}

async function surveyOf(store: InventoryStore, shared: SharedRepository): Promise<RepositorySurvey> {
  const tags = await taggedDigests(store, shared.repository)
  const reader = new ManifestReader(store, shared.repository)
  await Promise.all([...new Set(tags.values())].map((digest) => reader.read(digest)))
  return { ...shared, tags, reader }
}

/** What journals name may be an index that no tag leads to: what it lists must be known, too. */
async function readNamed(surveys: readonly RepositorySurvey[]): Promise<void> {
  const readers = new Map(surveys.map(({ repository, reader }) => [formatReference(repository), reader]))
  const named = surveys.flatMap(({ reader }) => [...reader.manifests.values()].flatMap((each) => each.named))
  const reads = [...new Set(named)].flatMap((each) => {
    const [repository = "", digest = ""] = each.split("@")
    return readers.get(repository)?.read(digest) ?? []
  })
  await Promise.all(reads)
}

async function heldOf(
  store: InventoryStore,
  { repository, images, tags, reader }: RepositorySurvey,
): Promise<HeldRepository> {
  const { manifests } = reader
  const known = new Set([...manifests.values()].flatMap(({ digest, children }) => [digest, ...children]))
  const lone = await loneSubjects(store, repository, tags, known)
  return { images, repository: formatReference(repository), tags, manifests, lone }
}

/** Subjects of `sha256-...` tags that only a question by digest finds. */
async function loneSubjects(
  store: InventoryStore,
  { registry, path }: Repository,
  tags: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const subjects = [...tags.keys()].flatMap((tag) => {
    const subject = referrersSubject(tag)
    return subject === undefined || known.has(subject) ? [] : [subject]
  })
  const found = await Promise.all(
    [...new Set(subjects)].map(async (digest) => {
      return (await store.resolve({ registry, path, digest })) === undefined ? [] : [digest]
    }),
  )
  return new Set(found.flat())
}

/** Reads manifests of one repository, each once, down through indexes of indexes. */
class ManifestReader {
  readonly manifests = new Map<string, HeldManifest>()
  private readonly ages = new Map<string, Promise<readonly number[]>>()

  constructor(
    private readonly store: InventoryStore,
    private readonly repository: Repository,
  ) {}

  /** @returns times that tell of its age */
  read(digest: string): Promise<readonly number[]> {
    const known = this.ages.get(digest)
    if (known !== undefined) return known
    const times = this.readNew(digest)
    this.ages.set(digest, times)
    return times
  }

  private async readNew(digest: string): Promise<readonly number[]> {
    const manifest = await this.store.manifest({ ...this.repository, digest })
    // A registry that has lost what a tag or an index names: nothing can be said of it, so it stays.
    if (manifest === undefined) return []
    const document = readManifest(manifest)
    const times = [...timeOf(document.annotations.get(labels.created)), ...(await this.timesIn(document))]
    const children = document.kind === "index" ? document.manifests.map((entry) => entry.digest) : []
    this.manifests.set(digest, {
      digest,
      children,
      named: namedIn(manifest, document),
      ...(times.length > 0 && { created: Math.max(...times) }),
    })
    return times
  }

  private async timesIn(document: ManifestDocument): Promise<readonly number[]> {
    if (document.kind === "image") return this.timeOfConfig(document.config.digest)
    const times = (await Promise.all(document.manifests.map((entry) => this.timesOfEntry(entry)))).flat()
    // A journal tells its own time, and lists images that are much older.
    return document.annotations.has(labels.promotion) ? [] : times
  }

  private async timesOfEntry({ digest, mediaType, platform }: IndexEntry): Promise<readonly number[]> {
    // What is for no platform is a signature or an attestation, whose configuration says nothing.
    return isIndex(mediaType) || platform !== undefined ? this.read(digest) : []
  }

  private async timeOfConfig(digest: string): Promise<readonly number[]> {
    const config = parseJson(await this.store.blob(this.repository, { digest }))
    return isRecord(config) && typeof config.created === "string" ? timeOf(config.created) : []
  }
}

function timeOf(text: string | undefined): readonly number[] {
  const time = Date.parse(text ?? "")
  return Number.isNaN(time) ? [] : [time]
}

/**
 * What a journal names: the digests that a rollback goes to, and those that it takes back.
 * @throws InvalidJournal, where nobody can say what must stay
 */
function namedIn(manifest: Manifest, { annotations }: ManifestDocument): readonly string[] {
  if (!annotations.has(labels.promotion)) return []
  return journalOf(manifest, manifest.digest).entries.flatMap(({ repository, previous, next }) => {
    const digests = [next.digest, ...(previous === undefined ? [] : [previous.digest])]
    return digests.map((digest) => `${repository}@${digest}`)
  })
}
