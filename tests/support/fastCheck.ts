import fc from "fast-check"
import { fuzzSeconds, fuzzSeed } from "./fuzz.js"

// For every property of the tests, before any of them runs.
fc.configureGlobal({ seed: fuzzSeed, ...(fuzzSeconds > 0 && { numRuns: Number.MAX_SAFE_INTEGER }) })
if (fuzzSeconds > 0) fc.installGlobalPlugin(fc.interruptAfterTimeLimit(fuzzSeconds * 1000))
