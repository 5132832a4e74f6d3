import { describe, expect, test } from "vitest"
import { planMarkdown } from "../../../dagger/lib/plan/markdown.js"
import { imagesChangedText, readPlan } from "../../../dagger/lib/plan/planDocument.js"
import { explain, family, publishedFamily } from "./planWorld.js"

describe("markdown", () => {
  test("one line, a table, and the reasons", () => {
    const world = publishedFamily()
    world.execute(world.plan())
    world.editInput("left")
    expect(planMarkdown(world.plan())).toMatchInlineSnapshot(`
      "# Plan for \`2026.4-feature\`

      **4 images: 2 to build, 2 to reuse.**

      | Image | Action | Why |
      | --- | --- | --- |
      | \`base\` | reuse | 2026.4-feature has this content, by its label (+1) |
      | \`left\` | **build** | its files changed: images/left/Dockerfile (+1) |
      | \`right\` | reuse | 2026.4-feature has this content, by its label (+1) |
      | \`leaf\` | **build** | its parent left is rebuilt (+1) |

      Changes: compared with main.

      ## Reasons

      ### base

      reuse: it stays as it is published.

      - because 2026.4-feature has this content, by its label
      - because 2026.4-feature has passed these tests, by the word of ghcr.io/example/base:passed-793a507a76919120-de6f2bd6d46a5d9e
      - tag of this run: \`ghcr.io/example/base:2026.4-feature\`
      - published image: \`ghcr.io/example/base:2026.4-feature@sha256:4ba0d1825bdde359ce65cb7a1775c82fde403b82583fa9f66d6aa9a6417729d7\`
      - input key \`793a507a76919120\`, test key \`de6f2bd6d46a5d9e\`

      ### left

      build: it is built and tested.

      - because its files changed: images/left/Dockerfile
      - because no published image has this content (key 1c1316035a20)
      - tag of this run: \`ghcr.io/example/left:2026.4-feature\`
      - made from the published base: \`ghcr.io/example/base:2026.4-feature@sha256:4ba0d1825bdde359ce65cb7a1775c82fde403b82583fa9f66d6aa9a6417729d7\`
      - input key \`1c1316035a206f5e\`, test key \`eafec65716b5899d\`

      ### right

      reuse: it stays as it is published.

      - because 2026.4-feature has this content, by its label
      - because 2026.4-feature has passed these tests, by the word of ghcr.io/example/right:passed-c6603f8945a3a731-da5d45b92be0a73f
      - tag of this run: \`ghcr.io/example/right:2026.4-feature\`
      - published image: \`ghcr.io/example/right:2026.4-feature@sha256:bfff86cd399a4eb54a557554a81916b40e6c3db92d6bd7c66fe70358419884a6\`
      - input key \`c6603f8945a3a731\`, test key \`da5d45b92be0a73f\`

      ### leaf

      build: it is built and tested.

      - because its parent left is rebuilt
      - because no published image has this content (key cb53727b7d82)
      - tag of this run: \`ghcr.io/example/leaf:2026.4-feature\`
      - made from left of this run
      - input key \`cb53727b7d82ac22\`, test key \`321ce0fdcdd7d9fb\`
      "
    `)
  })

  test("skipped by request: no reasons but that one", () => {
    const world = family()
    world.message = "skip ci"
    expect(planMarkdown(world.plan())).toMatchInlineSnapshot(`
      "# Plan for \`2026.4-feature\`

      Skipped by request: the commit message says "skip ci". Nothing is done.

      | Image | Action | Why |
      | --- | --- | --- |
      | \`base\` | skip | skipped by request: the commit message says "skip ci" (--full-rebuild runs all the same) |
      | \`left\` | skip | skipped by request: the commit message says "skip ci" (--full-rebuild runs all the same) |
      | \`right\` | skip | skipped by request: the commit message says "skip ci" (--full-rebuild runs all the same) |
      | \`leaf\` | skip | skipped by request: the commit message says "skip ci" (--full-rebuild runs all the same) |

      Changes: compared with main.
      "
    `)
  })

  test("file names that look like markup stay what they are, and long lists are cut", () => {
    const world = publishedFamily()
    for (let index = 0; index < 12; index += 1) world.commitChange(`images/left/a|<b>${index}`, "added")
    world.editInput("left")
    const text = explain(world.plan(), "left")
    expect(text).toContain("images/left/a\\|&lt;b>0 (added)")
    expect(text).toMatch(/and 3 more files$/m)
  })
})

describe("artifacts/IMAGES_CHANGED", () => {
  test("a line for each image whose files or tests changed, in the order of the spec", () => {
    const world = publishedFamily()
    world.editInput("right")
    world.editTest("left")
    world.commitChange("images/README.md")
    expect(imagesChangedText(world.plan())).toBe("left\nright\n")
  })

  test("empty where nothing changed", () => {
    expect(imagesChangedText(publishedFamily().plan())).toBe("")
  })
})

describe("reading a plan back", () => {
  const plan = family().plan()

  test("a document of before, in which every step has parents, is read as it was meant", () => {
    const world = publishedFamily()
    world.editInput("leaf")
    const now = world.plan()
    const before = { ...now, steps: now.steps.map((step) => ({ parents: [], ...step })) }
    expect(readPlan(JSON.stringify(before))).toEqual(now)
  })

  const [base, left, ...rest] = plan.steps

  test.each([
    ["no JSON", "{", /it is not JSON/],
    ["another version", JSON.stringify({ ...plan, version: 2 }), /version/],
    ["an unknown action", JSON.stringify({ ...plan, steps: [{ ...base, action: "push" }] }), /action/],
    [
      "a step before its parent",
      JSON.stringify({ ...plan, steps: [left, base, ...rest] }),
      /"left" comes before its parent "base"/,
    ],
    ["two steps for an image", JSON.stringify({ ...plan, steps: [base, base] }), /two steps for "base"/],
    ...(["retest", "retag", "reuse"] as const).map((action): [string, string, RegExp] => [
      `${action} of nothing`,
      JSON.stringify({ ...plan, steps: [{ ...base, action }] }),
      /no published image for this action\n\s+→ at steps\[0\]\.published/,
    ]),
  ])("%s is refused", (_, json, message) => {
    expect(() => readPlan(json)).toThrow(message)
  })

  test("a deleted image and what git noticed are told", () => {
    const world = publishedFamily()
    world.commitChange("images/old/Dockerfile", "deleted")
    world.commitChange("images/old/test/test_old.py", "deleted")
    expect(world.plan().notices).toEqual(["images/old was deleted: its published tags stay where they are"])
  })
})
