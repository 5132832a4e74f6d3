import { expect, test } from "vitest"
import { planMarkdown } from "../../../dagger/lib/plan/markdown.js"
import { readPlan } from "../../../dagger/lib/plan/planDocument.js"
import { planOne } from "../../../dagger/lib/plan/planOne.js"

const digest = `sha256:${"d".repeat(64)}`
const one = {
  image: "leaf",
  reference: "ghcr.io/example/leaf:2026.4",
  tag: "2026.4",
  branch: "feature",
  platform: "linux/amd64",
}

test("an image from source is built with what it is built on, and publishes nothing", () => {
  const plan = planOne(one, { inputKey: "i", testKey: "t", sources: ["base"] })
  expect(plan).toMatchObject({
    publish: false,
    steps: [{ action: "build", movesTag: false, parents: [{ from: "source", image: "base" }] }],
  })
  expect(planMarkdown(plan)).toContain("| `leaf` | **build** | asked for by name |")
  expect(readPlan(JSON.stringify(plan))).toEqual(plan)
})

test("a published image is tested by its digest, and said as the call names it", () => {
  const published = { registry: "ghcr.io", path: "example/leaf", tag: "2026.4-main", digest }
  const plan = planOne(one, { published, written: "ghcr.io/example/leaf:2026.4-main" })
  expect(plan.steps).toMatchObject([
    { action: "retest", published: { digest, reference: `ghcr.io/example/leaf:2026.4-main@${digest}` } },
  ])
  expect(planMarkdown(plan)).toContain("asked for as ghcr.io/example/leaf:2026.4-main")
  expect(readPlan(JSON.stringify(plan))).toEqual(plan)
})
