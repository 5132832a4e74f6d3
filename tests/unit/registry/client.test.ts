import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { retag } from "../../../dagger/lib/registry/retag.js"
import { imageFacts, imageLabels } from "../../../dagger/lib/registry/imageFacts.js"
import { labels } from "../../../dagger/lib/registry/labels.js"
import type { FaultRule } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import type { TestRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage, pushIndex, skopeoDigest } from "../../support/registryImages.js"

const registries: readonly (readonly [string, TestRegistry])[] = await Promise.all([
  startRegistry().then((registry) => ["open", registry] as const),
  startRegistry({ login: true }).then((registry) => ["login", registry] as const),
  startRegistry({ token: true }).then((registry) => ["token", registry] as const),
  startRegistry({ token: { field: "access_token", strict: true, anonymousPull: true } }).then(
    (registry) => ["access_token", registry] as const,
  ),
])
afterAll(() => Promise.all(registries.map(([, registry]) => registry.stop())))

const missing = `sha256:${"0".repeat(64)}`

describe.each(registries)("a registry (%s)", (_, registry) => {
  const { client, traffic } = clientOf(registry)
  const named = (name: string) => parseReference(`${registry.host}/${name}`)

  it("resolves, reads and retags an image without changing a byte", async () => {
    const digest = await pushImage(registry, "org/image:1", {
      layers: ["a", "b"],
      annotations: { "x.y": "z" },
    })
    expect(await client.resolve(named("org/image:1"))).toMatchObject({ digest })
    const manifest = await client.manifest(named("org/image:1"))
    expect(manifest).toMatchObject({ digest, size: manifest?.bytes.length })
    expect(await client.resolve(named(`org/image@${digest}`))).toEqual({
      digest,
      mediaType: manifest?.mediaType,
      size: manifest?.size,
    })
    expect(await retag(client, named("org/image:1"), "2")).toBe(digest)
    expect(await skopeoDigest(registry, "org/image:2")).toBe(digest)
  })

  it("says that nothing is there", async () => {
    await pushImage(registry, "org/image:1")
    for (const name of ["org/image:nothing", "org/none:1", `org/image@${missing}`]) {
      expect(await client.resolve(named(name))).toBeUndefined()
      expect(await client.manifest(named(name))).toBeUndefined()
      expect(await imageFacts(client, named(name))).toBeUndefined()
      expect(await imageLabels(client, named(name))).toBeUndefined()
      await expect(retag(client, named(name), "x")).rejects.toMatchObject({ kind: "not-found" })
    }
  })

  it("tells an image's facts", async () => {
    const created = "2026-09-30T01:02:03Z"
    const digest = await pushImage(registry, "org/facts:1", {
      layers: ["first", 3000],
      labels: { [labels.revision]: "abc" },
      annotations: { [labels.title]: "facts" },
      created,
    })
    const facts = await imageFacts(client, named("org/facts:1"))
    expect(facts).toMatchObject({ digest, platform: "linux/amd64", created })
    expect(facts?.labels.get(labels.revision)).toBe("abc")
    expect(facts?.annotations.get(labels.title)).toBe("facts")
    expect(facts?.history.map(({ createdBy, layer }) => [createdBy, layer?.digest])).toEqual([
      ["ENV STEP=0", undefined],
      ["COPY file0 /", facts?.layers[0]?.digest],
      ["ENV STEP=1", undefined],
      ["COPY file1 /", facts?.layers[1]?.digest],
    ])
    expect(facts?.layers[1]?.size).toBeGreaterThan(3000)
    expect(facts?.compressedBytes).toBeGreaterThan(3000)
  })

  it("asks for labels with one request where the manifest carries them, with two where not", async () => {
    await pushImage(registry, "org/labels:annotated", { annotations: { [labels.inputKey]: "key" } })
    await pushImage(registry, "org/labels:labelled", { labels: { [labels.inputKey]: "old", other: "x" } })
    await client.resolve(named("org/labels:annotated"))
    const requests = async (name: string) => {
      const before = traffic.read().requests
      const found = await imageLabels(client, named(name))
      return [found?.labels.get(labels.inputKey), traffic.read().requests - before]
    }
    expect(await requests("org/labels:annotated")).toEqual(["key", 1])
    expect(await requests("org/labels:labelled")).toEqual(["old", 2])
  })

  it("keeps an index and its children under a new tag", async () => {
    const digest = await pushIndex(registry, "org/many:1", [
      { layers: ["amd"], labels: { arch: "amd" } },
      { layers: ["arm"], labels: { arch: "arm" }, platform: "linux/arm64" },
    ])
    expect(await retag(client, named("org/many:1"), "2")).toBe(digest)
    const arm = await imageFacts(client, named("org/many:2"), "linux/arm64")
    expect(arm).toMatchObject({ digest, platform: "linux/arm64" })
    expect(arm?.labels.get("arch")).toBe("arm")
    expect((await imageFacts(client, named("org/many:2"), "linux/s390x"))?.platform).toBe("linux/amd64")
  })

  it("asks at most four things at once", async () => {
    let running = 0
    let most = 0
    const counting: typeof fetch = async (...args) => {
      running += 1
      most = Math.max(most, running)
      try {
        return await fetch(...args)
      } finally {
        running -= 1
      }
    }
    await pushImage(registry, "org/image:1")
    const environment = {
      fetch: counting,
      now: () => Date.now(),
      random: () => 1,
      sleep: () => Promise.resolve(),
    }
    const busy = clientOf(registry, { environment }).client
    await Promise.all(Array.from({ length: 40 }, () => busy.resolve(named("org/image:1"))))
    expect(most).toBe(4)
  })
})

