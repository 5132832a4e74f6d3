import type { IncomingMessage, ServerResponse } from "node:http"
import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { imageFacts } from "../../../dagger/lib/registry/imageFacts.js"
import { systemEnvironment } from "../../../dagger/lib/registry/environment.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import type { Fault } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage, pushIndex } from "../../support/registryImages.js"

const registry = await startRegistry()
const proxy = await startFaultProxy(registry.port)
const digest = await pushImage(registry, "org/image:1")
const reference = parseReference(`${proxy.host}/org/image:1`)
const manifests = /\/manifests\//

beforeEach(() => {
  proxy.reset()
})
afterAll(async () => {
  await proxy.stop()
  await registry.stop()
})

describe("a HEAD that is answered oddly", () => {
  it.each([400, 403, 404, 405, 501])("with %d, where a GET is answered", async (status) => {
    proxy.add({ method: "HEAD", path: manifests, fault: { kind: "status", status } })
    const { client } = clientOf({})
    const found = await client.resolve(reference)
    expect(found?.digest).toBe(digest)
    expect(proxy.requests.filter(({ method }) => method === "GET")).toHaveLength(1)
  })

  it("with a length of 0: the size is the manifest's", async () => {
    proxy.add({
      method: "HEAD",
      path: manifests,
      fault: { kind: "headers", headers: { "content-length": "0" } },
    })
    const { client } = clientOf({})
    const found = await client.resolve(reference)
    expect(found?.digest).toBe(digest)
    expect(found?.size).toBeGreaterThan(100)
  })

  it.each([
    [401, "the plan of this account has expired"],
    [403, "installation not allowed to read organization package"],
    [429, "You have reached your pull rate limit"],
  ])("with %d: the reason is in the answer to a GET, asked for once", async (status, message) => {
    const body = JSON.stringify({ errors: [{ code: "DENIED", message }] })
    proxy.add({ path: manifests, fault: { kind: "status", status, body } })
    await expect(clientOf({}).client.resolve(reference)).rejects.toThrow(message)
    expect(proxy.requests.filter(({ method }) => method === "GET")).toHaveLength(1)
  })
})

describe("a pause that the registry asks for", () => {
  const limited = (retryAfter: string): Fault => ({
    kind: "status",
    status: 429,
    headers: { "retry-after": retryAfter },
  })

  it("as seconds since 1970 is a moment", async () => {
    const environment = { ...systemEnvironment(), now: () => 1_790_000_000_000 }
    const waits: number[] = []
    const sleep = (milliseconds: number) => {
      waits.push(milliseconds)
      return Promise.resolve()
    }
    proxy.add({ path: manifests, times: 1, fault: limited("1790000002") })
    const { client } = clientOf({}, { environment: { ...environment, sleep } })
    expect((await client.resolve(reference))?.digest).toBe(digest)
    expect(waits).toEqual([2000])
  })

  it("is told where it is too long", async () => {
    proxy.add({ path: manifests, fault: limited("3600") })
    await expect(clientOf({}).client.manifest(reference)).rejects.toThrow("to be tried again in 3600 s")
  })
})

/** A token server, and a registry that takes its newest token only and answers others with a Basic challenge. */
function harbor(lifetime: number) {
  const state = { good: "t1", asked: 0 }
  const answerToken = (_request: IncomingMessage, response: ServerResponse) => {
    state.asked += 1
    response.end(JSON.stringify({ token: state.good, expires_in: lifetime }))
  }
  const path = /./
  const passes = (request: IncomingMessage) => request.headers.authorization === `Bearer ${state.good}`
  const refuse = (request: IncomingMessage, response: ServerResponse) => {
    const challenge =
      request.headers.authorization === undefined
        ? `Bearer realm="http://${proxy.host}/token",service="harbor-registry"`
        : 'Basic realm="harbor"'
    const headers = { "docker-content-digest": digest, "content-length": "300" }
    const type = { "content-type": "application/vnd.oci.image.manifest.v1+json" }
    if (passes(request)) response.writeHead(200, { ...headers, ...type }).end()
    else response.writeHead(401, { "www-authenticate": challenge }).end()
  }
  proxy.add(
    { path: /^\/token/, fault: { kind: "answer", answer: answerToken } },
    { path, fault: { kind: "answer", answer: refuse } },
  )
  return state
}

describe("tokens", () => {
  it("are renewed without a login where the registry asks for a password then", async () => {
    const state = harbor(300)
    const { client } = clientOf({})
    expect((await client.resolve(reference))?.digest).toBe(digest)
    state.good = "t2"
    expect((await client.resolve(reference))?.digest).toBe(digest)
    expect(state.asked).toBe(2)
  })

  it("are asked for once by requests at the same time when they have expired", async () => {
    const state = harbor(300)
    let now = Date.now()
    const { client } = clientOf({}, { environment: { ...systemEnvironment(), now: () => now } })
    await client.resolve(reference)
    now += 400_000
    await Promise.all([1, 2, 3, 4].map(() => client.resolve(reference)))
    expect(state.asked).toBe(2)
  })
})

it("an index has another variant of the platform that is asked for rather than another platform", async () => {
  await pushIndex(registry, "org/variants:1", [
    { labels: { which: "arm64" }, platform: "linux/arm64/v8" },
    { labels: { which: "amd64/v2" }, platform: "linux/amd64/v2" },
  ])
  const { client } = clientOf({})
  const facts = await imageFacts(client, parseReference(`${registry.host}/org/variants:1`))
  expect(facts?.labels.get("which")).toBe("amd64/v2")
})
