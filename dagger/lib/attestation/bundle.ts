import type { Attachment } from "../registry/attach.js"
import type { InTotoStatement } from "./statement.js"

/** Media type of a Sigstore bundle (github.com/sigstore/protobuf-specs, `sigstore_bundle.proto`). */
export const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

/** A signed statement as it is attached to an image; annotations are those that cosign writes, for its readers. */
export function bundleAttachment(
  bundle: Uint8Array,
  { predicateType }: InTotoStatement,
  created: string,
): Attachment {
  return {
    type: bundleMediaType,
    bytes: bundle,
    annotations: {
      "org.opencontainers.image.created": created,
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": predicateType,
    },
  }
}
