import { expect, test } from "vitest"
import { leaksBuildSecrets } from "../../../dagger/src/engine/buildSecrets.js"

test.each([
  ["v0.19.10", false],
  ["v0.19.10-240101-dev", false],
  ["v0.20.0", true],
  ["v0.21.8", true],
  ["v1.0.0-beta.14", true],
  // Somebody's own build: nothing is known of it.
  ["dev", false],
])("an engine %s shows a build's secrets to others: %s", (version, leaks) => {
  expect(leaksBuildSecrets(version)).toBe(leaks)
})