describe("logins", () => {
  const [, [, basic], [, token], [, strict]] = registries as [
    [string, TestRegistry],
    [string, TestRegistry],
    [string, TestRegistry],
    [string, TestRegistry],
  ]

  it.each([
    ["login", basic],
    ["token", token],
    ["access_token", strict],
  ])("a wrong password is refused at once and not repeated (%s)", async (_, registry) => {
    const login = { username: "robot", password: "wrong-Passw0rd" }
    const { client, traffic, waits } = clientOf({ login })
    const failure = await client
      .resolve(parseReference(`${registry.host}/org/image:1`))
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: "RegistryError", kind: "unauthorized", status: 401 })
    expect(String(failure)).not.toContain("wrong-Passw0rd")
    expect(waits).toEqual([])
    expect(traffic.read().requests).toBeLessThanOrEqual(3)
  })

  it.each([
    ["login", basic],
    ["token", token],
  ])("no login where one is needed (%s)", async (_, registry) => {
    const { client } = clientOf({})
    await expect(client.resolve(parseReference(`${registry.host}/org/image:1`))).rejects.toMatchObject({
      kind: "unauthorized",
    })
  })

  it("reads without a login where everybody may, and is told that it may not write", async () => {
    await pushImage(strict, "org/public:1")
    const { client } = clientOf({})
    const reference = parseReference(`${strict.host}/org/public:1`)
    expect(await client.resolve(reference)).toBeDefined()
    await expect(retag(client, reference, "2")).rejects.toMatchObject({ kind: "denied" })
  })

  it("asks for one token per repository, and none again for the next request", async () => {
    await pushImage(token, "org/once:1")
    const { client, traffic } = clientOf(token)
    const reference = parseReference(`${token.host}/org/once:1`)
    await Promise.all([1, 2, 3, 4].map(() => client.resolve(reference)))
    await retag(client, reference, "2")
    // A refusal, a token, four HEADs, a GET and a PUT.
    expect(traffic.read().requests).toBe(8)
  })

  describe("repositories that are named beforehand", () => {
    const names = ["one", "two", "three"].map((name) => `org/together-${name}:1`)
    const references = names.map((name) => parseReference(`${token.host}/${name}`))

    beforeAll(async () => {
      for (const name of names) await pushImage(token, name)
    })

    /** Asks for all of them; the requests to the token server, each with the number of its scopes. */
    async function tokensFor(refused?: FaultRule): Promise<readonly number[]> {
      const { front } = token
      if (front === undefined) throw new Error("no front")
      if (refused !== undefined) front.add({ ...refused, times: 1 })
      const before = front.requests.length
      const { client } = clientOf(token)
      client.expect(references)
      const found = await Promise.all(references.map((reference) => client.resolve(reference)))
      expect(found.every((each) => each !== undefined)).toBe(true)
      const asked = front.requests.slice(before).filter(({ path }) => path.startsWith("/token"))
      return asked.map(({ path }) => new URL(path, "http://front").searchParams.getAll("scope").length)
    }

    it("share one token", async () => {
      expect(await tokensFor()).toEqual([3])
    })

    it("ask for one each where the token server refuses all together", async () => {
      const refused = { path: /^\/token/, fault: { kind: "status", status: 403 } } as const
      expect(await tokensFor(refused)).toEqual([3, 1, 1, 1])
    })

    it.each([401, 403])("ask for one each where the shared one is answered with %d", async (status) => {
      const challenge = `Bearer realm="http://${token.host}/token",service="test-registry"`
      const headers = { "www-authenticate": challenge }
      const refused = {
        method: "HEAD",
        path: /together-two/,
        fault: { kind: "status", status, headers },
      } as const
      const [together, ...single] = await tokensFor(refused)
      expect(together).toBe(3)
      expect(single.length).toBeGreaterThan(0)
      expect(new Set(single)).toEqual(new Set([1]))
    })
  })
})
