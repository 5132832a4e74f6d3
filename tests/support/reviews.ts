import type { Review, ReviewedSides } from "../../dagger/lib/review/review.js"
import { reviewedImage } from "../../dagger/lib/review/review.js"
import { digestOf, manifestOf, packagesOf } from "./manifests.js"

/** An image before and after: a package more, another one newer, larger, with a failing test. */
export function sides(name = "left", packages = "numpy 2.0.0, pandas 2.2.0, polars 1.0"): ReviewedSides {
  const before = manifestOf(name)
  const [layer = { command: "" }] = before.layers
  const after = manifestOf(name, "2026.4-topic", {
    digest: digestOf("c"),
    size: { compressed: 29_000_000, unpacked: 84_800_000 },
    layers: [layer, layer],
    tests: { passed: 2, failed: 1, skipped: 0, errors: 0, seconds: 3 },
    packages: { pip: { kind: "listed", packages: packagesOf(packages) } },
  })
  return { before, after, milliseconds: 61_000 }
}

/** A review with an image of each kind. */
export function existingReview(): Review {
  return {
    version: 1,
    against: "2026.4-main",
    images: [
      { kind: "same", name: "base" },
      reviewedImage(sides()),
      { kind: "new", name: "fresh", milliseconds: 1500 },
      { kind: "unknown", name: "lost", why: "there is no r.example/lost" },
    ],
  }
}
