import { describe, expect, it } from "vitest"
import { existingReview, sides } from "../../support/reviews.js"
import { reviewedImage } from "../../../dagger/lib/review/review.js"
import { renderReview } from "../../../dagger/lib/review/reviewMarkdown.js"
import { digestOf, listsOf, manifestOf } from "../../support/manifests.js"
import type { Review } from "../../../dagger/lib/review/review.js"

describe("an image under review", () => {
  it("is the same where the digest is", () => {
    const before = manifestOf("base")
    expect(reviewedImage({ before, after: before, milliseconds: 5 })).toEqual({ kind: "same", name: "base" })
  })

  it("is compared by its packages where it has no digest yet; layers count where both are in a registry", () => {
    const reviewed = reviewedImage(sides())
    expect(reviewed).toMatchObject({
      kind: "compared",
      layers: { from: 1, to: 2 },
      tests: { from: {}, to: {} },
    })
    const { before, after } = sides()
    const unpublished = reviewedImage({ before, after: { ...after, layers: [] }, milliseconds: 1 })
    expect(unpublished).not.toHaveProperty("layers")
  })
})

describe("the section of a report", () => {
  const text = renderReview(existingReview()).join("\n\n")

  it("has a row for each image that changes, and its packages", () => {
    expect(text).toContain(
      "| left | 1 upgraded, 1 added | 74.8 MB → 84.8 MB (+10.0 MB) | 1 → 2 | 3 passed → 2 passed, 1 failed | 61.0 s |".replace(
        "61.0 s",
        "1 min 01 s",
      ),
    )
    expect(text).toContain("| numpy | upgraded | `1.26.4` | `2.0.0` |")
    expect(text).toContain("| fresh | **new image** |")
    expect(text).toContain("- lost: there is no r.example/lost")
  })

  it("has nothing but a word for those that do not", () => {
    expect(text).toContain("The same as there: base.")
    expect(text).not.toContain("| base |")
    expect(
      renderReview({ version: 1, against: "2026.4-main", images: [{ kind: "same", name: "base" }] }),
    ).toEqual(["## What changes against `2026.4-main`", "No image."])
  })
})

describe("an image of several platforms under review", () => {
  /** A row of one of its platforms, with these packages before and after. */
  const row = (platform: string, from: string, to: string) => {
    const of = (apt: string, digit: string) =>
      manifestOf(`left (${platform})`, "2026.4-main", { digest: digestOf(digit), packages: listsOf({ apt }) })
    const part = { image: "left", platform }
    return reviewedImage({ before: of(from, "1"), after: of(to, "2"), part, milliseconds: 1000 })
  }
  const rendered = (images: Review["images"]) =>
    renderReview({ version: 1, against: "2026.4-main", images }).join("\n\n")

  it("has a row for each, and its packages once: those of one platform with its name", () => {
    const text = rendered([
      row("linux/amd64", "bash 1", "bash 2"),
      row("linux/arm64", "bash 1", "bash 2, arm-only 1"),
    ])
    expect(text).toContain("| left (linux/amd64) | 1 upgraded |")
    expect(text).toContain("| left (linux/arm64) | 1 upgraded, 1 added |")
    expect(text.match(/^### .*$/gm)).toEqual(["### left: 2 packages"])
    expect(text.match(/\| bash \|/g)).toHaveLength(1)
    expect(text).toMatch(/Only on `linux\/arm64`:\n\n.*\n\n.*\n.*\n\| arm-only \| added \|/)
  })

  it("of which one changes is told with its name", () => {
    const text = rendered([
      { kind: "same", name: "left (linux/amd64)" },
      row("linux/arm64", "bash 1", "bash 2"),
    ])
    expect(text.match(/^### .*$/gm)).toEqual(["### left (linux/arm64): 1 package"])
  })
})
