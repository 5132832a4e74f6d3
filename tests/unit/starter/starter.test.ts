import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { quarterAt, starterTexts } from "../../../dagger/lib/starter/starter.js"
import { testFolders, testOwner } from "../../../dagger/lib/testing/testFolders.js"
import { buildTree } from "../../../dagger/lib/tree/tree.js"
import { sourceOf } from "../../support/source.js"

const folder = new URL("../../../dagger/starter", import.meta.url).pathname
const shared = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((file) => join(file.parentPath, file.name))
  .map((path): [string, string] => [path.slice(folder.length + 1), readFileSync(path, "utf8")])

function starter(name = "physics", registry = "ghcr.io/my-university") {
  const texts = starterTexts({ name, registry, prefix: "2026.4", mainBranch: "main" })
  const tree = sourceOf(Object.fromEntries([...shared, ...texts]))
  return { tree, spec: loadSpec(tree) }
}

test("a root image and one of the stack's name on it, with tests of each kind", () => {
  const { tree, spec } = starter()
  const { images } = linkStack({ spec, tree, images: [...spec.images.keys()] })
  expect(images.get("physics-notebook")?.parents).toEqual(["base-notebook"])
  expect([...images.values()].flatMap(({ notices }) => notices)).toEqual([])
  const found = (name: string) => testFolders(tree, testOwner(spec, buildTree(spec), name))
  expect(found("base-notebook").integration).toEqual(["images/base-notebook/integration_tests"])
  expect(found("physics-notebook").basic).toEqual([
    "images/tests_common",
    "images/base-notebook/test",
    "images/physics-notebook/test",
  ])
})

test("publishes below the registry that is named", () => {
  const { spec } = starter("a", "localhost:5000/me")
  expect([...spec.images.values()].map(({ repository }) => repository)).toEqual([
    { registry: "localhost:5000", path: "me/base-notebook" },
    { registry: "localhost:5000", path: "me/a-notebook" },
  ])
})

const module = `ucsd-ets/datahub-docker-stack@${"a".repeat(40)}`

test("workflows that call those of a module, each at its commit and with no permission but the named ones", () => {
  const texts = starterTexts({
    name: "physics",
    registry: "ghcr.io/x",
    prefix: "2026.4",
    mainBranch: "main",
    module,
  })
  const files = [...texts].filter(([path]) => path.startsWith(".github/workflows/"))
  expect(files.map(([path]) => path.slice(".github/workflows/".length))).toEqual([
    "build.yml",
    "fresh.yml",
    "review.yml",
    "tag.yml",
    "tag_global_stable.yml",
  ])
  for (const [path, text] of files) {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, use]) => use)
    const called = path.replace(/(?:build|fresh)\.yml$/, "main.yml")
    expect(uses).toEqual([module.replace("@", `/${called}@`)])
    expect(text).toContain("\npermissions: {}\n")
    expect(text.split("\n").length, path).toBeLessThan(32)
  }
  expect(texts.get("README.md")).toContain("The workflows of `.github` call the tool's")
})

test("no workflows without a module, and the README says so", () => {
  const texts = starterTexts({ name: "physics", registry: "ghcr.io/x", prefix: "2026.4", mainBranch: "main" })
  expect([...texts.keys()].filter((path) => path.startsWith(".github"))).toEqual([])
  expect(texts.get("README.md")).toContain("There are no workflows")
})

test.each([
  "ucsd-ets/datahub-docker-stack",
  "ucsd-ets/datahub-docker-stack@main",
  `datahub-docker-stack@${"a".repeat(40)}`,
  `https://github.com/a/b@${"a".repeat(40)}`,
  `a/b@${"a".repeat(40)}\n    secrets: inherit`,
  `a/b c@${"a".repeat(40)}`,
  "",
])("%j is no module to call", (strange) => {
  const write = () =>
    starterTexts({ name: "a", registry: "ghcr.io/x", prefix: "2026.4", mainBranch: "main", module: strange })
  expect(write).toThrow(InputError)
  expect(write).toThrow(`--module: "${strange}" is no repository at a commit`)
})

describe("refused", () => {
  test.each([
    ["Physics", "ghcr.io/x", '--name: "Physics" cannot name an image'],
    ["a/b", "ghcr.io/x", '--name: "a/b" cannot name an image'],
    ["", "ghcr.io/x", '--name: "" cannot name an image'],
    ["base", "ghcr.io/x", '--name: "base" is the name of the stack\'s root image'],
    ["a", "example", '--registry: "example": every reader of'],
    ["a", "ghcr.io/A b", '--registry: "ghcr.io/A b" is not a registry and organisation'],
  ])("%s at %s", (name, registry, expected) => {
    const refused = () => starter(name, registry)
    expect(refused).toThrow(InputError)
    expect(refused).toThrow(expected)
  })
})

test.each([
  ["2026-11-27", "2026.4"],
  ["2027-01-01", "2027.1"],
  ["2026-09-30", "2026.3"],
])("%s is in the quarter %s", (day, quarter) => {
  expect(quarterAt(Date.parse(day))).toBe(quarter)
})
