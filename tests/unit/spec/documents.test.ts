import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { example, schemaFile, specPage } from "../../../docs/specPage.js"
import { sourceOf } from "../../support/source.js"

const committed = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")

test("spec.schema.json is what the validator says (else: npm run docs)", () => {
  expect(committed("spec.schema.json")).toBe(schemaFile())
})

test("editors accept keys of a person's own at the top, x-..., and no other unknown one", () => {
  expect(JSON.parse(committed("spec.schema.json"))).toMatchObject({
    patternProperties: { "^x-.": {} },
    additionalProperties: false,
  })
})

test("docs/spec.md is what the validator says (else: npm run docs)", () => {
  expect(committed("docs/spec.md")).toBe(specPage())
})

test("every key is described", () => {
  const rows = specPage()
    .split("\n")
    .filter((line) => line.startsWith("| `"))
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([])
})

test("the page's example is a valid spec", () => {
  const spec = loadSpec(
    sourceOf({
      "spec.yml": example,
      "images/datascience-notebook/Dockerfile": "",
      "images/scipy-ml-notebook/Dockerfile": "",
    }),
  )
  expect(spec.images.get("datascience-notebook")?.buildArgs.get("PYTHON_VERSION")).toBe("3.10")
  expect(spec.gpu?.image).toBe("scipy-ml-notebook")
})
