import * as z from "zod"
import type { Repository } from "../reference/reference.js"
import type { RegistryClient } from "./client.js"
import type { Descriptor } from "./manifest.js"
import { isIndex } from "./mediaTypes.js"
import { isRecord, parseJson, RegistryError } from "./registryError.js"

/** The part of a registry that tells what refers to a manifest. */
export type ReferrerStore = Pick<RegistryClient, "manifest" | "blob" | "referrers">

/** An entry of a list of referrers. Its words are anybody's: only the digest says what it is about. */
export interface ReferrerEntry extends Descriptor {
  readonly artifactType?: string | undefined
}

/** A list of referrers. */
export interface ReferrerList {
  /** Each digest once, in the order of the list. */
  readonly entries: readonly ReferrerEntry[]
  /** Where the list stands: in the API, or under the fallback tag. */
  readonly from: "api" | "tag"
  /** The list as it was found, for whoever writes it again: entries of others stay as they are. */
  readonly document: Readonly<Record<string, unknown>>
}

const entrySchema = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.number().int().nonnegative(),
  artifactType: z.string().optional(),
})

/**
 * The tag under which referrers of a manifest are listed where the registry has no API for them (OCI distribution 1.1,
 * "Referrers Tag Schema"): `sha256-<hex>`.
 */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-")
}

/**
 * What refers to a manifest. Entries that are none are passed over.
 * @throws RegistryError where it cannot be asked
 */
export async function listReferrers(
  store: Pick<ReferrerStore, "manifest" | "referrers">,
  { registry, path }: Repository,
  digest: string,
): Promise<ReferrerList> {
  // A reference is a repository, too: its own digest would be asked for instead of the tag.
  const repository = { registry, path }
  const answered = await store.referrers(repository, digest)
  if (answered !== undefined) return readList(answered, "api")
  const index = await store.manifest({ ...repository, tag: referrersTag(digest) })
  if (index === undefined) return readList(Buffer.from("{}"), "tag")
  if (isIndex(index.mediaType)) return readList(index.bytes, "tag")
  const message = `${referrersTag(digest)} in ${repository.path} is no list of referrers`
  throw new RegistryError({ kind: "protocol", message })
}

/** The manifests of a list as they stand in it. */
export function writtenEntries({ document }: Pick<ReferrerList, "document">): readonly unknown[] {
  const manifests: unknown = document.manifests
  return Array.isArray(manifests) ? manifests : []
}

function readList(bytes: Uint8Array, from: ReferrerList["from"]): ReferrerList {
  const parsed = parseJson(bytes)
  const document = isRecord(parsed) ? parsed : {}
  const read = writtenEntries({ document }).flatMap((entry) => {
    const { data } = entrySchema.safeParse(entry)
    return data === undefined ? [] : [[data.digest, data] as const]
  })
  return { entries: [...new Map(read).values()], from, document }
}
