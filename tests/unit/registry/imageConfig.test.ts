import { afterAll, beforeAll, expect, test } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { RegistryClient } from "../../../dagger/lib/registry/client.js"
import { imageConfig } from "../../../dagger/lib/registry/imageConfig.js"
import { askBaseConfigs } from "../../../dagger/lib/gather/baseConfigs.js"
import { addToConfig } from "../../support/publishedConfig.js"
import { startRegistry } from "../../support/registry.js"
import type { TestRegistry } from "../../support/registry.js"
import { pushImage } from "../../support/registryImages.js"

let registry: TestRegistry
let reference: string

beforeAll(async () => {
  registry = await startRegistry()
  reference = `${registry.host}/org/base:1`
  await pushImage(registry, "org/base:1", { labels: { maintainer: "me" } })
  await addToConfig(reference, {
    Shell: ["/bin/bash", "-c"],
    OnBuild: ["COPY . /srv"],
    Healthcheck: { Test: ["CMD", "true"] },
  })
})

afterAll(() => registry.stop())

test("what an image hands down is read as it stands in its registry", async () => {
  const config = await imageConfig(new RegistryClient(), parseReference(reference), "linux/amd64")
  expect(config).toMatchObject({
    labels: new Map([["maintainer", "me"]]),
    shell: ["/bin/bash", "-c"],
    onbuild: ["COPY . /srv"],
    healthcheck: { test: ["CMD", "true"] },
    user: "",
    command: [],
  })
})

test("bases that cannot be asked about are told with the reason, at once", async () => {
  const missing = `${registry.host}/org/none:1`
  const closed = "127.0.0.1:1/org/base:1"
  const client = new RegistryClient()
  const { digest = "" } = (await client.resolve(parseReference(reference))) ?? {}
  const digests = new Map([reference, missing, closed].map((each) => [each, digest]))
  const { configs, unknown } = await askBaseConfigs(digests, () => undefined, "linux/amd64")
  expect([...configs.keys()]).toEqual([reference])
  expect(unknown.get(missing)).toBe("its registry has it no more")
  expect(unknown.get(closed)).toMatch(/ECONNREFUSED|fetch failed|refused/)
})
