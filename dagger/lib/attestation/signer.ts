import type { KeyObject } from "node:crypto"
import { createPublicKey, sign } from "node:crypto"
import type { Bundle } from "@sigstore/bundle"
import { redactor } from "../text/redact.js"
import type { Builder } from "./claims.js"
import { keyHint } from "./keys.js"
import type { InTotoStatement } from "./statement.js"
import { statementMediaType } from "./statement.js"

/** Signs statements. */
export interface StatementSigner {
  /** Who signs, for people. */
  readonly name: string
  /** Who runs what is stated. */
  readonly builder: Builder
  /** Public key, PEM; absent where certificates are used. */
  readonly publicKey?: string
  /** A Sigstore bundle v0.3, as JSON. @throws Error where a service refuses */
  sign(statement: InTotoStatement): Promise<Uint8Array>
}

/** Services that sign and witness without a key. */
export interface KeylessServices {
  /** Certificate authority (Fulcio). */
  readonly fulcio: string
  /** Transparency log (Rekor, its API v1). */
  readonly rekor?: string | undefined
  /** Timestamp authority (RFC 3161). */
  readonly timestampAuthority?: string | undefined
}

/** An identity of a workflow: a token of OIDC, asked for when it is needed, because it does not live long. */
export type IdentitySource = () => Promise<string>

const server = "https://github.com"
const localBuilder: Builder = { id: "https://jupyter-stack.github.io/builder/key" }
/** Milliseconds for an answer of a service. */
const patience = 20_000
const retries = 3

/** Signs with a key of the curve P-256. */
export function keySigner(key: KeyObject): StatementSigner {
  const publicKey = createPublicKey(key)
  const hint = keyHint(publicKey)
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString()
  const material = { $case: "publicKey", publicKey: pem, hint } as const
  return {
    name: `the key ${hint}`,
    builder: localBuilder,
    publicKey: pem,
    sign: async (statement) => {
      const { DSSEBundleBuilder } = await import("./sigstoreSign.js")
      const signer = {
        sign: (data: Buffer) => Promise.resolve({ signature: sign("sha256", data, key), key: material }),
      }
      return seal(new DSSEBundleBuilder({ signer, witnesses: [] }), statement)
    },
  }
}

/**
 * Signs with a certificate for each statement, which names the workflow that asked for it.
 * @param identity asked for at once, for who builds, and again for each signature
 */
export async function keylessSigner(
  identity: IdentitySource,
  { fulcio, rekor, timestampAuthority }: KeylessServices,
): Promise<StatementSigner> {
  const claims = claimsOf(await identity())
  const options = { timeout: patience, retry: retries }
  return {
    name: claims.name,
    builder: claims.builder,
    sign: async (statement) => {
      const { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } = await import("./sigstoreSign.js")
      const token = await identity()
      const identityProvider = { getToken: () => Promise.resolve(token) }
      const signer = new FulcioSigner({ fulcioBaseURL: fulcio, identityProvider, ...options })
      const witnesses = [
        ...(rekor === undefined ? [] : [new RekorWitness({ rekorBaseURL: rekor, ...options })]),
        ...(timestampAuthority === undefined
          ? []
          : [new TSAWitness({ tsaBaseURL: timestampAuthority, ...options })]),
      ]
      try {
        return await seal(new DSSEBundleBuilder({ signer, witnesses }), statement)
      } catch (error) {
        // The library repeats a token that it cannot read.
        throw new Error(redactor([token])(reasonOf(error)), { cause: undefined })
      }
    },
  }
}

async function seal(
  builder: { create(artifact: { data: Buffer; type?: string }): Promise<Bundle> },
  statement: InTotoStatement,
): Promise<Uint8Array> {
  const { bundleToJSON } = await import("./sigstoreSign.js")
  const data = Buffer.from(JSON.stringify(statement))
  const bundle = await builder.create({ data, type: statementMediaType })
  // The library repeats the hint of a key in the envelope; cosign finds no signature then.
  if (bundle.content.$case === "dsseEnvelope") {
    for (const signature of bundle.content.dsseEnvelope.signatures) signature.keyid = ""
  }
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)))
}

/** Who a token of GitHub's is for; it is checked by who gives the certificate. @throws Error where it is no token */
function claimsOf(token: string): { readonly name: string; readonly builder: Builder } {
  const claims = payloadOf(token)
  const text = (name: string) => (typeof claims[name] === "string" ? claims[name] : undefined)
  const [workflow, repository, run] = [text("job_workflow_ref"), text("repository"), text("run_id")]
  const id = workflow === undefined ? (text("sub") ?? "unknown") : `${server}/${workflow}`
  if (repository === undefined || run === undefined) return { name: id, builder: { id } }
  const invocation = `${server}/${repository}/actions/runs/${run}/attempts/${text("run_attempt") ?? "1"}`
  return { name: id, builder: { id, invocation } }
}

function payloadOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const [, payload = ""] = token.split(".")
    return JSON.parse(Buffer.from(payload, "base64url").toString()) as Readonly<Record<string, unknown>>
  } catch {
    throw new Error("what the OIDC service gave is no token")
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ""
  return `${error.message}${cause}`
}
