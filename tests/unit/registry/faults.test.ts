import { createHash } from "node:crypto"
import { createServer } from "node:http"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { systemEnvironment } from "../../../dagger/lib/registry/environment.js"
import { imageFacts } from "../../../dagger/lib/registry/imageFacts.js"
import { RegistryError } from "../../../dagger/lib/registry/registryError.js"
import type { RegistryOptions } from "../../../dagger/lib/registry/transport.js"
import { closeServer, listenOn, startFaultProxy } from "../../support/faultProxy.js"
import type { Fault } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"

const registry = await startRegistry({ login: true })
const proxy = await startFaultProxy(registry.port)
const tokenRegistry = await startRegistry({ token: true })
const tokenProxy = await startFaultProxy(tokenRegistry.port)
/** Another server, that must never see the login. */
const seenElsewhere: string[] = []
const elsewhere = createServer((request, response) => {
  seenElsewhere.push(JSON.stringify(request.headers))
  if (request.url === "/asks") response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end()
  else response.writeHead(404).end()
})
const elsewherePort = await listenOn(elsewhere, {})
let digest = ""

beforeAll(async () => {
  digest = await pushImage(registry, "org/image:1")
  await pushImage(tokenRegistry, "org/image:1")
})
beforeEach(() => {
  proxy.reset()
  seenElsewhere.length = 0
})
afterAll(async () => {
  await Promise.all([proxy.stop(), tokenProxy.stop(), closeServer(elsewhere)])
  await Promise.all([registry.stop(), tokenRegistry.stop()])
})

const reference = parseReference(`${proxy.host}/org/image:1`)
const manifests = /\/manifests\//
const secret = registry.login?.password ?? ""

/** Resolves through the proxy. @returns what came of it, and how often it was tried */
async function attempt(options: RegistryOptions = {}) {
  const { client, traffic, waits } = clientOf(registry, { timeoutMilliseconds: 300, ...options })
  const outcome = await client.manifest(reference).then(
    (manifest) => manifest?.digest,
    (error: unknown) => error,
  )
  const failure = outcome instanceof RegistryError ? outcome : undefined
  return { outcome, failure, waits, traffic: traffic.read(), tries: proxy.requests.length }
}

const status = (code: number, headers: Record<string, string> = {}, body = ""): Fault => ({
  kind: "status",
  status: code,
  headers,
  body,
})

