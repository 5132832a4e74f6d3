import * as z from "zod"
import { isIndex } from "./mediaTypes.js"
import { isRecord, parseJson, RegistryError } from "./registryError.js"

/** Names content (OCI image specification, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** A manifest as the registry keeps it; its digest is that of exactly these bytes. */
export interface Manifest extends Descriptor {
  readonly bytes: Uint8Array
}

const descriptor = z.object({ mediaType: z.string(), digest: z.string(), size: z.number() })
const annotations = z.record(z.string(), z.string()).nullish()

const imageDocument = z.object({ config: descriptor, layers: z.array(descriptor).nullish(), annotations })
const indexDocument = z.object({
  manifests: z.array(
    descriptor.extend({
      platform: z
        .object({
          os: z.string().nullish(),
          architecture: z.string().nullish(),
          variant: z.string().nullish(),
        })
        .nullish(),
      annotations,
    }),
  ),
  annotations,
})

/** What a manifest says. */
export type ManifestDocument =
  | {
      readonly kind: "image"
      readonly config: Descriptor
      /** From the base upwards. */
      readonly layers: readonly Descriptor[]
      readonly annotations: ReadonlyMap<string, string>
    }
  | {
      readonly kind: "index"
      readonly manifests: readonly IndexEntry[]
      readonly annotations: ReadonlyMap<string, string>
    }

/** One manifest of an index. */
export interface IndexEntry extends Descriptor {
  /** `linux/amd64`, `linux/arm64/v8`; absent where the index does not say, as for attestations. */
  readonly platform?: string
}

/** Reads a manifest. @throws RegistryError protocol */
export function readManifest({ bytes, mediaType, digest }: Manifest): ManifestDocument {
  const document = parseJson(bytes)
  if (isIndex(mediaType)) {
    const { manifests, annotations: notes } = shaped(indexDocument, document, digest)
    return { kind: "index", manifests: manifests.map(entryOf), annotations: mapOf(notes) }
  }
  const { config, layers, annotations: notes } = shaped(imageDocument, document, digest)
  return { kind: "image", config, layers: layers ?? [], annotations: mapOf(notes) }
}

/** A manifest's own media type, which a PUT must repeat, else that of the answer's header. */
export function mediaTypeOf(bytes: Uint8Array, header: string): string {
  const document = parseJson(bytes)
  const own = isRecord(document) ? document.mediaType : undefined
  return typeof own === "string" && own !== "" ? own : header
}

/** Checks a document of the registry. @throws RegistryError protocol */
export function shaped<T>(schema: z.ZodType<T>, document: unknown, digest: string): T {
  const parsed = schema.safeParse(document)
  if (parsed.success) return parsed.data
  throw new RegistryError({
    kind: "protocol",
    message: `${digest} cannot be read: ${z.prettifyError(parsed.error)}`,
  })
}

/** Labels or annotations. */
export function mapOf(
  record: Readonly<Record<string, string>> | null | undefined,
): ReadonlyMap<string, string> {
  return new Map(Object.entries(record ?? {}))
}

function entryOf({
  mediaType,
  digest,
  size,
  platform,
}: z.infer<typeof indexDocument>["manifests"][number]): IndexEntry {
  const parts = [platform?.os, platform?.architecture, platform?.variant].filter(
    (part) => (part ?? "") !== "",
  )
  // Attestations of BuildKit are for "unknown/unknown".
  const isKnown = parts.length > 1 && !parts.includes("unknown")
  return { mediaType, digest, size, ...(isKnown && { platform: parts.join("/") }) }
}
