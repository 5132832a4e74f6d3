import fc from "fast-check"

/** Seconds for each property in a long run (`npm run fuzz`); unset among the unit tests. */
export const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? "0")

/**
 * Seed of every property. Among the unit tests it is always the same: what turns red was changed, and a test that is
 * run once more meets the same values. A long run explores.
 */
export const fuzzSeed = Number(process.env.FUZZ_SEED ?? (fuzzSeconds > 0 ? Date.now() % 2 ** 31 : 20_261_125))

// Properties take fast-check from here: with the seed and the length that the run is to have.
fc.configureGlobal({ seed: fuzzSeed, ...(fuzzSeconds > 0 && { numRuns: Number.MAX_SAFE_INTEGER }) })
if (fuzzSeconds > 0) fc.installGlobalPlugin(fc.interruptAfterTimeLimit(fuzzSeconds * 1000))

export default fc
