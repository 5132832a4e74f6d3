import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { attachAll } from "../../../dagger/lib/registry/attach.js"
import { takeInventory } from "../../../dagger/lib/prune/inventory.js"
import { planPrune } from "../../../dagger/lib/prune/prunePlan.js"
import { digestOf } from "../../../dagger/lib/registry/client.js"
import { mediaTypes } from "../../../dagger/lib/registry/mediaTypes.js"
import { listReferrers, referrersTag } from "../../../dagger/lib/registry/referrers.js"
import type { Repository } from "../../../dagger/lib/reference/reference.js"
import { parseReference, parseRepository } from "../../../dagger/lib/reference/reference.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"
import { pruneRules } from "../../support/pruneRules.js"

const registry = await startRegistry({ login: true })
const proxy = await startFaultProxy(registry.port)
const { client } = clientOf(registry)
let count = 0

beforeEach(() => {
  proxy.reset()
})
afterAll(async () => {
  await proxy.stop()
  await registry.stop()
})

/** A new image, with its descriptor. */
async function newImage() {
  count += 1
  const name = `org/image${count}:1`
  const digest = await pushImage(registry, name, { layers: [name] })
  const image = { ...parseReference(`${proxy.host}/${name}`), digest }
  const subject = await client.resolve(image)
  if (subject === undefined) throw new Error("it was not pushed")
  return { image, subject }
}

/** The list of what refers to an image. */
function listOf({ registry: host, path }: Repository, digest: string) {
  return { registry: host, path, tag: referrersTag(digest) }
}

const file = (text: string) => ({
  type: "application/vnd.example",
  bytes: Buffer.from(text),
  annotations: { text },
})
const patience = { sleep: () => new Promise<void>((done) => setTimeout(done, 20)), random: Math.random }

/**
 * Pauses of writers that all write at once first. Then, when all others pause or have ended, the one whose pause is over
 * first goes on: how long requests take on this machine changes nothing.
 */
class Turns {
  readonly random = Math.random
  private now = 0
  private pausing: { readonly until: number; readonly goOn: () => void }[] = []

  constructor(private writers: number) {}

  sleep(milliseconds: number): Promise<void> {
    return new Promise((goOn) => {
      this.pausing.push({ until: this.now + milliseconds, goOn })
      this.next()
    })
  }

  end(): void {
    this.writers -= 1
    this.next()
  }

  private next(): void {
    if (this.pausing.length < this.writers) return
    const [first, ...others] = this.pausing.toSorted((a, b) => a.until - b.until)
    if (first === undefined) return
    this.pausing = others
    this.now = first.until
    first.goOn()
  }
}

