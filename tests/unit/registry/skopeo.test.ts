import { afterAll, beforeAll, expect, it } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { retag } from "../../../dagger/lib/registry/retag.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage, pushIndex, skopeoCopy, skopeoDigest } from "../../support/registryImages.js"

const registry = await startRegistry({ login: true })

beforeAll(async () => {
  await pushImage(registry, "org/image:1", { layers: ["a", 5000, "c"], annotations: { a: "b" } })
  await pushIndex(registry, "org/index:1", [{ layers: ["a"] }, { layers: ["b"], platform: "linux/arm64" }])
})
afterAll(() => registry.stop())

/** What was asked of the registry meanwhile. */
async function requestsOf(act: () => Promise<unknown>): Promise<number> {
  const before = registry.accessLog().length
  await act()
  return registry.accessLog().length - before
}

it.each([
  ["an image under another tag", "org/image:1", "org/image:other"],
  ["an index under another tag", "org/index:1", "org/index:other"],
])("does what skopeo does: %s", async (what, from, to) => {
  const target = parseReference(`${registry.host}/${to}`)
  const ours = await requestsOf(() =>
    retag(clientOf(registry).client, parseReference(`${registry.host}/${from}`), target.tag ?? ""),
  )
  const theirs = await requestsOf(() => skopeoCopy(registry, from, `${to}-by-skopeo`))
  const digest = await skopeoDigest(registry, from)
  expect(await skopeoDigest(registry, to)).toBe(digest)
  expect(await skopeoDigest(registry, `${to}-by-skopeo`)).toBe(digest)
  console.log(`${what}: ${ours} requests, skopeo ${theirs}`)
  expect(ours).toBeLessThan(theirs)
})
