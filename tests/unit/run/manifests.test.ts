import { expect, test } from "vitest"
import type { ProbeResult } from "../../../dagger/lib/engine/inspectImage.js"
import type { PublishedFacts } from "../../../dagger/lib/gather/publishedFacts.js"
import { parseManifest } from "../../../dagger/lib/manifest/manifestData.js"
import type { EndedImage, PlatformEnd } from "../../../dagger/lib/run/execution.js"
import { factsName, renderManifests } from "../../../dagger/lib/run/manifests.js"
import { Progress } from "../../../dagger/lib/run/progress.js"
import { ImageRecord } from "../../../dagger/lib/run/record.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { jobOf } from "../../support/imageJobs.js"
import { digestOf } from "../../support/manifests.js"
import { stackOf } from "../../support/source.js"

// What a run writes of an image of two platforms.

const [amd, arm] = ["linux/amd64", "linux/arm64"] as const
const spec = loadSpec(stackOf({ base: {} }, { spec: { platforms: [amd, arm] } }))
const noCounts = { refresh: () => Promise.resolve(), describe: () => undefined }
const page = "ghcr-io-example-base-2026.4-main"

function facts(platform: string, compressedBytes: number): PublishedFacts {
  return { platform, compressedBytes, layers: [], labels: new Map() }
}

/** An image on one platform: built and looked into with this package, or taken as it is published. */
function partOf(platform: string, version: string | undefined, digest: string | undefined): PlatformEnd {
  const job = { ...jobOf("base", version === undefined ? "retag" : "build"), platform }
  const record = new ImageRecord("base", new Progress(1, () => undefined, noCounts), [])
  if (version !== undefined) {
    const stdout = JSON.stringify([{ name: "tool", version }])
    record.probes = new Map<string, ProbeResult>([["packages:pip", { stdout, stderr: "", exitCode: 0 }]])
    record.outside = { unpackedBytes: Number(version) * 1000 }
  }
  const image: EndedImage = {
    kind: "ended",
    job,
    record,
    outcome: { kind: "passed" },
    digest,
    published: false,
  }
  return { platform, isEmulated: platform === arm, tests: "full", image }
}

/** The files that a run writes, of an index with this digest or of none. */
function filesOf(platforms: readonly PlatformEnd[], digest: string | undefined): ReadonlyMap<string, string> {
  const [first] = platforms
  if (first === undefined) throw new RangeError("no platform")
  const image: EndedImage = { ...first.image, digest, published: digest !== undefined, platforms }
  const published = new Map([
    ...(digest === undefined ? [] : [["base", facts(amd, 100)] as const]),
    [factsName("base", amd), facts(amd, 100)],
    [factsName("base", arm), facts(arm, 200)],
  ])
  const context = {
    spec,
    tag: "2026.4-main",
    platform: amd,
    startedAt: 0,
    source: { branch: "main", dirty: false },
  }
  return new Map(renderManifests([image], { ...context, published }))
}

const read = (files: ReadonlyMap<string, string>, path: string) => parseManifest(files.get(path) ?? "", path)
const versions = (files: ReadonlyMap<string, string>, path: string) => {
  const { pip } = read(files, path).packages
  return pip?.kind === "listed" ? pip.packages.map(({ version }) => version) : pip?.kind
}

test("the page is that of the first platform with the sizes of all; the others have pages and bills of their own", () => {
  const files = filesOf([partOf(amd, "1", digestOf("1")), partOf(arm, "2", digestOf("2"))], digestOf("9"))
  expect([...files.keys()].toSorted()).toEqual([
    `manifests/${page}.json`,
    `manifests/${page}.md`,
    `manifests/linux-arm64/${page}.json`,
    `manifests/linux-arm64/${page}.md`,
    `sbom/${page}.linux-arm64.spdx.json`,
    `sbom/${page}.spdx.json`,
  ])
  expect(read(files, `manifests/${page}.json`)).toMatchObject({
    digest: digestOf("9"),
    platform: amd,
    platforms: [
      { platform: amd, digest: digestOf("1"), size: { compressed: 100, unpacked: 1000 } },
      { platform: arm, digest: digestOf("2"), size: { compressed: 200, unpacked: 2000 } },
    ],
    tags: ["2026.4-main"],
  })
  expect(read(files, `manifests/linux-arm64/${page}.json`)).toMatchObject({
    digest: digestOf("2"),
    platform: arm,
    size: { compressed: 200, unpacked: 2000 },
  })
  expect(versions(files, `manifests/${page}.json`)).toEqual(["1"])
  expect(versions(files, `manifests/linux-arm64/${page}.json`)).toEqual(["2"])
  expect(files.get(`sbom/${page}.linux-arm64.spdx.json`)).toContain("pkg:pypi/tool@2")
  // Each bill is of the image that has these packages, and not of the index.
  expect(files.get(`sbom/${page}.spdx.json`)).toContain(`pkg:oci/base@${digestOf("1")}`)
  expect(files.get(`sbom/${page}.linux-arm64.spdx.json`)).toContain(`pkg:oci/base@${digestOf("2")}`)
})

test("the document of the index has the packages of each platform that the run looked into", () => {
  const pip = (version: string) => ({ pip: { kind: "listed", packages: [{ name: "tool", version }] } })
  const built = filesOf([partOf(amd, "1", digestOf("1")), partOf(arm, "2", digestOf("2"))], digestOf("9"))
  const { packages, platforms } = read(built, `manifests/${page}.json`)
  expect([packages, ...(platforms ?? []).map((each) => each.packages)]).toEqual([
    pip("1"),
    undefined,
    pip("2"),
  ])
  expect(built.get(`manifests/${page}.md`)).toContain("| tool | pip | `1` | `2` |")

  const taken = filesOf(
    [partOf(amd, "1", digestOf("1")), partOf(arm, undefined, digestOf("2"))],
    digestOf("9"),
  )
  expect(read(taken, `manifests/${page}.json`).platforms?.[1]).not.toHaveProperty("packages")
  expect(taken.get(`manifests/${page}.md`)).toContain("`linux/arm64`: no run looked into it.")
})

test("where the first is as it is published, the page of the index says so, and the other's tells what is new", () => {
  const files = filesOf(
    [partOf(amd, undefined, digestOf("1")), partOf(arm, "2", digestOf("2"))],
    digestOf("9"),
  )
  expect(versions(files, `manifests/${page}.json`)).toBeUndefined()
  expect(read(files, `manifests/${page}.json`).platforms?.[1]?.packages?.pip?.kind).toBe("listed")
  expect(files.get(`manifests/${page}.md`)).toContain("did not look into the image")
  expect(versions(files, `manifests/linux-arm64/${page}.json`)).toEqual(["2"])
})

test("where nothing is published, the page tells of the platform that the run has built", () => {
  const files = filesOf([partOf(amd, undefined, digestOf("1")), partOf(arm, "2", undefined)], undefined)
  expect([...files.keys()].toSorted()).toEqual([
    `manifests/${page}.json`,
    `manifests/${page}.md`,
    `sbom/${page}.spdx.json`,
  ])
  expect(read(files, `manifests/${page}.json`)).toMatchObject({ platform: arm })
  expect(versions(files, `manifests/${page}.json`)).toEqual(["2"])
})
