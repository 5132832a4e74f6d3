import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { PlatformEngine } from "../../../dagger/lib/engine/platform.js"
import { runnablePlatforms } from "../../../dagger/lib/engine/platform.js"
import { joinedManifest, lookIntoEach } from "../../../dagger/lib/gather/lookInto.js"
import { RegistrySession } from "../../../dagger/lib/gather/registrySession.js"
import { manifestsByPlatform } from "../../../dagger/lib/manifest/platformManifests.js"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { withoutEngine } from "../../support/absentEngine.js"
import { digestOf, listsOf, manifestOf } from "../../support/manifests.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { amd, arm, pushJoined } from "../../support/registryIndexes.js"

// Looking into a published image of several platforms: a registry that has an index, and no engine to look into images.

withoutEngine()

const registry = await startRegistry()
const { client } = clientOf(registry)
const repository = { registry: registry.host, path: "org/base" }

beforeAll(async () => {
  const content = { contents: ["1", "1"], commits: ["a", "a"], commit: "a" } as const
  await pushJoined(registry, client, repository, "1", content)
})
afterAll(() => registry.stop())

const engineOf = (own: string, other?: string): PlatformEngine => ({
  own: () => Promise.resolve(own),
  architectureFor: () =>
    other === undefined ? Promise.reject(new Error("exec format error")) : Promise.resolve(other),
})

test.each([
  ["its own alone", engineOf("linux/amd64"), [amd], [arm]],
  ["its own, whatever its variant", engineOf("linux/arm64/v8"), [arm], [amd]],
  ["those that it emulates, too", engineOf("linux/amd64", "arm64"), [amd, arm], []],
])("an engine runs %s", async (_, engine, able, unable) => {
  expect(await runnablePlatforms([amd, arm], engine)).toMatchObject({ able, unable })
})

describe("the images of an index as one manifest", () => {
  const index = { name: "base", reference: parseReference("r.example/org/base:1"), platform: amd }
  const found = (platform: string, packages: string) =>
    manifestOf("base", "1", { digest: digestOf("9"), platform, packages: listsOf({ apt: packages }) })
  const parts = (ofAmd?: string, ofArm?: string) => [
    { platform: amd, digest: digestOf("1"), found: ofAmd === undefined ? undefined : found(amd, ofAmd) },
    {
      platform: arm,
      digest: digestOf("2"),
      found: ofArm === undefined ? undefined : found("linux/arm64/v8", ofArm),
    },
  ]
  const told = (looked: ReturnType<typeof joinedManifest>) =>
    typeof looked === "string"
      ? looked
      : manifestsByPlatform(looked.manifest).map(({ isShown, manifest: { digest, packages } }) => [
          isShown,
          digest,
          packages,
        ])
  const bash = listsOf({ apt: "bash 1" })

  test.each([
    [
      "both",
      parts("bash 1", "bash 1"),
      [
        [true, digestOf("1"), bash],
        [false, digestOf("2"), bash],
      ],
    ],
    [
      "the first alone",
      parts("bash 1"),
      [
        [true, digestOf("1"), bash],
        [false, digestOf("2"), {}],
      ],
    ],
    [
      "another alone, which is shown then",
      parts(undefined, "bash 1"),
      [
        [false, digestOf("1"), {}],
        [true, digestOf("2"), bash],
      ],
    ],
    ["none", parts(), "a notice"],
  ])("%s", (_, looked, expected) => {
    expect(told(joinedManifest(index, looked, ["a notice"]))).toEqual(expected)
  })

  test("one that could not be looked into says why", () => {
    const looked = [
      ...parts("bash 1").slice(0, 1),
      { platform: arm, digest: digestOf("2"), found: "it is gone" },
    ]
    expect(joinedManifest(index, looked, [])).toMatchObject({ notices: ["it is gone"] })
  })
})

describe("in a registry", () => {
  const written = `${registry.host}/org/base:1`
  const image = { name: "base", reference: { ...repository, tag: "1" }, platform: amd }
  const looked = async (wanted: readonly string[], engine: PlatformEngine, tag = "1") =>
    lookIntoEach(
      await RegistrySession.open(undefined),
      { ...image, reference: { ...repository, tag } },
      wanted,
      engine,
    )

  test("what nobody can look into says why: the engine, or the registry", async () => {
    // Without an engine nothing is found of the platform that it would run.
    expect(await looked([amd, arm], engineOf("linux/amd64"))).toContain(written)
    expect(await looked([amd, arm], engineOf("linux/riscv64"))).toBe(
      `${written} is not looked into for linux/amd64 and linux/arm64, whose programs this engine of linux/riscv64 does not run`,
    )
    expect(await looked([amd, arm], engineOf("linux/amd64"), "2")).toBe(
      `there is no ${registry.host}/org/base:2`,
    )
  })

  test("of a stack of one platform nobody asks what the index lists", async () => {
    const before = registry.accessLog().length
    await looked([amd], engineOf("linux/amd64"), "2")
    const paths = registry.accessLog().slice(before)
    expect(paths.filter(({ path }) => path.includes("/manifests/2"))).toHaveLength(1)
  })
})
