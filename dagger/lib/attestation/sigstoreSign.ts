// Loaded by `import()` where something is signed, and never before. Not the packages themselves: bundled, they have no
// names but `default` then.
export { bundleToJSON } from "@sigstore/bundle"
export { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } from "@sigstore/sign"
