import { describe, expect, test } from "vitest"
import { noGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import type { ChangedPath } from "../../../dagger/lib/git/gitFacts.js"
import { changedFiles, classifyChanges, isNamedBy } from "../../../dagger/lib/plan/changes.js"
import type { ChangedFile, ChangeScope, StackChanges } from "../../../dagger/lib/plan/changes.js"

const scope: ChangeScope = {
  imagesDirectory: "images",
  specPath: "spec.yml",
  rules: { ignore: ["README.md", "right/docs"], buildAll: ["spec.yml", "conftest.py", "left/Everything"] },
  images: [
    { name: "left", directory: "images/left" },
    {
      name: "right",
      directory: "images/right",
      contextFiles: new Set(["images/right/run.sh", "images/right/test/data.R"]),
    },
  ],
}

function classify(path: string, status: ChangedPath["status"] = "modified", rules = scope.rules): string {
  return describeChanges(classifyChanges({ ...scope, rules }, [{ path, status, committed: true }]))
}

/** "left input", "right input test", "build-all"; empty: nothing */
function describeChanges(changes: StackChanges): string {
  const images = [...changes.images].flatMap(([name, { inputs, tests }]) => [
    ...(inputs.length > 0 ? [`${name} input`] : []),
    ...(tests.length > 0 ? [`${name} test`] : []),
  ])
  const lists = { "build-all": changes.buildAll, spec: changes.spec, "common tests": changes.commonTests }
  const kinds = Object.entries(lists).flatMap(([kind, files]) => (files.length > 0 ? [kind] : []))
  return [...images, ...kinds].join(", ")
}

describe("what a changed path means", () => {
  test.each([
    ["images/left/Dockerfile", "left input"],
    ["images/left/scripts/größe 1.sh", "left input"],
    ["images/left/test/test_a.py", "left test"],
    ["images/left/integration_tests/test_a.py", "left test"],
    ["images/left/workflow_tests/test_gpu.py", "left input"],
    ["images/left/tests/a", "left input"],
    ["images/left/vendor/test/a", "left input"],
    ["images/left-over/Dockerfile", ""],
    ["images/right/run.sh", "right input"],
    ["images/right/test/test_a.py", "right test"],
    ["images/right/test/data.R", "right input, right test"],
    ["images/right/notes.txt", ""],
    ["images/right/.dockerignore", "right input"],
    ["images/right/docs/a/b", ""],
    ["images/right/docs.txt", ""],
    ["images/README.md", ""],
    ["images/left/README.md", "left input"],
    ["images/tests_common/helpers.py", "common tests"],
    ["images/pytest.ini", "common tests"],
    ["pytest.ini", ""],
    ["images/conftest.py", "build-all"],
    ["images/left/Everything", "build-all"],
    ["spec.yml", "build-all"],
    ["images/spec.yml", "build-all"],
    ["docs/index.md", ""],
    ["images", ""],
  ])("%s: %s", (path, expected) => {
    expect(classify(path)).toBe(expected)
  })

  test("a spec that BuildAll does not name", () => {
    expect(classify("spec.yml", "modified", { ignore: [], buildAll: [] })).toBe("spec")
  })

  test("BuildAll wins over ChangeIgnore, as in the old pipeline", () => {
    expect(classify("images/left/a", "modified", { ignore: ["left"], buildAll: ["left"] })).toBe("build-all")
  })

  test("a deleted file may have been read by the build", () => {
    expect(classify("images/right/gone.sh", "deleted")).toBe("right input")
    expect(classify("images/right/test/gone.py", "deleted")).toBe("right test")
  })
})

describe("images that share folders and contexts", () => {
  const shared: ChangeScope = {
    ...scope,
    images: [
      { name: "lab", directory: "images/lab", contextFiles: new Set(["scripts/a.sh", "images/lab/gpu/x"]) },
      { name: "gpu", directory: "images/lab/gpu", contextFiles: new Set(["images/lab/gpu/x"]) },
      {
        name: "geo",
        directory: "images/geo",
        buildArgsFile: "versions.env",
        dockerfile: "docker/geo.Dockerfile",
        contextFiles: new Set(["scripts/a.sh"]),
      },
      { name: "geo-small", directory: "images/geo", contextFiles: new Set<string>() },
    ],
  }

  test.each<readonly [string, ChangedPath["status"], string]>([
    ["scripts/a.sh", "modified", "lab input, geo input"],
    ["scripts/b.sh", "modified", ""],
    ["versions.env", "modified", "geo input"],
    ["docker/geo.Dockerfile", "modified", "geo input"],
    ["docker/geo.Dockerfile.dockerignore", "added", "geo input"],
    ["images/geo/test/test_a.py", "modified", "geo test, geo-small test"],
    ["images/lab/gpu/x", "modified", "lab input, gpu input"],
    ["images/lab/gpu/test/test_a.py", "modified", "gpu test"],
    ["images/lab/gpu/gone", "deleted", "gpu input"],
  ])("%s %s: %s", (path, status, expected) => {
    expect(describeChanges(classifyChanges(shared, [{ path, status, committed: true }]))).toBe(expected)
  })
})

test("rules with and without a slash at the end, and only whole names", () => {
  expect(isNamedBy(["left/"], "images", "images/left/a")).toBe(true)
  expect(isNamedBy(["lef"], "images", "images/left/a")).toBe(false)
  expect(isNamedBy(["images/left"], "images", "images/left/a")).toBe(true)
  expect(isNamedBy([], "images", "images/left/a")).toBe(false)
})

test("deleted images: folders whose Dockerfile is gone and that the spec does not have", () => {
  const files = [
    "images/old/Dockerfile",
    "images/left/Dockerfile",
    "images/left/sub/Dockerfile",
    "docs/x/Dockerfile",
  ]
  const deleted = files.map((path): ChangedFile => ({ path, status: "deleted", committed: true }))
  expect(classifyChanges(scope, deleted).removedImages).toEqual(["images/old"])
  const moved = { path: "images/older/Dockerfile", status: "added", committed: true } as const
  expect(classifyChanges(scope, [moved]).removedImages).toEqual([])
})

test("what is not committed counts, and wins over what is", () => {
  const facts = {
    ...noGitFacts("unreadable", "none"),
    changes: { kind: "known" as const, files: [{ path: "b", status: "added" as const }] },
    dirty: [{ path: "b", status: "deleted" as const }],
    untracked: ["a"],
  }
  expect(changedFiles(facts)).toEqual([
    { path: "a", status: "added", committed: false },
    { path: "b", status: "deleted", committed: false },
  ])
  expect(changedFiles(noGitFacts("empty", "no commit"))).toBeUndefined()
})
