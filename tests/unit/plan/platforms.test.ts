import { describe, expect, test } from "vitest"
import { planMarkdown } from "../../../dagger/lib/plan/markdown.js"
import type { Plan, Reason, Step } from "../../../dagger/lib/plan/planDocument.js"
import { readPlan } from "../../../dagger/lib/plan/planDocument.js"
import {
  joinedKey,
  joinPlans,
  planForPlatform,
  platformsOf,
  publishedIndex,
} from "../../../dagger/lib/plan/platforms.js"

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const noKey = (inputKey: string): Reason => ({ kind: "no-image-with-key", inputKey })
const same: Reason = { kind: "same-content", tag: "2026.4-main" }

function built(image: string, key: string, reasons: readonly Reason[] = [noKey(key)]): Step {
  const any = {
    image,
    reference: `ghcr.io/x/${image}:2026.4-main`,
    inputKey: key,
    testKey: "t",
    movesTag: true,
  }
  return { ...any, action: "build", reasons: [...reasons], parents: [] }
}

function reused(image: string, letter: string, index?: string): Step {
  const reference = `ghcr.io/x/${image}:2026.4-main@${digest(letter)}`
  const published = {
    tag: "2026.4-main",
    digest: digest(letter),
    reference,
    ...(index !== undefined && { index }),
  }
  const any = {
    image,
    reference: `ghcr.io/x/${image}:2026.4-main`,
    inputKey: letter,
    testKey: "t",
    movesTag: false,
  }
  return { ...any, action: "reuse", reasons: [same], published }
}

function planOf(platform: string, steps: Step[], more: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    tag: "2026.4-main",
    branch: "main",
    platform,
    publish: true,
    comparedWith: "nothing",
    imagesChanged: [],
    bases: [{ reference: "docker.io/library/debian:13", digest: digest("d") }],
    steps,
    notices: [],
    ...more,
  }
}

const amd = "linux/amd64"
const arm = "linux/arm64"

describe("a plan of one platform", () => {
  const plan = planOf(amd, [built("a", "1")])

  test("is the document of before, to the byte", () => {
    expect(JSON.stringify(joinPlans([plan], ["a"]))).toBe(JSON.stringify(plan))
    expect(planForPlatform(plan, amd)).toBe(plan)
    expect(platformsOf(plan)).toEqual([amd])
  })

  test("has no column of platforms", () => {
    expect(planMarkdown(plan)).not.toMatch(/Platform|amd64/)
  })
})

describe("plans of two platforms", () => {
  const changed: Reason = {
    kind: "files-changed",
    files: [{ path: "images/b/only-arm64.txt", status: "modified", committed: true }],
    more: 0,
  }
  const plans = [
    planOf(amd, [built("a", "1"), reused("b", "2")], { imagesChanged: ["b"] }),
    planOf(arm, [built("a", "3"), built("b", "4", [changed, noKey("4")])], {
      imagesChanged: ["a"],
      bases: [
        { reference: "docker.io/library/debian:13", digest: digest("d") },
        { reference: "docker.io/library/node:22", digest: digest("e") },
      ],
      notices: ["once"],
    }),
  ]
  const joined = joinPlans(plans, ["a", "b"])

  test("are one document, image by image, and each is in it", () => {
    expect(joined.steps.map(({ image, platform, action }) => [image, platform, action])).toEqual([
      ["a", amd, "build"],
      ["a", arm, "build"],
      ["b", amd, "reuse"],
      ["b", arm, "build"],
    ])
    expect(joined.imagesChanged).toEqual(["a", "b"])
    const read = readPlan(JSON.stringify(joined))
    expect(read).toEqual(joined)
    expect(JSON.parse(JSON.stringify(planForPlatform(read, arm)))).toMatchObject({
      platform: arm,
      steps: plans[1]?.steps ?? [],
      bases: plans[1]?.bases ?? [],
    })
    expect(planForPlatform(read, amd).bases).toEqual(plans[0]?.bases)
  })

  test("show as one row what is the same for both", () => {
    const table = planMarkdown(joined)
      .split("\n")
      .filter((line) => line.startsWith("|"))
    expect(table).toEqual([
      "| Image | Platform | Action | Why |",
      "| --- | --- | --- | --- |",
      "| `a` | linux/amd64, linux/arm64 | **build** | no published image has this content (key 1) |",
      "| `b` | linux/amd64 | reuse | 2026.4-main has this content, by its label |",
      "| `b` | linux/arm64 | **build** | its files changed: images/b/only-arm64.txt (+1) |",
    ])
    expect(planMarkdown(joined)).toContain("**2 images for 2 platforms: 3 to build, 1 to reuse.**")
    expect(planMarkdown(joined)).toContain("- linux/arm64: input key `3`")
  })

  test("a platform without a step of its own, or with two, is no plan", () => {
    const twice = { ...joined, steps: [...joined.steps, ...joined.steps.slice(0, 1)] }
    expect(() => readPlan(JSON.stringify(twice))).toThrow('it has two steps for "a"')
    const child = { ...built("c", "5"), platform: arm, parents: [{ from: "step" as const, image: "b" }] }
    const early = { ...joined, steps: [{ ...reused("b", "2"), platform: amd }, child] }
    expect(() => readPlan(JSON.stringify(early))).toThrow('"c" comes before its parent "b"')
  })
})

describe("the index of an image", () => {
  test.each<readonly [string, readonly Step[], string | undefined]>([
    [
      "is there where all platforms are in one",
      [reused("a", "1", digest("i")), reused("a", "2", digest("i"))],
      digest("i"),
    ],
    [
      "is made anew where they are in two",
      [reused("a", "1", digest("i")), reused("a", "2", digest("j"))],
      undefined,
    ],
    ["is made anew where one is built", [reused("a", "1", digest("i")), built("a", "2")], undefined],
    ["is made anew where what is there lacks one", [reused("a", "1"), reused("a", "2")], undefined],
    ["is none of one platform", [reused("a", "1", digest("i"))], undefined],
  ])("%s", (_, steps, expected) => {
    expect(publishedIndex(steps)).toBe(expected)
  })

  test("has a key of its own, and of one platform that one's", () => {
    expect(joinedKey(["x"])).toBe("x")
    expect(joinedKey(["x", "y"])).not.toBe(joinedKey(["y", "x"]))
  })
})
