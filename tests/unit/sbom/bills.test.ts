import { expect, test } from "vitest"
import { billsOf } from "../../../dagger/lib/calls/billsOfMaterials.js"
import type { ImageManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { manifestsByPlatform } from "../../../dagger/lib/manifest/platformManifests.js"
import { manifestOf, twoPlatforms } from "../../support/manifests.js"

const name = "sbom/ghcr-io-example-base-2026.4-main"

function written(...manifests: readonly ImageManifest[]) {
  return billsOf(manifests.flatMap(manifestsByPlatform), [], "spdx")
}

test("an image of one platform has one bill, and no platform is spoken of", () => {
  const { report, markdown, files } = written(manifestOf())
  expect([...(files ?? [])].map(([path]) => path)).toEqual([`${name}.spdx.json`])
  expect(markdown).toContain("1 image, 2 packages.")
  expect(markdown).toContain("| base | 2 |")
  expect(JSON.stringify(report)).not.toContain("linux/")
})

test("an image of several has one for each: the first by the usual name, the others with their platform in it", () => {
  const two = twoPlatforms({ apt: "bash 1" }, { apt: "bash 1, arm-only 1" })
  const { report, markdown, files } = written(two)
  expect([...(files ?? [])].map(([path]) => path)).toEqual([
    `${name}.spdx.json`,
    `${name}.linux-arm64.spdx.json`,
  ])
  expect(files?.get(`${name}.spdx.json`)).not.toContain("arm-only")
  expect(files?.get(`${name}.linux-arm64.spdx.json`)).toContain("pkg:deb/debian/arm-only@1")
  expect(markdown).toContain("1 image, 3 packages.")
  expect(markdown).toContain(`| base (linux/arm64) | 2 | \`${name}.linux-arm64.spdx.json\` |`)
  expect(report).toMatchObject({
    images: [
      { image: "base", platform: "linux/amd64", path: `${name}.spdx.json` },
      { image: "base", platform: "linux/arm64", path: `${name}.linux-arm64.spdx.json` },
    ],
  })
})

test("a platform that no run looked into is left out by name", () => {
  const { markdown, files } = written(twoPlatforms({ apt: "bash 1" }, {}))
  expect([...(files ?? [])]).toHaveLength(1)
  expect(markdown).toContain("2026.4-main (linux/arm64) is left out: no run looked into it")
})
