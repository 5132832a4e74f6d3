import type { Signer, TrustMaterial } from "@sigstore/verify"
import type { TrustSpec } from "../spec/trust.js"
import { parseJson } from "../registry/registryError.js"
import { keyHint, publicKeyOf } from "./keys.js"
import type { InTotoStatement } from "./statement.js"
import { parseStatement, statementMediaType } from "./statement.js"
import type { ProvedSigner } from "./trust.js"

/** A statement with who has signed it, or why its signature proves nothing. */
export type VerifiedBundle =
  | { readonly statement: InTotoStatement; readonly signer: ProvedSigner }
  | { readonly statement?: InTotoStatement | undefined; readonly problem: string }

/** Checks signatures: by the keys and authorities that are trusted, and by no others. */
export type BundleVerifier = (bundle: Uint8Array) => VerifiedBundle

/** Source repository of a run, in certificates of Fulcio (fulcio/docs/oid-info.md). */
const repositoryExtension = "1.3.6.1.4.1.57264.1.12"

/**
 * Opens what checks signatures; the libraries are loaded here and not before.
 * @throws Error where the trusted root cannot be read
 */
export async function openVerifier(
  trust: Pick<TrustSpec, "signers" | "trustedRoot">,
): Promise<BundleVerifier> {
  const { bundleFromJSON, toSignedEntity, toTrustMaterial, TrustedRoot, Verifier } =
    await import("./sigstoreVerify.js")
  const root = TrustedRoot.fromJSON(trust.trustedRoot === undefined ? {} : JSON.parse(trust.trustedRoot))
  const material = toTrustMaterial(root, keyFinder(trust))
  const keyed = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 })
  // What the root has a log for must be in it; a time is needed in any case, as certificates live for ten minutes.
  const certified = new Verifier(material, {
    tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
    ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  })
  return (bytes) => {
    let statement: InTotoStatement | undefined
    try {
      const bundle = bundleFromJSON(parseJson(bytes))
      if (bundle.content.$case !== "dsseEnvelope") return { problem: "it signs no statement" }
      const { payload, payloadType } = bundle.content.dsseEnvelope
      if (payloadType !== statementMediaType) return { problem: "it signs no statement" }
      statement = parseStatement(payload)
      if (statement === undefined) return { problem: "it signs no statement of in-toto v1" }
      const entity = toSignedEntity(bundle)
      if (entity.key.$case === "public-key") {
        keyed.verify(entity)
        return { statement, signer: { kind: "key", hint: entity.key.hint } }
      }
      return { statement, signer: certificateSigner(certified.verify(entity)) }
    } catch (error) {
      return { statement, problem: error instanceof Error ? error.message : String(error) }
    }
  }
}

function keyFinder({ signers }: Pick<TrustSpec, "signers">): TrustMaterial["publicKey"] {
  const keys = new Map(
    signers.flatMap((signer) => {
      if (signer.kind !== "key") return []
      const publicKey = publicKeyOf(signer.publicKey)
      return [[keyHint(publicKey), { publicKey, validFor: () => true }] as const]
    }),
  )
  return (hint) => {
    const found = keys.get(hint)
    if (found === undefined)
      throw new Error(`it is signed by a key that is not trusted (${hint.slice(0, 60)})`)
    return found
  }
}

function certificateSigner({ identity }: Signer): ProvedSigner {
  const found = identity?.oids?.find(({ oid }) => oid?.id.join(".") === repositoryExtension)
  return {
    kind: "certificate",
    name: identity?.subjectAlternativeName ?? "",
    issuer: identity?.extensions?.issuer ?? "",
    repository: found === undefined ? undefined : utf8String(found.value),
  }
}

/** The text of a DER UTF8String of less than 64 KiB (X.690, 8.1.3). */
function utf8String(der: Buffer): string | undefined {
  if (der[0] !== 0x0c) return undefined
  const [first = 0] = der.subarray(1)
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  const length =
    lengthBytes === 0 ? first : der.subarray(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0)
  const text = der.subarray(2 + lengthBytes)
  return text.length === length ? text.toString("utf8") : undefined
}
