import { setTimeout as sleep } from "node:timers/promises"
import type { Secret } from "@dagger.io/dagger"
import { keySigner, keylessSigner } from "../attestation/signer.js"
import type { StatementSigner } from "../attestation/signer.js"
import { signingKeyOf } from "../attestation/keys.js"
import type { Believer } from "../attestation/evidence.js"
import { secretText } from "../engine/secretText.js"
import { atOption, InputError } from "../problems.js"
import type { AttachPatience } from "../registry/attach.js"
import { claimKinds } from "../spec/trust.js"
import type { Spec } from "../spec/spec.js"
import { mayHearSecretInClear } from "../text/clearHost.js"
import type { StackRequest } from "./request.js"
import { requireNamed } from "./secretHosts.js"

/** Who signs, as given on the command line. */
export interface SigningOptions {
  /** Private key, PEM. */
  readonly signingKey?: Secret | undefined
  /** Where an identity is asked for (GitHub's `ACTIONS_ID_TOKEN_REQUEST_URL`). */
  readonly oidcUrl?: string | undefined
  /** What it is asked with (`ACTIONS_ID_TOKEN_REQUEST_TOKEN`). */
  readonly oidcToken?: Secret | undefined
  readonly fulcio?: string | undefined
  readonly rekor?: string | undefined
  readonly timestampAuthority?: string | undefined
}

const publicFulcio = "https://fulcio.sigstore.dev"
const publicRekor = "https://rekor.sigstore.dev"
/** Milliseconds for an identity. */
const patience = 20_000

/**
 * Who signs what a call states; undefined where nobody does.
 * @throws InputError for options that do not fit together, and for a key that cannot sign
 */
export async function signerOf(options: SigningOptions): Promise<StatementSigner | undefined> {
  const { signingKey, oidcUrl, oidcToken } = options
  if (signingKey !== undefined && (oidcUrl !== undefined || oidcToken !== undefined)) {
    throw wrong("--signing-key", "one signs with a key or with an identity, not with both", "leave one out")
  }
  if (signingKey !== undefined) return keySigner(await privateKey(signingKey))
  if (oidcUrl === undefined && oidcToken === undefined) return undefined
  requireNamed([{ option: "--oidc-token", secret: oidcToken, namedBy: { "--oidc-url": oidcUrl } }])
  if (oidcToken === undefined)
    throw wrong("--oidc-token", "it is missing", "env://ACTIONS_ID_TOKEN_REQUEST_TOKEN")
  const { fulcio = publicFulcio, timestampAuthority } = options
  const rekor = options.rekor ?? (timestampAuthority === undefined ? publicRekor : undefined)
  const url = serviceUrl("--oidc-url", oidcUrl ?? "")
  serviceUrl("--fulcio", fulcio)
  if (rekor !== undefined) serviceUrl("--rekor", rekor)
  if (timestampAuthority !== undefined) serviceUrl("--timestamp-authority", timestampAuthority)
  const token = await secretText(oidcToken)
  return keylessSigner(() => askIdentity(url, token), { fulcio, rekor, timestampAuthority })
}

/**
 * Who signs what a run of build-stack states; undefined where nobody does.
 * @throws InputError where nothing is published that could be signed, or its tags move before
 */
export async function signerOfRun({
  signingKey,
  publishing,
}: Pick<StackRequest, "signingKey" | "publishing">): Promise<StatementSigner | undefined> {
  if (signingKey === undefined) return undefined
  if (publishing === "nothing") {
    throw wrong("--signing-key", "what is not published cannot be signed", "add --publish")
  }
  if (publishing === "each") {
    throw wrong("--signing-key", "with --publish-each tags move before anything is signed", "leave one out")
  }
  return signerOf({ signingKey })
}

async function privateKey(secret: Secret): Promise<ReturnType<typeof signingKeyOf> & object> {
  const key = signingKeyOf(await secretText(secret))
  if (typeof key !== "string") return key
  throw wrong("--signing-key", key, "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")
}

/** A token goes to no host in clear but to this machine and its networks. */
function serviceUrl(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSafe =
    url?.protocol === "https:" || (url?.protocol === "http:" && mayHearSecretInClear(url.hostname))
  if (url !== undefined && isSafe) return url
  throw wrong(option, `${JSON.stringify(text.slice(0, 200))} is no address of a service`, "https://...")
}

/** Asks GitHub for a token for Sigstore, as `@actions/core` does ("OpenID Connect reference" of GitHub Actions). */
async function askIdentity(url: URL, token: string): Promise<string> {
  const asked = new URL(url)
  asked.searchParams.set("audience", "sigstore")
  const answer = await fetch(asked, {
    headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(patience),
  })
  const document: unknown = answer.ok ? await answer.json().catch(() => undefined) : undefined
  const value =
    typeof document === "object" && document !== null && "value" in document ? document.value : undefined
  if (typeof value === "string") return value
  throw new Error(`${asked.origin} gives no identity (status ${answer.status})`)
}

function wrong(option: string, message: string, hint: string): InputError {
  return new InputError([{ location: atOption(option), message, hint }])
}

/** What checks statements as a spec trusts them; undefined where it trusts nobody. Loads the libraries for it. */
export async function believerOf({
  trust,
  path,
}: Pick<Spec, "trust" | "path">): Promise<Believer | undefined> {
  if (trust === undefined) return undefined
  const { openVerifier } = await import("../attestation/verifyBundle.js")
  try {
    return { trust, verify: await openVerifier(trust) }
  } catch (error) {
    const message = `"trusted_root" cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new InputError([{ location: { file: path, line: 1, column: 1 }, message }])
  }
}

/** What tells a signer which of its statements are there already: by its own key, or as the spec trusts it. */
export async function ownBeliever({ publicKey }: StatementSigner, spec: Spec): Promise<Believer | undefined> {
  if (publicKey === undefined) return believerOf(spec)
  const own = { kind: "key", publicKey, says: claimKinds, tags: ["*"] } as const
  return believerOf({ ...spec, trust: { signers: [own], gpuMaxAgeSeconds: 0 } })
}

/** Pauses of writers that are in each other's way. */
export const writersPatience: AttachPatience = {
  sleep: (milliseconds) => sleep(milliseconds),
  random: Math.random,
}