describe("what is attached to an image", () => {
  it("stands in the list under its tag, all of it by one write, and can be read again", async () => {
    const { image, subject } = await newImage()
    const before = registry.accessLog().length
    const digests = await attachAll(client, image, subject, [file("a"), file("b")], patience)
    const writes = registry
      .accessLog()
      .slice(before)
      .filter(({ method, path }) => method === "PUT" && path.endsWith(referrersTag(subject.digest)))
    expect(writes).toHaveLength(1)
    const { entries, from } = await listReferrers(client, image, subject.digest)
    expect(from).toBe("tag")
    expect(entries.map(({ digest }) => digest)).toEqual(digests)
    const bytes = await client.blob(image, { digest: digestOf(Buffer.from("b")) })
    expect(Buffer.from(bytes).toString()).toBe("b")
  })

  it("a second time changes nothing", async () => {
    const { image, subject } = await newImage()
    const first = await attachAll(client, image, subject, [file("a")], patience)
    const list = await client.resolve(listOf(image, subject.digest))
    expect(await attachAll(client, image, subject, [file("a")], patience)).toEqual(first)
    const again = await client.resolve(listOf(image, subject.digest))
    expect(again).toEqual(list)
  })

  it("by eight writers at once is all there in the end: who was overwritten writes again", async () => {
    const { image, subject } = await newImage()
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    const turns = new Turns(names.length)
    await Promise.all(
      names.map((name) =>
        attachAll(client, image, subject, [file(name)], turns).finally(() => {
          turns.end()
        }),
      ),
    )
    const { entries } = await listReferrers(client, image, subject.digest)
    expect(entries).toHaveLength(names.length)
  })

  it("leaves what others have put into the list as it is", async () => {
    const { image, subject } = await newImage()
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [{ ...subject, annotations: { by: "others" } }],
      }),
    )
    await client.putManifest(image, referrersTag(subject.digest), { bytes, mediaType: mediaTypes.ociIndex })
    await attachAll(client, image, subject, [file("a")], patience)
    const { document, entries } = await listReferrers(client, image, subject.digest)
    expect(entries).toHaveLength(2)
    expect(JSON.stringify(document)).toContain('"by":"others"')
  })

  it("is told to be lost where others keep writing the list", async () => {
    const { image, subject } = await newImage()
    const empty = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] })
    const answer = { status: 200, body: empty, headers: { "content-type": mediaTypes.ociIndex } } as const
    proxy.add({ method: "GET", path: /\/manifests\/sha256-/, fault: { kind: "status", ...answer } })
    await expect(attachAll(client, image, subject, [file("a")], patience)).rejects.toThrow(
      "others keep writing",
    )
  })

  it("is not sent where the registry does not answer as one: the upload is to go on at another host", async () => {
    const { image } = await newImage()
    const headers = { location: "https://elsewhere.example/upload" }
    proxy.add({ method: "POST", path: /uploads/, fault: { kind: "status", status: 202, headers } })
    await expect(client.uploadBlob(image, Buffer.from("secret"))).rejects.toThrow("to go on elsewhere")
  })

  it("needs no list where the registry keeps one itself", async () => {
    const { image, subject } = await newImage()
    proxy.add({
      method: "PUT",
      path: /\/manifests\/sha256:/,
      fault: { kind: "headers", headers: { "oci-subject": subject.digest } },
    })
    await attachAll(client, image, subject, [file("a")], patience)
    expect((await listReferrers(client, image, subject.digest)).entries).toEqual([])
  })

  it("is read from the registry's own list where it has one", async () => {
    const { image, subject } = await newImage()
    const entry = { mediaType: mediaTypes.ociManifest, digest: `sha256:${"1".repeat(64)}`, size: 3 }
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [entry, entry, { digest: 7 }],
    })
    const headers = { "content-type": mediaTypes.ociIndex }
    proxy.add({ path: /\/referrers\//, fault: { kind: "status", status: 200, body, headers } })
    const { entries, from } = await listReferrers(client, image, subject.digest)
    expect(from).toBe("api")
    expect(entries).toEqual([entry])
  })

  it("cannot be read where something else stands under the tag of the list", async () => {
    const { image, subject } = await newImage()
    const manifest = await client.manifest(image)
    if (manifest === undefined) throw new Error("no image")
    await client.putManifest(image, referrersTag(subject.digest), manifest)
    await expect(listReferrers(client, image, subject.digest)).rejects.toThrow("is no list of referrers")
  })
})

describe("prune", () => {
  const created = "2026-10-01T08:00:00Z"

  /** Tags that would go of a repository with one image, which has something attached. */
  async function unneededOf(tag: string) {
    const name = `pruned/${tag}`
    const digest = await pushImage(registry, `${name}:${tag}`, { layers: [name], created })
    const repository = parseRepository(`${registry.host}/${name}`)
    const image = { ...repository, digest }
    const subject = await client.resolve(image)
    if (subject === undefined) throw new Error("it was not pushed")
    await attachAll(client, image, subject, [file("a"), file("b")], patience)
    const plan = planPrune(await takeInventory(client, [{ name: "base", repository }]), pruneRules)
    return { tags: plan.unneeded.flatMap(({ tags }) => tags).toSorted(), list: referrersTag(digest) }
  }

  it("keeps what is attached to an image that stays", async () => {
    expect((await unneededOf("2026.4-main")).tags).toEqual([])
  })

  it("lets what is attached to an image go with it", async () => {
    const { tags, list } = await unneededOf("2026.4-gone")
    expect(tags).toEqual(["2026.4-gone", list])
  })
})
