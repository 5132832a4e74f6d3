import { createPublicKey } from "node:crypto"
import type { Problem } from "../problems.js"
import { problemAt, problemAtKey } from "./facts.js"
import type { Facts } from "./facts.js"
import type { Place } from "./yamlFile.js"

const workflowKeys = ["repository", "workflow", "ref"]

/** A signer is a key, or a workflow whose identity is whole: a part of it left out would be anybody's. */
export function trustedSignersAreWhole({ file }: Facts): readonly Problem[] {
  const signers = file.at("trust", "signers")
  return Array.isArray(signers?.value) ? [...signers.children.values()].flatMap(signerProblems) : []
}

function signerProblems(signer: Place): readonly Problem[] {
  const key = signer.children.get("key")
  const named = workflowKeys.filter((name) => signer.children.has(name))
  if (key !== undefined) {
    const mixed = named.length > 0 || signer.children.has("issuer")
    if (mixed) return problemAtKey(key, "a signer is a key or a workflow, not both", "make it two signers")
    return isSigningKey(String(key.value))
      ? []
      : problemAt(key, '"key" must be a public key of the curve P-256 in PEM', "-----BEGIN PUBLIC KEY-----")
  }
  const missing = workflowKeys.filter((name) => !named.includes(name))
  if (missing.length === 0) return []
  return problemAt(signer, `a signer without "key" is a workflow, and ${missing.join(", ")} is missing`)
}

function isSigningKey(pem: string): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey(pem)
    return asymmetricKeyDetails?.namedCurve === "prime256v1" && !pem.includes("PRIVATE")
  } catch {
    return false
  }
}

/** Without it the word of a workflow cannot be checked. */
export function trustedRootIsThere({ file, tree }: Facts): readonly Problem[] {
  const root = file.at("trust", "trusted_root")
  if (root?.text !== undefined) {
    const text = tree.text(root.text)
    if (text === undefined) return problemAt(root, `there is no file "${root.text}"`, "a file below images/")
    if (isJson(text)) return []
    // `gh attestation trusted-root` writes several.
    const accepted = "Sigstore's trusted_root.json; of a trusted_root.jsonl one line"
    return problemAt(root, `"${root.text}" is not JSON`, accepted)
  }
  const signers = file.at("trust", "signers")
  const list = Array.isArray(signers?.value) ? [...signers.children.values()] : []
  const workflow = list.find(({ children }) => children.has("workflow"))
  if (workflow === undefined) return []
  return problemAt(
    workflow,
    'a workflow can only be trusted with a "trusted_root"',
    "docs/evidence.md has how to get one",
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
