import { expect, test } from "vitest"
import { testKey } from "../../../dagger/lib/plan/testKey.js"
import type { TestTerms } from "../../../dagger/lib/plan/testKey.js"
import { sourceOf } from "../../support/source.js"

const owner: TestTerms = {
  imagesDirectory: "images",
  directory: "images/left",
  ancestors: ["images/base"],
  integrationTests: true,
  judge: "a judge",
  settings: { timeoutSeconds: 60 },
}

const files: Readonly<Record<string, string>> = {
  "images/left/Dockerfile": "FROM scratch",
  "images/left/test/test_left.py": "1",
  "images/left/integration_tests/test_server.py": "1",
  "images/base/test/test_base.py": "1",
  "images/base/integration_tests/test_server.py": "1",
  "images/right/test/test_right.py": "1",
  "images/tests_common/test_units.py": "1",
  "images/conftest.py": "1",
  "images/pytest.ini": "[pytest]",
  "pytest.ini": "[pytest]",
}

test.each([
  ["its own test", "images/left/test/test_left.py", true],
  ["data beside its tests", "images/left/test/data/new.csv", true],
  ["its integration test", "images/left/integration_tests/test_server.py", true],
  ["a test of what it stands on", "images/base/test/test_base.py", true],
  ["a common test", "images/tests_common/test_units.py", true],
  ["a fixture of all", "images/conftest.py", true],
  ["pytest's settings", "images/pytest.ini", true],
  ["pytest's settings for something else", "pytest.ini", false],
  ["an integration test of what it stands on", "images/base/integration_tests/test_server.py", false],
  ["a test of an image beside it", "images/right/test/test_right.py", false],
  ["its Dockerfile", "images/left/Dockerfile", false],
  ["a cache that Python left", "images/left/test/__pycache__/test_left.pyc", false],
])("%s (%s): %s", (_, path, changes) => {
  const edited = sourceOf({ ...files, [path]: "edited" })
  expect(testKey(edited, owner) !== testKey(sourceOf(files), owner)).toBe(changes)
})

test("settings count, those that are not given do not", () => {
  const tree = sourceOf(files)
  const key = testKey(tree, owner)
  expect(testKey(tree, { ...owner, settings: { sizeBudget: undefined, timeoutSeconds: 60 } })).toBe(key)
  expect(testKey(tree, { ...owner, settings: { timeoutSeconds: 61 } })).not.toBe(key)
  expect(testKey(tree, { ...owner, integrationTests: false })).not.toBe(key)
})

test("another judge makes another key: its passes are its own", () => {
  const tree = sourceOf(files)
  expect(testKey(tree, { ...owner, judge: "another one" })).not.toBe(testKey(tree, owner))
})

test("an executable bit counts, because a test may be a program", () => {
  const modes = { "images/left/test/test_left.py": 0o755 }
  expect(testKey(sourceOf(files, { modes }), owner)).not.toBe(testKey(sourceOf(files), owner))
})