describe("a lasting fault", () => {
  it.each<[string, Fault, Partial<RegistryError>, number]>([
    [
      "401 loop",
      status(401, { "www-authenticate": "Basic realm=x" }),
      { kind: "unauthorized", status: 401 },
      1,
    ],
    ["401 without a challenge", status(401), { kind: "unauthorized", status: 401 }, 1],
    ["403", status(403), { kind: "denied", status: 403 }, 2],
    ["400", status(400), { kind: "refused", status: 400 }, 1],
    ["408", status(408), { kind: "server", status: 408 }, 5],
    ["429", status(429), { kind: "rate-limited", status: 429 }, 5],
    ["500", status(500), { kind: "server", status: 500 }, 5],
    ["503", status(503), { kind: "server", status: 503 }, 5],
    ["304", status(304), { kind: "protocol", status: 304 }, 1],
    ["hang", { kind: "hang" }, { kind: "timeout" }, 5],
    ["reset connection", { kind: "drop" }, { kind: "network" }, 5],
    ["truncated body", { kind: "truncate", bytes: 20 }, { kind: "network" }, 5],
    [
      "wrong digest header",
      { kind: "headers", headers: { "docker-content-digest": `sha256:${"1".repeat(64)}` } },
      { kind: "bad-digest" },
      1,
    ],
    [
      "unsupported manifest",
      { kind: "status", status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
      { kind: "protocol" },
      1,
    ],
  ])("%s", async (_, fault, expected, tries) => {
    proxy.add({ path: manifests, fault })
    const got = await attempt()
    expect(got.failure).toMatchObject({
      ...expected,
      method: "GET",
      url: `http://${proxy.host}/v2/org/image/manifests/1`,
    })
    expect(got.tries).toBe(tries)
    expect(got.traffic.retries).toHaveLength(tries - 1)
    expect(JSON.stringify(got.traffic) + String(got.failure)).not.toContain(secret)
  })

  it("404 means that there is nothing", async () => {
    proxy.add({ path: manifests, fault: status(404) })
    expect(await attempt()).toMatchObject({ outcome: undefined, tries: 1 })
  })

  it("a registry that is not there", async () => {
    const { client } = clientOf(
      {},
      { retry: { tries: 2, firstDelay: 1, longestDelay: 1, longestRetryAfter: 1 } },
    )
    const nothing = await startFaultProxy(1)
    await nothing.stop()
    await expect(client.resolve(parseReference(`${nothing.host}/a/b`))).rejects.toMatchObject({
      kind: "network",
      message: expect.stringContaining("ECONNREFUSED") as string,
    })
  })

  it("a name that nobody knows, as on a laptop without a network: told after one more try", async () => {
    // Too long for a name server to be asked.
    const host = `${"n".repeat(64)}.example`
    const { client, traffic } = clientOf({})
    await expect(client.resolve(parseReference(`${host}/a/b`))).rejects.toMatchObject({
      kind: "unknown-host",
      message: expect.stringContaining("ENOTFOUND") as string,
    })
    expect(traffic.read().retries).toHaveLength(1)
  })
})

it("does not wait for a hanging registry with every request, and asks again after a minute", async () => {
  proxy.add({ fault: { kind: "hang" } })
  let now = 0
  const environment = { ...systemEnvironment(), now: () => now, sleep: () => Promise.resolve() }
  const { client } = clientOf(registry, { environment, timeoutMilliseconds: 100 })
  const tags = Array.from({ length: 50 }, (_, index) => `tag-${index}`)
  const answers = await Promise.all(
    tags.map((tag) => client.resolve({ ...reference, tag }).catch((error: unknown) => String(error))),
  )
  // Each in the words of its own request.
  expect(answers).toEqual(
    tags.map(
      (tag) => expect.stringMatching(new RegExp(`/${tag}: no whole answer within 0\\.1 s$`)) as string,
    ),
  )
  expect(proxy.requests).toHaveLength(5)
  proxy.reset()
  now += 60_001
  expect(await client.resolve(reference)).toMatchObject({ digest })
})

it("asks only once where another request waited through all its tries, until there is an answer", async () => {
  const { client } = clientOf(registry, { timeoutMilliseconds: 100 })
  await client.resolve(reference)
  const triesWhileSilent = async () => {
    const before = proxy.requests.length
    await expect(client.resolve(reference)).rejects.toMatchObject({ kind: "timeout" })
    return proxy.requests.length - before
  }
  const fault = { fault: { kind: "hang" } } as const
  proxy.add(fault)
  expect([await triesWhileSilent(), await triesWhileSilent()]).toEqual([5, 1])
  proxy.reset()
  await client.resolve(reference)
  proxy.add(fault)
  expect(await triesWhileSilent()).toBe(5)
})

describe("a passing fault", () => {
  it.each<[string, Fault, number, readonly number[]]>([
    ["500 three times", status(500), 3, [100, 200, 400]],
    ["403 once", status(403), 1, [100]],
    ["429 with seconds", status(429, { "retry-after": "2" }), 2, [2000, 2000]],
    ["429 as GHCR says it", status(429, { "retry-after": "412.5ms" }), 1, [413]],
    ["hang once", { kind: "hang" }, 1, [100]],
    ["lost answer", { kind: "lose-answer" }, 1, [100]],
    ["truncated once", { kind: "truncate", bytes: 10 }, 1, [100]],
  ])("%s", async (_, fault, times, waits) => {
    proxy.add({ path: manifests, times, fault })
    const got = await attempt()
    expect(got.outcome).toBe(digest)
    expect(got.waits).toEqual(waits)
    expect(got.traffic.retries.map(({ attempt: each }) => each)).toEqual(
      waits.map((_wait, index) => index + 1),
    )
  })

  it("does not wait for an hour", async () => {
    proxy.add({ path: manifests, fault: status(429, { "retry-after": "3600" }) })
    expect(await attempt()).toMatchObject({
      failure: { kind: "rate-limited", retryAfter: 3_600_000 },
      waits: [],
    })
  })

  it("is not put off for longer and longer: one long wait is all", async () => {
    proxy.add({ path: manifests, fault: status(429, { "retry-after": "120" }) })
    expect(await attempt()).toMatchObject({ failure: { kind: "rate-limited" }, waits: [120_000] })
  })
})

describe("tokens", () => {
  const image = parseReference(`${tokenRegistry.host}/org/image:1`)
  const refusal = status(401, {
    "www-authenticate": `Bearer realm="http://${tokenRegistry.host}/token",service="test-registry"`,
  })

  it("are renewed once when the registry no longer takes them", async () => {
    const { client, traffic } = clientOf(tokenRegistry)
    await client.resolve(image)
    const before = traffic.read().requests
    tokenRegistry.front?.add({ path: manifests, times: 1, fault: refusal })
    expect(await client.resolve(image)).toBeDefined()
    expect(traffic.read().requests - before).toBe(3)
  })

  it("are not renewed for ever", async () => {
    tokenRegistry.front?.add({ path: manifests, times: 10, fault: refusal })
    const { client, traffic } = clientOf(tokenRegistry)
    await expect(client.resolve(image)).rejects.toMatchObject({ kind: "unauthorized" })
    // HEAD, token, HEAD, and the same once more with the GET that is to tell the reason.
    expect(traffic.read().requests).toBeLessThanOrEqual(6)
  })

  it("are got for the registry itself only", async () => {
    // The realm has the registry's own port; requests through the proxy come from elsewhere.
    const { client } = clientOf(tokenRegistry)
    const behind = parseReference(`${tokenProxy.host}/org/image:1`)
    await expect(client.resolve(behind)).rejects.toMatchObject({ kind: "protocol" })
  })
})

describe("credentials", () => {
  it("are not sent to where a redirect leads", async () => {
    proxy.add({ path: manifests, fault: { kind: "redirect", to: `http://127.0.0.1:${elsewherePort}/x` } })
    expect((await attempt()).outcome).toBeUndefined()
    expect(seenElsewhere).toHaveLength(1)
    expect(seenElsewhere.join()).not.toMatch(/authorization/i)
  })

  it("are not sent to who asks for them after a redirect", async () => {
    proxy.add({ path: manifests, fault: { kind: "redirect", to: `http://127.0.0.1:${elsewherePort}/asks` } })
    expect((await attempt()).failure).toMatchObject({ kind: "unauthorized" })
    expect(seenElsewhere).toHaveLength(1)
    expect(seenElsewhere.join()).not.toMatch(/authorization/i)
  })

  it("stay with a redirect on the same host", async () => {
    proxy.add({
      path: /image\/manifests/,
      times: 1,
      fault: { kind: "redirect", to: "/v2/org/image/manifests/1" },
    })
    expect((await attempt()).outcome).toBe(digest)
    expect(proxy.requests.map(({ authorization }) => authorization)).toEqual(["Basic", "Basic"])
  })

  it("are not sent to a token server without TLS on another host", async () => {
    const challenge = `Bearer realm="http://127.0.0.1:${elsewherePort}/token",service="x"`
    proxy.add({ path: manifests, fault: status(401, { "www-authenticate": challenge }) })
    expect((await attempt()).failure).toMatchObject({
      kind: "protocol",
      message: expect.stringContaining(`127.0.0.1:${elsewherePort}`) as string,
    })
    expect(seenElsewhere).toEqual([])
  })

  it("are not shown when the registry repeats them", async () => {
    const basic = Buffer.from(`robot:${secret}`).toString("base64")
    const errors = [{ code: "DENIED", message: `no: ${secret}, ${basic}`, detail: null }]
    proxy.add({ path: manifests, fault: status(400, {}, JSON.stringify({ errors })) })
    const { failure } = await attempt()
    expect(failure?.codes).toEqual([{ code: "DENIED", message: "no: [secret], [secret]" }])
    expect(failure?.message).toContain("DENIED, no: [secret]")
  })

  it("follows redirects of blobs, and leaves signed addresses out of errors", async () => {
    proxy.add({
      path: /\/blobs\//,
      fault: { kind: "redirect", to: `http://127.0.0.1:${elsewherePort}/blob?X-Amz-Signature=abcdef` },
    })
    const { client } = clientOf(registry)
    const failure: unknown = await imageFacts(client, reference).catch((error: unknown) => error)
    expect(failure).toMatchObject({ kind: "not-found", url: `http://127.0.0.1:${elsewherePort}/blob` })
    expect(seenElsewhere.join()).not.toMatch(/authorization/i)
  })
})

describe("writing", () => {
  const put = /\/manifests\/new/
  const manifestOf = async () => {
    const { client } = clientOf(registry)
    const manifest = await client.manifest(reference)
    if (manifest === undefined) throw new Error("the image is missing")
    return manifest
  }

  it.each<[string, Fault]>([
    ["a lost answer", { kind: "lose-answer" }],
    ["a 500", status(500)],
    ["a hang", { kind: "hang" }],
  ])("survives %s", async (_, fault) => {
    const manifest = await manifestOf()
    proxy.add({ method: "PUT", path: put, times: 1, fault })
    const { client } = clientOf(registry, { timeoutMilliseconds: 300 })
    expect(await client.putManifest(reference, "new", manifest)).toBe(digest)
    expect((await client.resolve({ ...reference, tag: "new" }))?.digest).toBe(digest)
  })

  it("notices another digest in the answer", async () => {
    const manifest = await manifestOf()
    const headers = { "docker-content-digest": `sha256:${"2".repeat(64)}` }
    proxy.add({ method: "PUT", path: put, fault: { kind: "headers", headers } })
    const { client } = clientOf(registry)
    await expect(client.putManifest(reference, "new", manifest)).rejects.toMatchObject({ kind: "bad-digest" })
  })

  it("does not follow a redirect", async () => {
    const manifest = await manifestOf()
    proxy.add({
      method: "PUT",
      path: put,
      fault: { kind: "redirect", to: `http://127.0.0.1:${elsewherePort}/` },
    })
    const { client } = clientOf(registry)
    await expect(client.putManifest(reference, "new", manifest)).rejects.toMatchObject({ kind: "protocol" })
    expect(seenElsewhere).toEqual([])
  })

  it("is told why the registry refuses a manifest that names missing blobs", async () => {
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: {
          mediaType: "application/vnd.oci.image.config.v1+json",
          digest: `sha256:${createHash("sha256").update("nothing").digest("hex")}`,
          size: 7,
        },
        layers: [],
      }),
    )
    const { client } = clientOf(registry)
    const mediaType = "application/vnd.oci.image.manifest.v1+json"
    await expect(client.putManifest(reference, "new", { bytes, mediaType })).rejects.toMatchObject({
      kind: "refused",
      status: 400,
      codes: [{ code: "MANIFEST_BLOB_UNKNOWN" }],
    })
  })
})

it("asks again with GET where HEAD tells no digest", async () => {
  proxy.add({ method: "HEAD", fault: { kind: "headers", headers: { "docker-content-digest": undefined } } })
  const { client } = clientOf(registry)
  expect(await client.resolve(reference)).toMatchObject({ digest })
  expect(proxy.requests.map(({ method }) => method)).toEqual(["HEAD", "GET"])
})
