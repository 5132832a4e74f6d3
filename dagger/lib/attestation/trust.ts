import type { ClaimKind, TrustedSigner } from "../spec/trust.js"
import { matchesStars } from "../text/wildcards.js"
import { keyHint, publicKeyOf } from "./keys.js"

/** Who has signed, as far as the signature proves it. */
export type ProvedSigner =
  | { readonly kind: "key"; readonly hint: string }
  | {
      readonly kind: "certificate"
      /** Subject alternative name: for workflows their address and ref. */
      readonly name: string
      readonly issuer: string
      /** URL of the repository whose source the run was of (Fulcio's extension 1.3.6.1.4.1.57264.1.12). */
      readonly repository?: string | undefined
    }

/** A signer in words. */
export function describeSigner(signer: ProvedSigner): string {
  return signer.kind === "key" ? `the key ${signer.hint}` : signer.name
}

/** Whether this signer's word of this kind counts for images of a tag. */
export function isTrusted(
  signers: readonly TrustedSigner[],
  signer: ProvedSigner,
  kind: ClaimKind,
  tag: string,
): boolean {
  return signers.some(
    (trusted) =>
      trusted.says.includes(kind) &&
      trusted.tags.some((pattern) => matchesStars(pattern, tag)) &&
      isSame(trusted, signer),
  )
}

/**
 * Whole texts are compared, each part as it is: a trusted name that is a part of another one says nothing, and no
 * character of it has a meaning but `*`.
 */
function isSame(trusted: TrustedSigner, signer: ProvedSigner): boolean {
  if (trusted.kind === "key") {
    return signer.kind === "key" && keyHint(publicKeyOf(trusted.publicKey)) === signer.hint
  }
  if (signer.kind !== "certificate" || signer.issuer !== trusted.issuer) return false
  // A workflow may be called from other repositories: the run must be of the trusted one's source, too.
  if (signer.repository !== trusted.repository) return false
  const start = `${trusted.repository}/${trusted.workflow}@`
  return signer.name.startsWith(start) && matchesStars(trusted.ref, signer.name.slice(start.length))
}
