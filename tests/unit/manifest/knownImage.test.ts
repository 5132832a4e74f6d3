import { expect, test } from "vitest"
import { completed } from "../../../dagger/src/manifest/knownImage.js"
import { digestOf, manifestOf } from "../../support/manifests.js"

const inspected = manifestOf("base", "2026.4-main", { tags: [] })
const taken = { ...inspected, tags: ["2026.4-main"], sections: [], packages: {} }

test("what a run took as it was is completed by the run that looked into it", () => {
  expect(completed([taken], [inspected])).toEqual([{ ...inspected, tags: ["2026.4-main"] }])
})

test.each([
  ["another digest", [{ ...inspected, digest: digestOf("b") }]],
  ["no digest", [{ ...inspected, digest: undefined }]],
  ["a run that did not look into it either", [{ ...taken, tags: [] }]],
  ["nothing", []],
])("%s completes nothing", (_, others) => {
  expect(completed([taken], others as (typeof inspected)[])).toEqual([taken])
})

test("what the run saw itself is not replaced", () => {
  const older = { ...inspected, sections: [] }
  expect(completed([inspected], [older])).toEqual([inspected])
})
