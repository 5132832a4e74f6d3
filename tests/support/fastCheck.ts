import fc from "fast-check"
import { fuzzSeconds, fuzzSeed } from "./fuzz.js"

// Properties take fast-check from here: with the seed and the length that the run is to have.
fc.configureGlobal({ seed: fuzzSeed, ...(fuzzSeconds > 0 && { numRuns: Number.MAX_SAFE_INTEGER }) })
if (fuzzSeconds > 0) fc.installGlobalPlugin(fc.interruptAfterTimeLimit(fuzzSeconds * 1000))

export default fc
