import { expect, test } from "vitest"
import { baseNotices, withBaseNotices } from "../../../dagger/lib/gather/baseNotices.js"
import { link } from "../../support/dockerfile.js"

const linked = link({
  a: ["FROM quay.io/org/notebook", "RUN true"],
  b: ["FROM quay.io/org/other", "RUN true"],
  c: ["FROM debian", "RUN true"],
  d: ["FROM python:2-onbuild", "RUN true"],
})
const unknownConfigs = new Map(
  [...linked.images.values()].flatMap(({ bases }) => bases.map(({ reference }) => [reference, "no answer"])),
)

function notices(actions: Readonly<Record<string, "build" | "reuse">>): readonly string[] {
  const steps = Object.entries(actions).map(([image, action]) => ({ image, action }))
  return baseNotices({ plan: { steps }, linked, unknownConfigs, unresolvedBases: new Map() })
}

test("what a base hands down is asked for where an image is built on it, and said with a remedy", () => {
  const [notice = "", ...more] = notices({ a: "build", b: "reuse", c: "build" })
  expect(notice).toMatch(
    /^whether quay\.io\/org\/notebook:latest has ONBUILD or SHELL is not known.*\(no answer\); where/,
  )
  expect(more).toEqual([])
})

test("nothing is said where nothing is built, nor of docker's official images", () => {
  expect(notices({ a: "reuse", b: "reuse", c: "build" })).toEqual([])
})

test("of an official image whose tag says that it has triggers it is said as of any other", () => {
  expect(notices({ d: "build" })[0]).toMatch(/^whether docker\.io\/library\/python:2-onbuild has ONBUILD/)
})

test("the plan says it, once, also where it is repeated", () => {
  const plan = { notices: ["the clone is shallow"], steps: [{ image: "a", action: "build" }] }
  const run = { linked, unknownConfigs, unresolvedBases: new Map<string, string>() }
  type Known = Parameters<typeof withBaseNotices>[0]
  const first = withBaseNotices({ ...run, plan } as unknown as Known)
  expect(first.notices).toEqual([
    "the clone is shallow",
    expect.stringMatching(/^whether quay\.io\/org\/notebook:latest has ONBUILD/),
  ])
  expect(withBaseNotices({ ...run, plan: first })).toEqual(first)
})
