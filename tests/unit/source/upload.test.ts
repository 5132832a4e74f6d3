import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it, test } from "vitest"
import { isUploaded, notUploaded } from "../../../dagger/lib/dockerfile/upload.js"
import { checkout } from "../../support/stack.js"

it("is what every function says", () => {
  const text = readFileSync(join(checkout, "dagger/src/index.ts"), "utf8")
  const lists = [...text.matchAll(/ignore: (\[[^\]]*\])/g)].map(
    ([, list = ""]) => JSON.parse(list.replace(/,\s*\]/, "]")) as unknown,
  )
  expect(lists.length).toBeGreaterThan(10)
  expect(new Set(lists.map((list) => JSON.stringify(list)))).toEqual(new Set([JSON.stringify(notUploaded)]))
})

test.each([
  ["images/a/node_modules/x", true],
  ["images/a/.venv/y", true],
  ["images/out/z", true],
  ["images/a/test/__pycache__/x.pyc", true],
  ["dagger/__pycache__/x.pyc", false],
  ["node_modules/x", false],
  ["dagger/node_modules/x", false],
  ["out/z", false],
  ["docs/out/z", true],
  ["spec.yml", true],
])("%s: %s", (path, expected) => {
  expect(isUploaded(path)).toBe(expected)
})
