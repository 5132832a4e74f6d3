import { defineConfig } from "vitest/config"
import { pureTests } from "./tests/pureTests.js"

/** Seconds for each property in a long run of the properties; see tests/fuzz.mjs. */
const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? "0")

/** Daemons, browsers and builds share two cores: what fails once for want of time is run once more, and named so. */
const retryOnEngine = fuzzSeconds > 0 ? 0 : 1

/** Unit tests that only compute. */
const pure = [...pureTests()]

export default defineConfig({
  test: {
    globalSetup: ["tests/support/temporaryFolder.ts"],
    projects: [
      {
        test: {
          name: "pure",
          include: pure,
          // They leave nothing behind: most of their time would be for loading the same files again.
          isolate: false,
          pool: "threads",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "unit",
          include: ["tests/unit/**/*.test.ts"],
          exclude: pure,
          testTimeout: 30_000 + 20_000 * fuzzSeconds,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts"],
          globalSetup: ["tests/e2e/globalSetup.ts"],
          // A first call after the engine's start compiles its SDK; builds of real images take minutes.
          testTimeout: 600_000 + 2000 * fuzzSeconds,
          hookTimeout: 1_800_000,
          fileParallelism: false,
          retry: retryOnEngine,
          // After the unit tests: engine and browser want the cores for themselves.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
