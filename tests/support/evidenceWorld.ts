import { generateKeyPairSync } from "node:crypto"
import { bundleAttachment } from "../../dagger/lib/attestation/bundle.js"
import { claimsAbout } from "../../dagger/lib/attestation/evidence.js"
import type { Evidence } from "../../dagger/lib/attestation/evidence.js"
import { keySigner } from "../../dagger/lib/attestation/signer.js"
import type { StatementSigner } from "../../dagger/lib/attestation/signer.js"
import { statementAbout } from "../../dagger/lib/attestation/statement.js"
import type { InTotoStatement } from "../../dagger/lib/attestation/statement.js"
import { openVerifier } from "../../dagger/lib/attestation/verifyBundle.js"
import type { PinnedReference } from "../../dagger/lib/reference/reference.js"
import { formatReference } from "../../dagger/lib/reference/reference.js"
import { attachAll } from "../../dagger/lib/registry/attach.js"
import type { AttachStore } from "../../dagger/lib/registry/attach.js"
import type { ReferrerStore } from "../../dagger/lib/registry/referrers.js"
import type { ClaimKind, KeySigner, TrustedSigner } from "../../dagger/lib/spec/trust.js"
import { claimKinds } from "../../dagger/lib/spec/trust.js"

/** A key with what it takes to sign, and to trust it. */
export interface TestKey {
  readonly signer: StatementSigner
  /** PEM. */
  readonly privateKey: string
  /** PEM. */
  readonly publicKey: string
}

/** A new key of the curve P-256. */
export function newKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  return {
    signer: keySigner(privateKey),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
  }
}

/** Trust in a key. */
export function trusting(
  { publicKey }: TestKey,
  { says = claimKinds, tags = ["*"] }: Partial<Pick<KeySigner, "says" | "tags">> = {},
): KeySigner {
  return { kind: "key", publicKey, says, tags }
}

/** Keys that the statements of tests speak of. */
export const inputKey = "a".repeat(64)
export const testKey = "b".repeat(64)

/** A statement of each kind about an image. */
export function statementOf(
  kind: ClaimKind,
  image: PinnedReference,
  predicate: InTotoStatement["predicate"] = {},
): InTotoStatement {
  const { registry, path, digest } = image
  const usual: Readonly<Record<ClaimKind, InTotoStatement["predicate"]>> = {
    provenance: {
      buildDefinition: {
        buildType: "https://jupyter-stack.github.io/build/v1",
        externalParameters: { image: "base" },
        internalParameters: { inputKey },
        resolvedDependencies: [],
      },
      runDetails: { builder: { id: "https://example.org/builder" } },
    },
    tests: { result: "PASSED", configuration: [], inputKey, testKey },
    gpu: { result: "PASSED", testedAt: "2026-11-20T10:00:00Z" },
    vulnerabilities: { scanner: { uri: "https://example.org", result: [] } },
  }
  const name = formatReference({ registry, path })
  return statementAbout(kind, { name, digest }, { ...usual[kind], ...predicate })
}

const patience = { sleep: () => Promise.resolve(), random: () => 0 }

/** Attaches statements to an image, signed by one signer. @returns digests of what was attached */
export async function attachStatements(
  store: AttachStore & { resolve: (image: PinnedReference) => Promise<unknown> },
  image: PinnedReference,
  signer: StatementSigner,
  statements: readonly InTotoStatement[],
): Promise<readonly string[]> {
  const bundles = await Promise.all(
    statements.map(async (each) => bundleAttachment(await signer.sign(each), each, "2026-11-01T00:00:00Z")),
  )
  const { digest } = image
  const found = await store.manifest(image)
  if (found === undefined) throw new Error("there is no such image")
  return attachAll(store, image, { ...found, digest }, bundles, patience)
}

/** What is claimed about an image, believed as these signers are trusted. */
export async function claimsFor(
  store: ReferrerStore,
  image: PinnedReference,
  signers: readonly TrustedSigner[],
  tag = "2026.4-main",
): Promise<Evidence> {
  const trust = { signers }
  return claimsAbout(store, { trust, verify: await openVerifier(trust) }, image, tag)
}
