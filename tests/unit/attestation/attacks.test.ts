import { quarterScheme } from "../../support/tagScheme.js"
import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { missingForPromotion, proofOf } from "../../../dagger/lib/attestation/demand.js"
import { noGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { ProofBook } from "../../../dagger/lib/gather/provedImage.js"
import { publishedImages } from "../../../dagger/lib/gather/publishedImages.js"
import { planStack } from "../../../dagger/lib/plan/plan.js"
import { candidateTag, passedTag } from "../../../dagger/lib/plan/facts.js"
import { evidenceCheck } from "../../../dagger/lib/promote/evidence.js"
import { tagStable } from "../../../dagger/lib/promote/tagStable.js"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { digestOf } from "../../../dagger/lib/registry/client.js"
import { labels } from "../../../dagger/lib/registry/labels.js"
import { mediaTypes } from "../../../dagger/lib/registry/mediaTypes.js"
import { referrersTag } from "../../../dagger/lib/registry/referrers.js"
import { retag } from "../../../dagger/lib/registry/retag.js"
import { bundleMediaType } from "../../../dagger/lib/attestation/bundle.js"
import { openVerifier } from "../../../dagger/lib/attestation/verifyBundle.js"
import { attachAll } from "../../../dagger/lib/registry/attach.js"
import {
  attachStatements,
  claimsFor,
  inputKey,
  newKey,
  statementOf,
  testKey,
  trusting,
} from "../../support/evidenceWorld.js"
import { startFaultProxy } from "../../support/faultProxy.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"
import { contextOf } from "../../support/registryWorld.js"

const registry = await startRegistry()
const proxy = await startFaultProxy(registry.port)
const { client } = clientOf({})
const trusted = newKey()
const stranger = newKey()
const patience = { sleep: () => Promise.resolve(), random: () => 0 }
const tag = "2026.4-main"
let count = 0

beforeEach(() => {
  proxy.reset()
})
afterAll(async () => {
  await proxy.stop()
  await registry.stop()
})

/** A new image with this pipeline's labels, its candidate's and its pass's tags: what anybody who may push can write. */
async function labelledImage() {
  count += 1
  const name = `org/image${count}`
  const annotations = { [labels.inputKey]: inputKey, [labels.testKey]: testKey }
  const digest = await pushImage(registry, `${name}:${tag}`, {
    layers: [name],
    labels: annotations,
    annotations,
  })
  const { registry: host, path } = parseReference(`${proxy.host}/${name}`)
  const image = { registry: host, path, digest }
  for (const each of [candidateTag(inputKey), passedTag(inputKey, testKey)]) await retag(client, image, each)
  return image
}

type Image = Awaited<ReturnType<typeof labelledImage>>

/** What a plan does for an image under trust, and why. */
async function planned({ registry: host, path }: Image, signers = [trusting(trusted)]) {
  const question = {
    name: "base",
    repository: { registry: host, path },
    inputKey,
    testKey,
    tag,
    scheme: quarterScheme,
    unresolvedBases: [],
    platform: "linux/amd64",
    platforms: ["linux/amd64"],
  }
  const trust = { signers }
  const believer = { trust, verify: await openVerifier(trust) }
  const found = await publishedImages(client, [question], new ProofBook(client, believer))
  const known = found.get("base") ?? { kind: "unknown" as const, why: "nobody was asked" }
  const own = {
    name: "base",
    repository: `${host}/${path}`,
    isPublished: true,
    parents: [],
    ancestors: [],
    bases: [],
    registry: known,
  }
  const [step] = planStack({
    images: [{ ...own, inputKey, testKey, unresolvedBases: [] }],
    specPath: "spec.yml",
    git: noGitFacts("unreadable", "there is none"),
    options: {
      branch: "feature",
      tag,
      platform: "linux/amd64",
      publish: true,
      fullRebuild: false,
      only: [],
      mainBranch: "main",
      trustRegistry: true,
      today: "2026-11-27",
    },
  }).steps
  return { action: step?.action, reasons: JSON.stringify(step?.reasons) }
}

/** The end of a promotion of an image under trust, and how many writes it took. */
async function promoted(
  image: Image,
  signers = [trusting(trusted)],
  now = Date.parse("2026-11-25T00:00:00Z"),
) {
  const trust = { signers }
  const believer = { trust, verify: await openVerifier(trust) }
  const gpu = { image: "base", maxAgeSeconds: 30 * 24 * 3600 }
  const { registry: host, path } = image
  const before = registry.accessLog().length
  const { outcome } = await tagStable(
    {
      images: [{ name: "base", repository: { registry: host, path } }],
      tag,
      dryRun: false,
      gate: { kind: "attested" },
      evidence: evidenceCheck({ store: client, believer, gpu, now: () => now }),
    },
    contextOf(client),
  )
  const writes = registry
    .accessLog()
    .slice(before)
    .filter(({ method }) => !["GET", "HEAD"].includes(method)).length
  return { kind: outcome.kind, text: JSON.stringify(outcome), writes }
}

const all = (image: Image) =>
  (["provenance", "tests", "gpu"] as const).map((kind) => statementOf(kind, image))

describe("an image with signed statements", () => {
  it("is reused by a plan and promoted; its labels and tags save requests and no more", async () => {
    const image = await labelledImage()
    await attachStatements(client, image, trusted.signer, all(image))
    expect(await planned(image)).toMatchObject({ action: "reuse" })
    expect(await promoted(image)).toMatchObject({ kind: "promoted" })
  })

  it("is tested again where nothing is said of its tests, and not built", async () => {
    const image = await labelledImage()
    await attachStatements(client, image, trusted.signer, [statementOf("provenance", image)])
    const { action, reasons } = await planned(image)
    expect(action).toBe("retest")
    expect(reasons).toContain("no trusted statement says that it has passed these tests")
  })
})

describe("nothing is reused or promoted, nothing is written, and the reason is said", () => {
  const refused = async (image: Image, why: string, signers = [trusting(trusted)]) => {
    const plan = await planned(image, signers)
    expect(plan.action).toBe("build")
    expect(plan.reasons).toContain(why)
    const promotion = await promoted(image, signers)
    expect(promotion).toMatchObject({ kind: "refused", writes: 0 })
    expect(promotion.text).toContain(why)
    expect(promotion.text).toMatch(
      /\/org\/image\d+:2026.4-main \(sha256:.*no statement of provenance.*build-stack --source=/,
    )
  }

  it("for labels and a passed- tag without a statement", async () => {
    await refused(await labelledImage(), "no trusted statement")
  })

  it("for the statements of a key that is not trusted", async () => {
    const image = await labelledImage()
    await attachStatements(client, image, stranger.signer, all(image))
    await refused(image, "signed by a key that is not trusted")
  })

  it("for statements of another image, attached to this one", async () => {
    const [image, other] = [await labelledImage(), await labelledImage()]
    await attachStatements(client, image, trusted.signer, all(other))
    await refused(image, "it is about another image")
  })

  it("for a bundle that claims the hint of a trusted key", async () => {
    const image = await labelledImage()
    const statement = statementOf("provenance", image)
    const [own, foreign] = await Promise.all(
      [trusted, stranger].map(async ({ signer }) => Buffer.from(await signer.sign(statement)).toString()),
    )
    const hint = (text = "") => (JSON.parse(text) as { verificationMaterial: unknown }).verificationMaterial
    const forged = { ...(JSON.parse(foreign ?? "") as object), verificationMaterial: hint(own) }
    await attachRaw(image, Buffer.from(JSON.stringify(forged)))
    await refused(image, "signature verification failed")
  })

  it("for a statement with one byte changed", async () => {
    const image = await labelledImage()
    const bundle = Buffer.from(await trusted.signer.sign(statementOf("provenance", image))).toString()
    const { dsseEnvelope, ...rest } = JSON.parse(bundle) as { dsseEnvelope: { payload: string } }
    const payload = Buffer.from(dsseEnvelope.payload, "base64").toString().replace("base", "bass")
    const changed = {
      ...rest,
      dsseEnvelope: { ...dsseEnvelope, payload: Buffer.from(payload).toString("base64") },
    }
    await attachRaw(image, Buffer.from(JSON.stringify(changed)))
    await refused(image, "signature verification failed")
  })

  it("for a signer who may not speak of this tag, or not of this", async () => {
    const image = await labelledImage()
    await attachStatements(client, image, trusted.signer, all(image))
    await refused(image, "trusts nobody of this name", [trusting(trusted, { tags: ["2026.4-dev*"] })])
    await refused(image, "trusts nobody of this name", [trusting(trusted, { says: ["gpu"] })])
    // As a reference by digest alone is asked about.
    const { claims } = await claimsFor(client, image, [trusting(trusted, { tags: ["2026.4-*"] })], "")
    expect(claims.map(({ problem }) => problem).join()).toContain("for provenance of an image without a tag")
  })

  it("for a signature of cosign that is no provenance", async () => {
    const image = await labelledImage()
    const statement = {
      ...statementOf("provenance", image),
      predicateType: "https://sigstore.dev/cosign/sign/v1",
    }
    await attachStatements(client, image, trusted.signer, [statement])
    await refused(image, "nobody is asked about statements of this type")
  })

  it("for 10,000 entries of others in front: the list is read, 64 are looked at", async () => {
    const image = await labelledImage()
    const entries = Array.from({ length: 10_000 }, (_, index) => ({
      mediaType: mediaTypes.ociManifest,
      digest: `sha256:${index.toString(16).padStart(64, "0")}`,
      size: 300,
      artifactType: bundleMediaType,
    }))
    serveList(entries)
    const before = proxy.requests.length
    const { notices } = await claimsFor(client, image, [trusting(trusted)])
    expect(notices.join()).toContain("9936 attachments were not looked at")
    expect(proxy.requests.length - before).toBeLessThan(80)
    await refused(image, "it is not there")
  }, 60_000)

  it("for a bundle of 100 MB, which is not fetched", async () => {
    const image = await labelledImage()
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: {
          mediaType: "application/vnd.oci.empty.v1+json",
          digest: `sha256:${"e".repeat(64)}`,
          size: 2,
        },
        layers: [{ mediaType: bundleMediaType, digest: `sha256:${"f".repeat(64)}`, size: 100_000_000 }],
      }),
    )
    const digest = digestOf(manifest)
    proxy.add({
      path: new RegExp(digest),
      fault: {
        kind: "status",
        status: 200,
        body: manifest.toString(),
        headers: { "content-type": mediaTypes.ociManifest },
      },
    })
    serveList([{ mediaType: mediaTypes.ociManifest, digest, size: manifest.length }])
    await refused(image, "too many to be read")
    expect(proxy.requests.filter(({ path }) => path.includes("ffff"))).toEqual([])
  })

  it("for a registry that hides what is attached, or does not answer for it", async () => {
    const image = await labelledImage()
    await attachStatements(client, image, trusted.signer, all(image))
    const list = new RegExp(referrersTag(image.digest))
    proxy.add({ path: list, fault: { kind: "status", status: 404 } })
    await refused(image, "no trusted statement")
    proxy.reset()
    proxy.add({ path: list, fault: { kind: "status", status: 403 } })
    expect(await planned(image)).toMatchObject({ action: "build" })
    expect(await promoted(image)).toMatchObject({ kind: "refused", writes: 0 })
  })

  it("for a registry that serves another content under the digest of a statement", async () => {
    const image = await labelledImage()
    await attachStatements(client, image, trusted.signer, all(image))
    const answer = { status: 200, body: "{}", headers: { "content-type": mediaTypes.ociManifest } } as const
    const own = image.digest
    proxy.add({
      method: "GET",
      path: new RegExp(`/manifests/sha256:(?!${own.slice(7)})`),
      fault: { kind: "status", ...answer },
    })
    await refused(image, "was promised")
  })
})

