import { afterAll, beforeAll, expect, test } from "vitest"
import { reviewRun } from "../../../dagger/lib/calls/reviewRun.js"
import type { ReviewedRun } from "../../../dagger/lib/calls/reviewRun.js"
import { RegistrySession } from "../../../dagger/lib/gather/registrySession.js"
import type { ImageManifest } from "../../../dagger/lib/manifest/manifestData.js"
import type { ImageReport, PlatformReport, StackReport } from "../../../dagger/lib/report/report.js"
import { withoutEngine } from "../../support/absentEngine.js"
import { digestOf, manifestOf } from "../../support/manifests.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import type { JoinedImage } from "../../support/registryIndexes.js"
import { amd, arm, pushJoined } from "../../support/registryIndexes.js"
import { pushImage } from "../../support/registryImages.js"
import { quarterScheme } from "../../support/tagScheme.js"

// What of an image of two platforms is told to change: a registry that has an index, and no engine to look into images.

withoutEngine()

const registry = await startRegistry()
const { client } = clientOf(registry)
afterAll(() => registry.stop())

const repository = { registry: registry.host, path: "org/base" }
let published: JoinedImage

beforeAll(async () => {
  const content = { contents: ["1", "1"], commits: ["a", "a"], commit: "a" } as const
  published = await pushJoined(registry, client, repository, "2026.4-main", content)
})

const outcome = { kind: "passed" } as const
const seen = {
  action: "build",
  reasons: [],
  outcome,
  inputKey: "k",
  steps: [],
  suites: [],
  notices: [],
  logs: [],
} as const

function partOf(platform: string, digest: string | undefined): PlatformReport {
  return { ...seen, platform, emulated: false, tests: "full", ...(digest !== undefined && { digest }) }
}

/** Rows of the review of one image: kind and name. */
async function reviewed(
  { digest, platforms }: Pick<ImageReport, "digest" | "platforms">,
  manifests: readonly ImageManifest[] = [],
  path = repository.path,
): Promise<readonly (readonly [string, string])[]> {
  const image: ImageReport = {
    ...seen,
    name: "base",
    reference: `${registry.host}/${path}:2026.4-topic`,
    published: false,
    ...(digest !== undefined && { digest }),
    ...(platforms !== undefined && { platforms }),
  }
  const run = {
    prepared: {
      spec: { tags: quarterScheme, images: new Map([["base", { platforms: [amd, arm] }]]) },
      repositories: new Map([["base", { ...repository, path }]]),
      plan: { platform: amd },
    },
    report: { images: [image] } as unknown as StackReport,
    manifests,
    registry: await RegistrySession.open(undefined),
    target: "main",
  } as unknown as ReviewedRun
  const { images } = await reviewRun(run)
  return images.map(({ kind, name }) => [kind, name] as const)
}

test("the same index, and one of the same images, is the same", async () => {
  const { digest, amd64, arm64 } = published
  const platforms = [partOf(amd, amd64), partOf(arm, arm64)]
  expect(await reviewed({ digest, platforms })).toEqual([["same", "base"]])
  expect(await reviewed({ digest: digestOf("9"), platforms })).toEqual([["same", "base"]])
})

test("a change of one platform alone is told, also of another one than the first, and unpublished", async () => {
  const after = manifestOf("base", "2026.4-topic", { platform: arm, digest: undefined })
  const platforms = [partOf(amd, published.amd64), partOf(arm, undefined)]
  const taken = { ...after, platform: amd, sections: [], packages: {} }
  // Nobody can look into what is published here; that it changes is known.
  expect(await reviewed({ platforms }, [taken, after])).toEqual([
    ["same", `base (${amd})`],
    ["unknown", `base (${arm})`],
  ])
  const swapped = [partOf(amd, undefined), partOf(arm, published.arm64)]
  expect(await reviewed({ platforms: swapped }, [{ ...after, platform: amd }])).toEqual([
    ["unknown", `base (${amd})`],
    ["same", `base (${arm})`],
  ])
})

test("a run for one of the platforms is compared with that one, and not with the index", async () => {
  expect(await reviewed({ digest: published.amd64 })).toEqual([["same", "base"]])
  expect(await reviewed({ digest: published.arm64 })).toEqual([["unknown", "base"]])
})

test("a platform that the branch does not have is new", async () => {
  const digest = await pushImage(registry, "org/plain:2026.4-main", { layers: ["plain"] })
  const platforms = [partOf(amd, digest), partOf(arm, undefined)]
  expect(await reviewed({ platforms }, [], "org/plain")).toEqual([
    ["same", `base (${amd})`],
    ["new", `base (${arm})`],
  ])
  expect(await reviewed({ platforms }, [], "org/nothing")).toEqual([["new", "base"]])
})
