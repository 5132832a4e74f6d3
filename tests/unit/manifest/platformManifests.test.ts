import { expect, test } from "vitest"
import { isInspected } from "../../../dagger/lib/manifest/knownImage.js"
import { formatManifest, parseManifest } from "../../../dagger/lib/manifest/manifestData.js"
import {
  leftOut,
  manifestsByPlatform,
  platformEntry,
} from "../../../dagger/lib/manifest/platformManifests.js"
import { digestOf, listsOf, manifestOf, twoPlatforms } from "../../support/manifests.js"

const both = twoPlatforms({ apt: "bash 5.2" }, { apt: "bash 5.3, arm-only 1" })

test("an image of one platform is itself", () => {
  const manifest = manifestOf()
  expect(manifestsByPlatform(manifest)).toEqual([{ isShown: true, manifest }])
  expect(manifestsByPlatform(manifest)[0]?.manifest).toBe(manifest)
})

test("an image of several is one of each: with its own packages, digest and size", () => {
  const parts = manifestsByPlatform(both)
  expect(parts).toMatchObject([
    {
      platform: "linux/amd64",
      isShown: true,
      manifest: {
        digest: digestOf("1"),
        platform: "linux/amd64",
        size: { compressed: 10, unpacked: 100 },
        packages: listsOf({ apt: "bash 5.2" }),
        tests: both.tests,
        layers: both.layers,
      },
    },
    {
      platform: "linux/arm64",
      isShown: false,
      manifest: {
        digest: digestOf("2"),
        platform: "linux/arm64",
        size: { compressed: 11, unpacked: 110 },
        packages: listsOf({ apt: "bash 5.3, arm-only 1" }),
        reference: both.reference,
        layers: [],
        sections: [],
      },
    },
  ])
  for (const { manifest } of parts) expect(manifest.platforms).toBeUndefined()
  // What the document tells of another platform is not said of this one.
  const { tests, commit, base, os } = parts[1]?.manifest ?? both
  expect([tests, commit, base, os]).toEqual([undefined, undefined, undefined, undefined])
})

test.each([
  ["the variant that an image names", "linux/arm64/v8", ["linux/amd64", "linux/arm64"], [false, true]],
  ["no variant", "linux/amd64", ["linux/amd64/v2", "linux/arm64"], [true, false]],
])("the shown platform is found by its family: %s", (_, platform, names, shown) => {
  const platforms = names.map((each) => ({ platform: each, size: {} }))
  const parts = manifestsByPlatform({ ...both, platform, platforms })
  expect(parts.map(({ isShown }) => isShown)).toEqual(shown)
})

test("a document of an earlier version has no lists of the others, which nobody has looked into then", () => {
  const [, arm] = manifestsByPlatform(parseManifest(formatManifest(twoPlatforms({ apt: "bash 5.2" }, {}))))
  expect(arm && isInspected(arm.manifest)).toBe(false)
  expect(arm && leftOut(arm)).toBe(
    "ghcr.io/example/base:2026.4-main (linux/arm64) is left out: no run looked into it",
  )
  expect(leftOut({ isShown: true, manifest: manifestOf() })).toBe(
    "ghcr.io/example/base:2026.4-main is left out: no run looked into it",
  )
})

test("the document comes back as it was, and has the version that earlier modules read", () => {
  const text = formatManifest(both)
  expect(parseManifest(text)).toEqual(both)
  expect(JSON.parse(text)).toMatchObject({ version: 1 })
})

test("an entry of the shown platform has no lists: they stand in the document itself", () => {
  const told = {
    digest: digestOf("1"),
    size: {},
    os: { id: "debian" },
    packages: listsOf({ apt: "bash 5.2" }),
  }
  expect(platformEntry("linux/amd64", told, true)).toEqual({
    platform: "linux/amd64",
    digest: digestOf("1"),
    size: {},
  })
  expect(platformEntry("linux/amd64", told, false)).toEqual({ platform: "linux/amd64", ...told })
  expect(platformEntry("linux/amd64", { ...told, packages: {} }, false)).not.toHaveProperty("packages")
})
