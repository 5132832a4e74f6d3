import type { Repository } from "../reference/reference.js"
import { digestOf } from "./client.js"
import type { RegistryClient } from "./client.js"
import type { Descriptor, Manifest } from "./manifest.js"
import { emptyConfig, mediaTypes } from "./mediaTypes.js"
import { listReferrers, referrersTag, writtenEntries } from "./referrers.js"
import type { ReferrerStore } from "./referrers.js"
import { RegistryError } from "./registryError.js"

/** The part of a registry that takes what refers to a manifest. */
export type AttachStore = ReferrerStore & Pick<RegistryClient, "putManifest" | "putReferrer" | "uploadBlob">

/** Something that is attached to a manifest: one file with a type. */
export interface Attachment {
  /** Media type of the file, and the artifact type of its manifest. */
  readonly type: string
  readonly bytes: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

/** Chance and time, for writers that are in each other's way. */
export interface AttachPatience {
  sleep(milliseconds: number): Promise<void>
  /** In [0, 1). */
  random(): number
}

/** Times that the list is written before one gives up against others that write it, too. */
const mostWrites = 6
/** Milliseconds before the list is looked at again, doubled each time. */
const firstLook = 150

/**
 * Attaches files to a manifest (OCI image specification 1.1, `subject`). Where the registry keeps no list of its own, all
 * of them come into the fallback list by one write, which is read back, and repeated where somebody else has written
 * meanwhile: that list has no locks.
 * @returns digests of their manifests
 * @throws RegistryError, also where others keep taking them out of the list
 */
export async function attachAll(
  store: AttachStore,
  repository: Repository,
  subject: Descriptor,
  attachments: readonly Attachment[],
  patience: AttachPatience,
): Promise<readonly string[]> {
  const config = Buffer.from("{}")
  await store.uploadBlob(repository, config)
  const entries: ListedEntry[] = []
  let areListed = true
  for (const attachment of attachments) {
    await store.uploadBlob(repository, attachment.bytes)
    const manifest = manifestFor(attachment, subject)
    areListed = (await store.putReferrer(repository, manifest)) && areListed
    entries.push(entryFor(attachment, manifest))
  }
  if (!areListed) await listAll(store, repository, subject, entries, patience)
  return entries.map(({ digest }) => digest)
}

function manifestFor({ type, bytes, annotations }: Attachment, subject: Descriptor): Manifest {
  const { mediaType, digest, size } = subject
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: type,
    config: { mediaType: emptyConfig, digest: digestOf(Buffer.from("{}")), size: 2 },
    layers: [{ mediaType: type, digest: digestOf(bytes), size: bytes.length }],
    subject: { mediaType, digest, size },
    annotations,
  }
  const written = Buffer.from(JSON.stringify(document))
  const own = { digest: digestOf(written), size: written.length, mediaType: mediaTypes.ociManifest }
  return { ...own, bytes: written }
}

/** A descriptor in the list of referrers, as the specification wants it: with type and annotations of the manifest. */
type ListedEntry = Descriptor & {
  readonly artifactType: string
  readonly annotations: Attachment["annotations"]
}

function entryFor({ type, annotations }: Attachment, { mediaType, digest, size }: Manifest): ListedEntry {
  return { mediaType, digest, size, artifactType: type, annotations }
}

async function listAll(
  store: AttachStore,
  repository: Repository,
  subject: Descriptor,
  entries: readonly ListedEntry[],
  patience: AttachPatience,
): Promise<void> {
  for (let write = 0; write <= mostWrites; write += 1) {
    const found = await listReferrers(store, repository, subject.digest)
    const there = new Set(found.entries.map(({ digest }) => digest))
    const missing = entries.filter(({ digest }) => !there.has(digest))
    if (missing.length === 0) return
    if (write === mostWrites) break
    await putList(store, repository, subject.digest, [...writtenEntries(found), ...missing])
    await patience.sleep(firstLook * 2 ** write * (0.5 + patience.random()))
  }
  const message = `others keep writing the referrers of ${subject.digest} in ${repository.path}; ${mostWrites} attempts have failed`
  throw new RegistryError({ kind: "protocol", message })
}

async function putList(
  store: AttachStore,
  repository: Repository,
  digest: string,
  manifests: readonly unknown[],
): Promise<void> {
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  const list = { mediaType: mediaTypes.ociIndex, bytes: Buffer.from(JSON.stringify(document)) }
  await store.putManifest(repository, referrersTag(digest), list)
}
