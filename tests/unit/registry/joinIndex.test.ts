import { afterAll, describe, expect, it } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { indexedImage, platformImage } from "../../../dagger/lib/registry/imageFacts.js"
import { joinIndex } from "../../../dagger/lib/registry/joinIndex.js"
import { labels } from "../../../dagger/lib/registry/labels.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage, skopeoDigest } from "../../support/registryImages.js"

const registry = await startRegistry()
afterAll(() => registry.stop())

const { client } = clientOf(registry)
const named = (name: string) => parseReference(`${registry.host}/${name}`)
const repository = { registry: registry.host, path: "org/joined" }
const amd = "linux/amd64"
const arm = "linux/arm64"
const annotations = new Map([
  [labels.version, "2026.4-main"],
  [labels.title, "joined"],
])

describe("the index of two images", async () => {
  const keyed = (key: string) => ({ layers: [key], annotations: { [labels.inputKey]: key } })
  const images = [
    { platform: amd, digest: await pushImage(registry, "org/joined:amd", keyed("k-amd")) },
    { platform: arm, digest: await pushImage(registry, "org/joined:arm", keyed("k-arm")) },
  ]

  it("takes a HEAD for each and one PUT, and is the same each time", async () => {
    const before = registry.accessLog().length
    const digest = await joinIndex(client, repository, images, annotations, "both")
    const asked = registry.accessLog().slice(before)
    expect(asked.map(({ method }) => method).toSorted()).toEqual(["HEAD", "HEAD", "PUT"])
    expect(await skopeoDigest(registry, "org/joined:both")).toBe(digest)
    const again = new Map([...annotations].toReversed())
    expect(await joinIndex(client, repository, images, again, "again")).toBe(digest)
    const manifest = await client.manifest(named("org/joined:both"))
    const document = JSON.parse(Buffer.from(manifest?.bytes ?? []).toString()) as Record<string, unknown>
    expect(document).toMatchObject({
      schemaVersion: 2,
      manifests: [
        { digest: images[0]?.digest, platform: { architecture: "amd64", os: "linux" } },
        { digest: images[1]?.digest, platform: { architecture: "arm64", os: "linux" } },
      ],
      annotations: Object.fromEntries(annotations),
    })
  })

  it("is asked what it has for a platform; an image is no index", async () => {
    await joinIndex(client, repository, images, annotations, "asked")
    expect(await indexedImage(client, named("org/joined:asked"), arm)).toEqual(images[1])
    expect(await indexedImage(client, named("org/joined:asked"), "linux/riscv64")).toEqual(images[0])
    expect(await indexedImage(client, named("org/joined:amd"), amd)).toBeUndefined()
    expect(await indexedImage(client, named("org/joined:nothing"), amd)).toBeUndefined()
  })

  it("refuses an image that is not there", async () => {
    const lost = [...images.slice(1), { platform: amd, digest: `sha256:${"0".repeat(64)}` }]
    await expect(joinIndex(client, repository, lost, annotations, "lost")).rejects.toMatchObject({
      kind: "not-found",
    })
    expect(await client.resolve(named("org/joined:lost"))).toBeUndefined()
  })

  it.each<readonly [string, readonly string[], boolean]>([
    ["what was wanted", [arm, amd], true],
    ["more than was wanted", [arm], false],
    ["less than was wanted", [amd, arm, "linux/riscv64"], false],
  ])("is seen from one platform, and has %s", async (_, wanted, isExact) => {
    const index = await joinIndex(client, repository, images, annotations, "seen")
    const found = await platformImage(client, named("org/joined:seen"), arm, wanted)
    expect(found).toMatchObject({ digest: images[1]?.digest, isPart: !isExact })
    expect(found?.labels.get(labels.inputKey)).toBe("k-arm")
    expect(found?.index).toBe(isExact ? index : undefined)
  })

  it("has nothing for another platform; an image without an index is itself", async () => {
    expect(await platformImage(client, named("org/joined:seen"), "linux/riscv64", [])).toBeUndefined()
    const plain = await platformImage(client, named("org/joined:amd"), amd, [amd])
    expect(plain).toMatchObject({ digest: images[0]?.digest, isPart: false })
    expect(plain?.index).toBeUndefined()
  })
})
