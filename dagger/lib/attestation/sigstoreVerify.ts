// Loaded by `import()` where a signature is checked, and never before: see sigstoreSign.ts.
export { bundleFromJSON } from "@sigstore/bundle"
export { TrustedRoot } from "@sigstore/protobuf-specs"
export { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify"
