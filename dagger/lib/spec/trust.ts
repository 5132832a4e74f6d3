/** What a signed statement can be about. */
export const claimKinds = ["provenance", "tests", "gpu", "vulnerabilities"] as const
export type ClaimKind = (typeof claimKinds)[number]

/** Whose statements about images are believed, and how far. */
export interface TrustSpec {
  readonly signers: readonly TrustedSigner[]
  /** Seconds after which the verdict of a GPU test counts no more. */
  readonly gpuMaxAgeSeconds: number
  /** Seconds after which a scan for vulnerabilities counts no more; promotions ask for none where it is absent. */
  readonly vulnerabilitiesMaxAgeSeconds?: number
  /**
   * Certificate authorities, logs and timestamp authorities for statements signed without a key, as JSON (Sigstore's
   * `TrustedRoot`); absent where only keys are trusted.
   */
  readonly trustedRoot?: string
}

/** Somebody who is believed. */
export type TrustedSigner = KeySigner | WorkflowSigner

/** What a signer may say, and of which images. */
interface SignerScope {
  readonly says: readonly ClaimKind[]
  /** Tags, `*` standing for any characters. */
  readonly tags: readonly string[]
}

/** Whoever has a key. */
export interface KeySigner extends SignerScope {
  readonly kind: "key"
  /** Public key, PEM. */
  readonly publicKey: string
}

/** A workflow on a ref of a repository, as its certificate says. */
export interface WorkflowSigner extends SignerScope {
  readonly kind: "workflow"
  /** URL of the OIDC issuer. */
  readonly issuer: string
  /** URL of the repository. */
  readonly repository: string
  /** Path of the workflow in it. */
  readonly workflow: string
  /** `refs/heads/main`; `*` stands for any characters. */
  readonly ref: string
}
