import { describe, expect, test } from "vitest"
import { folderTag, passedTag } from "../../../dagger/lib/plan/facts.js"
import type { TestTerms } from "../../../dagger/lib/plan/testKey.js"
import { folderKeys, testKey } from "../../../dagger/lib/plan/testKey.js"
import { testFolders } from "../../../dagger/lib/testing/testFolders.js"
import fc from "../../support/fastCheck.js"
import { sourceOf } from "../../support/source.js"

const owner: TestTerms = {
  imagesDirectory: "images",
  directory: "images/leaf",
  ancestors: ["images/base", "images/middle"],
  integrationTests: true,
  judge: "a judge",
  settings: { timeoutSeconds: 60 },
}

/** Each kind of file there is, by its path: which of the leaf's folders run again when it is edited. */
const files: Readonly<Record<string, readonly string[]>> = {
  "images/conftest.py": ["common", "base", "middle", "leaf", "server"],
  "images/pytest.ini": ["common", "base", "middle", "leaf", "server"],
  "images/tests_common/test_all.py": ["common", "base", "middle", "leaf", "server"],
  "images/tests_common/helper.py": ["common", "base", "middle", "leaf", "server"],
  "images/base/test/test_base.py": ["base", "middle", "leaf"],
  "images/base/test/conftest.py": ["base", "middle", "leaf"],
  "images/base/test/data/numbers.csv": ["base", "middle", "leaf"],
  "images/middle/test/test_middle.py": ["middle", "leaf"],
  "images/leaf/test/test_leaf.py": ["leaf"],
  "images/leaf/test/data/numbers.csv": ["leaf"],
  "images/leaf/integration_tests/test_server.py": ["server"],
  "images/base/integration_tests/test_server.py": [],
  "images/leaf/Dockerfile": [],
  "images/other/test/test_other.py": [],
  "images/leaf/test/__pycache__/test_leaf.pyc": [],
  "spec.yml": [],
}
const folderOf: Readonly<Record<string, string>> = {
  common: "images/tests_common",
  base: "images/base/test",
  middle: "images/middle/test",
  leaf: "images/leaf/test",
  server: "images/leaf/integration_tests",
}
const all = Object.keys(folderOf)

type Texts = Readonly<Record<string, string>>
const original: Texts = Object.fromEntries(Object.keys(files).map((path) => [path, "1"]))

function keysOf(texts: Texts, terms = owner): ReadonlyMap<string, string> {
  const tree = sourceOf(texts)
  return folderKeys(tree, terms, testFolders(tree, terms))
}

/** Folders whose key differs. */
function runAgain(before: Texts, after: Texts, terms = owner): readonly string[] {
  const [old, now] = [keysOf(before), keysOf(after, terms)]
  return all.filter((name) => old.get(folderOf[name] ?? "") !== now.get(folderOf[name] ?? ""))
}

describe("what runs again in the leaf when one thing changes", () => {
  test.each(Object.entries(files))("%s: %j", (path, again) => {
    expect(runAgain(original, { ...original, [path]: "edited" })).toEqual(again)
  })

  test.each<[string, Partial<TestTerms>]>([
    ["the driver, or what reads its results", { judge: "another one" }],
    ["a limit", { settings: { timeoutSeconds: 61 } }],
    ["the hub's version", { settings: { timeoutSeconds: 60, hub: "5.0" } }],
  ])("%s: everything", (_, change) => {
    expect(runAgain(original, original, { ...owner, ...change })).toEqual(all)
  })

  test("a file that is new, and one that is gone", () => {
    const more = { ...original, "images/middle/test/test_more.py": "1" }
    expect(runAgain(original, more)).toEqual(["middle", "leaf"])
    expect(runAgain(more, original)).toEqual(["middle", "leaf"])
  })
})

test("over random edits: no folder keeps its key where something it sees has changed, and none loses it for another's", () => {
  const edit = fc.record({
    path: fc.constantFrom(...Object.keys(files)),
    text: fc.constantFrom("1", "2", undefined),
  })
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), (edits) => {
      const after: Record<string, string> = { ...original }
      for (const { path, text } of edits) {
        // What holds no test is another thing: the folder leaves the image's list.
        if (text !== undefined) after[path] = text
        else if (!path.includes("/test_")) Reflect.deleteProperty(after, path)
      }
      const changed = Object.keys(files).filter((path) => after[path] !== original[path])
      const expected = all.filter((name) => changed.some((path) => files[path]?.includes(name) === true))
      expect(runAgain(original, after)).toEqual(expected)
      // The key of the whole changes with any of them: it vouches for all.
      const whole = testKey(sourceOf(original), owner) !== testKey(sourceOf(after), owner)
      expect(whole || expected.length === 0).toBe(true)
    }),
  )
})

test("the tag of a folder is none of a whole image", () => {
  const [input, key] = ["i".repeat(64), "k".repeat(64)]
  expect(folderTag(input, key)).not.toBe(passedTag(input, key))
  expect(folderTag(input, key)).toMatch(/^[a-z0-9-]{1,128}$/)
})
