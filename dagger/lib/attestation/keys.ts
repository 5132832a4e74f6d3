import type { KeyObject } from "node:crypto"
import { createHash, createPrivateKey, createPublicKey } from "node:crypto"

/** Name of a public key in bundles: base64 of the SHA-256 over its DER form, as cosign writes it. */
export function keyHint(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" })
  return createHash("sha256").update(der).digest("base64")
}

/** A public key of a PEM text. @throws Error where it is none */
export function publicKeyOf(pem: string): KeyObject {
  return createPublicKey(pem)
}

/**
 * The private key of a PEM text. @returns a sentence where it cannot sign here; nothing of the text is repeated
 */
export function signingKeyOf(pem: string): KeyObject | string {
  if (pem.includes("ENCRYPTED")) return "it is encrypted"
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key
    return "it is not of the curve P-256"
  } catch {
    return "it is no private key in PEM"
  }
}
