import { afterAll, beforeAll, expect, it } from "vitest"
import { tagStable } from "../../../dagger/lib/promote/tagStable.js"
import { formatBytes } from "../../../dagger/lib/text/format.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { contextOf, digestsOf, imageNames, imagesIn } from "../../support/registryWorld.js"
import { pushImage } from "../../support/registryImages.js"

const registry = await startRegistry({ login: true })
/** Counts bytes on the wire, headers included. */
const proxy = await startFaultProxy(registry.port)
const images = imagesIn(proxy.host, "org")
const layerBytes = 400_000_000

beforeAll(async () => {
  // One after the other: each takes three times its size in memory.
  for (const name of imageNames)
    await pushImage(registry, `org/${name}:2026.4-main`, { layers: [name, layerBytes] })
}, 300_000)
afterAll(async () => {
  await proxy.stop()
  await registry.stop()
})

it("promotes three images of 400 MB by a few kilobytes and at most five requests each", async () => {
  const { client, traffic } = clientOf(registry)
  proxy.reset()
  const logged = registry.accessLog().length
  const gate = { kind: "skipped", why: "no GPU here" } as const
  const context = contextOf(client, traffic)
  const request = { tag: "2026.4-main", images, gate, dryRun: false }
  const report = await tagStable(request, context)
  const lines = registry.accessLog().slice(logged)
  const wire = proxy.traffic()
  const bodies = lines.reduce((sum, { bytes }) => sum + bytes, 0)
  console.log(
    `${lines.length} requests for 3 images of ${formatBytes(layerBytes)}: access log ${bodies} bytes of bodies; ` +
      `on the wire with all headers ${wire.received} bytes to and ${wire.sent} bytes from the registry`,
  )
  expect(report.outcome.kind).toBe("promoted")
  expect(lines.length).toBeLessThanOrEqual(3 * 5)
  expect(wire.received + wire.sent).toBeLessThan(3 * 10_000)
  expect(await digestsOf(client, images, "2026.4-stable")).toEqual(
    await digestsOf(client, images, "2026.4-main"),
  )

  const before = registry.accessLog().length
  expect((await tagStable(request, context)).outcome.kind).toBe("unchanged")
  expect(
    registry
      .accessLog()
      .slice(before)
      .filter(({ method }) => method !== "GET" && method !== "HEAD"),
  ).toEqual([])
})
