import { expect, test } from "vitest"
import { completed, toldOf, toldOfTheSame, withKnown } from "../../../dagger/lib/manifest/knownImage.js"
import { digestOf, listsOf, manifestOf, twoPlatforms } from "../../support/manifests.js"

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

const [amd, arm] = ["linux/amd64", "linux/arm64"] as const
const [amdDigest, armDigest] = [digestOf("1"), digestOf("2")]
/** The same image for amd64 in an index with another one for arm64. */
const joined = {
  ...taken,
  digest: digestOf("9"),
  platforms: [
    { platform: amd, digest: amdDigest, size: { compressed: 10 } },
    { platform: arm, digest: armDigest, size: { compressed: 11 } },
  ],
}

test("an index is completed by the runs of its platforms: what is in the first, and the sizes of all", () => {
  const ofAmd = { ...inspected, digest: amdDigest, size: { compressed: 10, unpacked: 100 } }
  const ofArm = { ...inspected, digest: armDigest, platform: arm, size: { compressed: 11, unpacked: 110 } }
  expect(completed([joined], [ofArm, ofAmd])).toMatchObject([
    {
      digest: digestOf("9"),
      tags: ["2026.4-main"],
      packages: inspected.packages,
      platforms: [
        { platform: amd, size: { compressed: 10, unpacked: 100 } },
        { platform: arm, size: { compressed: 11, unpacked: 110 } },
      ],
    },
  ])
  expect(completed([joined], [ofArm])[0]).toMatchObject({
    packages: {},
    platforms: [{ size: { compressed: 10 } }, { size: { unpacked: 110 } }],
  })
})

test("an index is completed by platform: each list by the run that looked into that digest", () => {
  const ofAmd = { ...inspected, digest: amdDigest, packages: listsOf({ apt: "bash 5.2" }) }
  const os = { id: "debian", version: "13" }
  const ofArm = {
    ...{ ...inspected, digest: armDigest, platform: "linux/arm64/v8", os },
    packages: listsOf({ apt: "bash 5.2, arm-only 1" }),
  }
  const [whole] = completed([joined], [ofArm, ofAmd])
  expect(whole?.packages).toEqual(ofAmd.packages)
  expect(whole?.platforms?.[0]).not.toHaveProperty("packages")
  expect(whole?.platforms?.[1]).toMatchObject({ platform: arm, os, packages: ofArm.packages })

  // The run has built the other one itself: what it saw stays, and what it took is found.
  const seen = [
    { platform: amd, digest: amdDigest, size: {} },
    { platform: arm, digest: armDigest, size: {}, packages: listsOf({ apt: "bash 6" }) },
  ]
  const [kept] = completed([{ ...joined, platforms: seen }], [ofArm, ofAmd])
  expect(kept?.packages).toEqual(ofAmd.packages)
  expect(kept?.platforms?.[1]?.packages).toEqual(listsOf({ apt: "bash 6" }))
  expect(completed([joined], [{ ...ofArm, digest: digestOf("3") }])[0]?.platforms).toEqual(joined.platforms)
})

test("of an index that shows another platform only what it tells of this one is taken", () => {
  const other = twoPlatforms({ apt: "bash 5.2" }, { apt: "bash 5.3" }, { tags: ["2026.4-stable"] })
  const shown = { ...joined, digest: digestOf("8"), platform: arm, layers: [] }
  const platforms = other.platforms?.map(({ platform, digest }) => ({ platform, digest, size: {} })) ?? []
  const [whole] = completed([{ ...shown, platforms }], [other])
  expect(whole).toMatchObject({ platform: arm, packages: listsOf({ apt: "bash 5.3" }), layers: [] })
  expect(whole?.platforms?.[0]?.packages).toEqual(listsOf({ apt: "bash 5.2" }))
  expect(whole?.platforms?.[1]).not.toHaveProperty("packages")
})

test("a manifest tells of its own digest, and of those of its platforms", () => {
  const told = [joined.digest, amdDigest, armDigest, digestOf("7")].map((digest) => toldOf(joined, digest))
  expect(told.map((each) => each && [each.digest, each.platform])).toEqual([
    [joined.digest, amd],
    [amdDigest, amd],
    [armDigest, arm],
    undefined,
  ])
  const other = { ...joined, digest: digestOf("8") }
  expect(toldOfTheSame(joined, other)).toMatchObject({ digest: amdDigest })
  expect(toldOfTheSame(joined, { ...inspected, digest: armDigest })).toBeUndefined()
  const nowhere = { ...inspected, digest: undefined }
  expect(toldOfTheSame(nowhere, nowhere)).toBeUndefined()
})

test("tags are those of the index, which is another one now", () => {
  const before = { ...inspected, digest: amdDigest, tags: ["2026.4-stable"] }
  expect(withKnown(joined, before).tags).toEqual(["2026.4-main"])
  expect(withKnown(taken, { ...inspected, tags: ["2026.4-stable"] }).tags).toEqual([
    "2026.4-main",
    "2026.4-stable",
  ])
})
