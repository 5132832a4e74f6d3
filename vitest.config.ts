import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import type { TestSpecification } from "vitest/node"
import { BaseSequencer } from "vitest/node"
import { pureTests } from "./tests/pureTests.js"

/** Seconds for each property in a long run of the properties; see tests/fuzz.mjs. */
const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? "0")

/** Daemons, browsers and builds share two cores: what fails once for want of time is run once more, and named so. */
const retryOnEngine = fuzzSeconds > 0 ? 0 : 1

/** All cores for the unit tests, and one more: many wait for a process that they have started. */
const unitWorkers = availableParallelism() + 1

/** Unit tests that only compute. */
const pure = [...pureTests()]

/**
 * Tests with an engine that run one file at a time, for they measure what runs side by side, or how soon something is
 * seen, or count on an engine that emulates nothing, which `platforms` changes for the whole machine. The others run three
 * at a time: each leaves an engine that others use as it is, and none of its limits is so near that another file's work
 * would be in the way.
 */
const alone = ["platform", "realStack", "terminal", "testImageFamily"].map(
  (name) => `tests/e2e/${name}.test.ts`,
)

const onEngine = {
  globalSetup: ["tests/e2e/globalSetup.ts"],
  // A first call after the engine's start compiles its SDK; builds of real images take minutes.
  testTimeout: 600_000 + 2000 * fuzzSeconds,
  hookTimeout: 1_800_000,
  retry: retryOnEngine,
}

/** The order of files: outages first, which take longest; then vitest's own. */
class OutagesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isOutage = ({ moduleId }: TestSpecification) => moduleId.endsWith("/outages.test.ts")
    return [...sorted.filter(isOutage), ...sorted.filter((file) => !isOutage(file))]
  }
}

export default defineConfig({
  test: {
    globalSetup: ["tests/support/temporaryFolder.ts"],
    sequence: { sequencer: OutagesFirst },
    projects: [
      {
        test: {
          name: "pure",
          include: pure,
          // Of a machine with other work; alone none takes a second.
          testTimeout: 30_000,
          // They leave nothing behind: most of their time would be for loading the same files again.
          isolate: false,
          pool: "threads",
          maxWorkers: unitWorkers,
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
          maxWorkers: unitWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      // After the unit tests: engine and browser want the cores for themselves.
      {
        test: {
          ...onEngine,
          name: "beside",
          include: ["tests/e2e/**/*.test.ts"],
          exclude: alone,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...onEngine,
          name: "e2e",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