describe("doubled and foreign entries", () => {
  it("are read once, or passed over, and take nothing away from what is signed", async () => {
    const image = await labelledImage()
    const digests = await attachStatements(client, image, trusted.signer, all(image))
    const entries = digests.map((digest) => ({ mediaType: mediaTypes.ociManifest, digest, size: 900 }))
    const foreign = { mediaType: "text/plain", digest: image.digest, size: 1 }
    serveList([...entries, ...entries, foreign, { digest: 1 }, "x"])
    const { claims } = await claimsFor(client, image, [trusting(trusted)])
    expect(claims.map(({ kind, problem }) => [kind, problem])).toEqual([
      ["provenance", undefined],
      ["tests", undefined],
      ["gpu", undefined],
    ])
  })
})

describe("the verdict of a GPU test", () => {
  const demand = (gpuMaxAgeSeconds: number, now: string) => ({ gpuMaxAgeSeconds, now: Date.parse(now) })
  const verdict = async (...predicates: readonly Record<string, unknown>[]) => {
    const image = await labelledImage()
    const statements = predicates.map((predicate) => statementOf("gpu", image, predicate))
    await attachStatements(client, image, trusted.signer, statements)
    return proofOf(await claimsFor(client, image, [trusting(trusted)]))
  }
  const at = (testedAt: string, result = "PASSED") => ({ testedAt, result })

  it.each([
    ["expired", [at("2026-10-01T00:00:00Z")], "older than the spec accepts"],
    ["of tomorrow", [at("2026-11-26T00:00:00Z")], "yet to come"],
    ["failed after it passed", [at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z", "FAILED")], "failed"],
    ["without a time", [{ testedAt: "soon" }], "no trusted statement"],
  ])("that is %s promotes nothing", async (_, predicates, why) => {
    const missing = missingForPromotion(
      await verdict(...predicates),
      demand(30 * 24 * 3600, "2026-11-25T00:00:00Z"),
    )
    expect(missing.find(({ kind }) => kind === "gpu")?.why).toContain(why)
  })

  it("that is young enough does", async () => {
    const proof = await verdict(at("2026-11-20T00:00:00Z"))
    const missing = missingForPromotion(proof, demand(30 * 24 * 3600, "2026-11-25T00:00:00Z"))
    expect(missing.map(({ kind }) => kind)).not.toContain("gpu")
  })
})

async function attachRaw(image: Image, bytes: Buffer) {
  const subject = await client.resolve(image)
  if (subject === undefined) throw new Error("no image")
  await attachAll(client, image, subject, [{ type: bundleMediaType, bytes, annotations: {} }], patience)
}

/** Serves a list of referrers: the registry itself would refuse an index of what it does not have. */
function serveList(manifests: readonly unknown[]) {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
  const headers = { "content-type": mediaTypes.ociIndex }
  proxy.add({ path: /\/referrers\//, fault: { kind: "status", status: 200, body, headers } })
}
