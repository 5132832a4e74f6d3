import { afterAll, beforeAll, expect, test } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { imageFacts } from "../../../dagger/lib/registry/imageFacts.js"
import { mediaTypes } from "../../../dagger/lib/registry/mediaTypes.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"

// Debian's registry answers a request that does not accept what a tag names as if nothing were there, or with another
// manifest: BuildKit pushes Docker's types and OCI's.

const registry = await startRegistry()
const { client } = clientOf(registry)
afterAll(() => registry.stop())

const repository = { registry: registry.host, path: "org/types" }
const named = (tag: string) => parseReference(`${registry.host}/org/types:${tag}`)
const docker = {
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
const digests = new Map<string, string>()

interface ImageDocument {
  readonly config: object
  readonly layers: readonly object[]
}

beforeAll(async () => {
  await pushImage(registry, "org/types:source", { layers: ["a", "b"] })
  const source = await client.manifest(named("source"))
  const document = JSON.parse(Buffer.from(source?.bytes ?? []).toString()) as ImageDocument
  const put = async (mediaType: string, content: object): Promise<string> => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }))
    const digest = await client.putManifest(repository, tagOf(mediaType), { bytes, mediaType })
    digests.set(mediaType, digest)
    return digest
  }
  const indexOf = async (mediaType: string, image: string, digest: string): Promise<void> => {
    const { size } = (await client.resolve({ ...repository, digest })) ?? { size: 0 }
    const platform = { os: "linux", architecture: "amd64" }
    await put(mediaType, { manifests: [{ mediaType: image, digest, size, platform }] })
  }
  const { config, layers } = document
  const oci = await put(mediaTypes.ociManifest, { config, layers, annotations: { a: "b" } })
  await indexOf(mediaTypes.ociIndex, mediaTypes.ociManifest, oci)
  const old = await put(mediaTypes.dockerManifest, {
    config: { ...config, mediaType: docker.config },
    layers: layers.map((layer) => ({ ...layer, mediaType: docker.layer })),
  })
  await indexOf(mediaTypes.dockerList, mediaTypes.dockerManifest, old)
})

function tagOf(mediaType: string): string {
  return mediaType.replaceAll(/[^a-z0-9.]/g, "-")
}

test.each(Object.entries(mediaTypes))("%s is found, read and looked into", async (_, mediaType) => {
  const digest = digests.get(mediaType)
  expect(await client.resolve(named(tagOf(mediaType)))).toMatchObject({ digest, mediaType })
  expect(await client.manifest(named(tagOf(mediaType)))).toMatchObject({ digest, mediaType })
  expect(await imageFacts(client, named(tagOf(mediaType)))).toMatchObject({ digest, platform: "linux/amd64" })
})
