import { expect, test } from "vitest"
import { completed, tellOfTheSame, tellsOf, withKnown } from "../../../dagger/lib/manifest/knownImage.js"
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

test("a manifest tells of its own digest, and of that of the platform that it shows", () => {
  expect([joined.digest, amdDigest, armDigest].map((digest) => tellsOf(joined, digest))).toEqual([
    true,
    true,
    false,
  ])
  const other = { ...joined, digest: digestOf("8") }
  expect(tellOfTheSame(joined, other)).toBe(true)
  expect(tellOfTheSame(joined, { ...inspected, digest: armDigest })).toBe(false)
  expect(tellOfTheSame({ ...inspected, digest: undefined }, { ...inspected, digest: undefined })).toBe(false)
})

test("tags are those of the index, which is another one now", () => {
  const before = { ...inspected, digest: amdDigest, tags: ["2026.4-stable"] }
  expect(withKnown(joined, before).tags).toEqual(["2026.4-main"])
  expect(withKnown(taken, { ...inspected, tags: ["2026.4-stable"] }).tags).toEqual([
    "2026.4-main",
    "2026.4-stable",
  ])
})
