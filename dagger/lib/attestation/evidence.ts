import type { PinnedReference } from "../reference/reference.js"
import { readManifest } from "../registry/manifest.js"
import type { Manifest } from "../registry/manifest.js"
import { mediaTypes } from "../registry/mediaTypes.js"
import { listReferrers } from "../registry/referrers.js"
import type { ReferrerEntry, ReferrerStore } from "../registry/referrers.js"
import { RegistryError } from "../registry/registryError.js"
import type { ClaimKind, TrustSpec } from "../spec/trust.js"
import { bundleMediaType } from "./bundle.js"
import { claimKindOf, isAbout } from "./statement.js"
import type { InTotoStatement } from "./statement.js"
import { describeSigner, isTrusted } from "./trust.js"
import type { BundleVerifier } from "./verifyBundle.js"

/** Something that is claimed about an image, and whether it may be believed. */
export interface Claim {
  /** Digest of what is attached. */
  readonly attachment: string
  /** Absent for types that nobody here asks for, and where nothing can be read. */
  readonly kind?: ClaimKind | undefined
  readonly predicateType?: string | undefined
  /** Who has signed; absent where no signature holds. */
  readonly signer?: string | undefined
  /** Why it is not believed; absent where it is. */
  readonly problem?: string | undefined
  readonly statement?: InTotoStatement | undefined
}

/** All claims about an image. */
export interface Evidence {
  readonly claims: readonly Claim[]
  /** What was not looked at, and why. */
  readonly notices: readonly string[]
}

/** Whom to believe, and what checks it. */
export interface Believer {
  readonly trust: Pick<TrustSpec, "signers">
  readonly verify: BundleVerifier
}

/**
 * Attachments that are looked at for one image: a run leaves two or three, and whoever may push could leave thousands.
 */
const mostAttachments = 64
/** Bytes of a manifest, and of a bundle: this pipeline's have one and ten thousand. */
const largestManifest = 64 * 1024
const largestBundle = 2 * 1024 * 1024

/**
 * What is claimed about an image, each claim checked: signature, then subject, then signer. Types and words of the list
 * are anybody's; only what is signed says what it is.
 * @param tag that the image has, or is to get
 * @throws RegistryError where the list cannot be asked for
 */
export async function claimsAbout(
  store: ReferrerStore,
  { trust, verify }: Believer,
  image: PinnedReference,
  tag: string,
): Promise<Evidence> {
  const { entries } = await listReferrers(store, image, image.digest)
  const usable = entries.filter(
    ({ mediaType, size }) => mediaType === mediaTypes.ociManifest && size <= largestManifest,
  )
  const looked = usable.toSorted(bundlesFirst).slice(0, mostAttachments)
  const left = usable.length - looked.length
  const odd = entries.length - usable.length
  const found = await Promise.all(looked.map((entry) => readOne(store, image, entry)))
  const claims = found.flatMap((read) =>
    read === undefined ? [] : [judge(read, { trust, verify }, image.digest, tag)],
  )
  return {
    claims,
    notices: [
      ...(left > 0 ? [`${left} attachments were not looked at: an image may have ${mostAttachments}`] : []),
      ...(odd > 0 ? [`${odd} entries of the list of referrers are no attachments`] : []),
    ],
  }
}

/** A hint that saves requests, and no more: some registries tell another type. */
function bundlesFirst(a: ReferrerEntry, b: ReferrerEntry): number {
  return Number(b.artifactType === bundleMediaType) - Number(a.artifactType === bundleMediaType)
}

/** What was attached: a bundle, or why it could not be read. */
interface Attached {
  readonly attachment: string
  readonly bundle?: Uint8Array
  readonly problem?: string
}

/** @returns undefined for what is no bundle: bills of materials, say */
async function readOne(
  store: ReferrerStore,
  image: PinnedReference,
  { digest }: ReferrerEntry,
): Promise<Attached | undefined> {
  const attachment = digest
  try {
    const manifest = await store.manifest({ registry: image.registry, path: image.path, digest })
    if (manifest === undefined) return { attachment, problem: "the list names it, and it is not there" }
    const layer = bundleLayer(manifest)
    if (layer === undefined) return undefined
    if (layer.size > largestBundle)
      return { attachment, problem: `it has ${layer.size} bytes, too many to be read` }
    return { attachment, bundle: await store.blob(image, layer) }
  } catch (error) {
    if (error instanceof RegistryError) return { attachment, problem: error.message }
    throw error
  }
}

function bundleLayer(manifest: Manifest): { readonly digest: string; readonly size: number } | undefined {
  const document = readManifest(manifest)
  if (document.kind !== "image") return undefined
  return document.layers.find(({ mediaType }) => mediaType === bundleMediaType)
}

function judge(
  { attachment, bundle, problem }: Attached,
  { trust, verify }: Believer,
  digest: string,
  tag: string,
): Claim {
  if (bundle === undefined) return { attachment, problem }
  const verified = verify(bundle)
  const { statement } = verified
  const type = statement?.predicateType
  const kind = type === undefined ? undefined : claimKindOf(type)
  const said = { attachment, kind, predicateType: type, statement }
  if ("problem" in verified) return { ...said, problem: verified.problem }
  const signer = describeSigner(verified.signer)
  const signed = { ...said, signer }
  if (!isAbout(verified.statement, digest)) return { ...signed, problem: "it is about another image" }
  if (kind === undefined) return { ...signed, problem: "nobody is asked about statements of this type" }
  if (isTrusted(trust.signers, verified.signer, kind, tag)) return signed
  // A reference by digest alone names no tag, and signers are trusted for tags.
  const what = tag === "" ? "an image without a tag" : tag
  return { ...signed, problem: `the spec trusts nobody of this name for ${kind} of ${what}` }
}
