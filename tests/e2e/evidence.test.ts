import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { bundleMediaType } from "../../dagger/lib/attestation/bundle.js"
import { predicateTypes } from "../../dagger/lib/attestation/statement.js"
import { candidateTag, passedTag } from "../../dagger/lib/plan/facts.js"
import { readPlan } from "../../dagger/lib/plan/planDocument.js"
import { parseReference } from "../../dagger/lib/reference/reference.js"
import { labels } from "../../dagger/lib/registry/labels.js"
import { retag } from "../../dagger/lib/registry/retag.js"
import { attachAll } from "../../dagger/lib/registry/attach.js"
import type { StackReport } from "../../dagger/lib/report/report.js"
import { claimKinds } from "../../dagger/lib/spec/trust.js"
import { Cosign } from "../support/cosign.js"
import { unemulated } from "../support/enginePlace.js"
import { attachStatements, newKey, statementOf } from "../support/evidenceWorld.js"
import { childImage, FixtureStack, rootImage } from "../support/fixtureStacks.js"
import { clientOf } from "../support/registryClient.js"
import { pushImage } from "../support/registryImages.js"
import { writeVulnerabilityDatabase } from "../support/vulnerabilityDatabase.js"

const key = newKey()
const stranger = newKey()
const tag = "2026.4-main"
const signers = [{ key: key.publicKey, tags: ["*-main", "*-stable"] }]
const ignoreLog = "--insecure-ignore-tlog=true"

let world: FixtureStack
let cosign: Cosign
let out: string

beforeAll(async () => {
  const images = { base: rootImage("base"), left: childImage("left", "base") }
  const spec = { trust: { signers }, vulnerabilities: { fail_on: "high" } }
  world = await FixtureStack.start(images, { spec })
  cosign = Cosign.start(world.registry)
  out = mkdtempSync(join(tmpdir(), "stack-evidence-"))
}, 900_000)

afterAll(async () => {
  rmSync(out, { recursive: true, force: true })
  cosign.stop()
  await world.stop()
})

const trustedKey = () => `--key=${cosign.file("trusted.pub", key.publicKey)}`

/** Calls a function that signs. */
async function signing(name: string, options: readonly string[], privateKey = key.privateKey, path = out) {
  const words = [
    "--source=.",
    ...options,
    "--signing-key=env://SIGNING_KEY",
    "artifacts",
    "export",
    `--path=${path}`,
  ]
  const ended = await world.callWith({ SIGNING_KEY: privateKey }, name, ...words)
  const body = privateKey.split("\n")[1] ?? ""
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(body)
  if (ended.status !== 0) throw new Error(ended.stderr.slice(-3000))
  const report = readFileSync(join(path, "report.json"), "utf8")
  expect(report).not.toContain(body)
  return JSON.parse(report) as { readonly ok: boolean; readonly images: readonly SignedImage[] }
}

interface SignedImage {
  readonly name: string
  readonly action: string
  readonly published: boolean
  readonly digest?: string
  readonly outcome: { readonly kind: string; readonly message?: string }
  readonly vulnerabilities?: { readonly found: readonly { readonly id: string }[] }
}

/** What the plan says of both images, with its reasons. */
async function plan() {
  const steps = await world.plan(...world.login())
  return [...steps.values()].map(({ action, reasons }) => ({ action, reasons: JSON.stringify(reasons) }))
}

describe("a run without a key, another that signs what it left, and one that moves the tags", () => {
  test("what nobody has signed gets no tag, and the report has the commands that sign and tag it", async () => {
    const options = [...world.publishing(), "artifacts", "export", `--path=${out}`]
    const { status } = await world.call("build-stack", "--source=.", ...options)
    expect(status).toBe(0)
    expect(await world.tags("base")).toEqual([])
    const summary = readFileSync(join(out, "summary.txt"), "utf8")
    expect(summary).toMatch(/; published: nothing; 2 candidates to be signed first\n$/)
    expect(summary).toContain(`./stack attest --source=. --registry=${world.host}/team --artifacts=out`)
    expect(summary).toContain(`./stack build-stack --source=. --registry=${world.host}/team --publish`)
  })

  test("what nobody has signed is nobody's: it is built again, and the plan says why", async () => {
    const [base] = await plan()
    expect(base?.action).toBe("build")
    expect(base?.reasons).toContain("no trusted statement says that it was built from this content")
  })

  test("what the artifacts say is signed by a job that builds nothing, once", async () => {
    const signed = join(out, "signed")
    const options = [`--artifacts=${out}`, ...world.login(), "--origin=https://github.com/org/stack"]
    const first = await signing("attest", options, key.privateKey, signed)
    const both = (attached: readonly string[]) => [
      expect.objectContaining({ image: "base", attached }) as unknown,
      expect.objectContaining({ image: "left", attached }) as unknown,
    ]
    expect(first).toMatchObject({ ok: true, images: both(["provenance", "tests"]) })
    const second = await signing("attest", options, key.privateKey, signed)
    expect(second).toMatchObject({ ok: true, images: both([]) })
  })

  test("artifacts that the registry contradicts are not signed", async () => {
    const forged = mkdtempSync(join(tmpdir(), "stack-forged-"))
    const report = readFileSync(join(out, "report.json"), "utf8")
    const [, digest = ""] = /"digest": "(sha256:[0-9a-f]{64})"/.exec(report) ?? []
    writeFileSync(join(forged, "report.json"), report.replaceAll(digest, `sha256:${"0".repeat(64)}`))
    writeFileSync(join(forged, "plan.json"), readFileSync(join(out, "plan.json"), "utf8"))
    const options = [`--artifacts=${forged}`, ...world.login()]
    const done = await signing("attest", options, key.privateKey, join(out, "forged"))
    rmSync(forged, { recursive: true })
    expect(done.ok).toBe(false)
    expect(JSON.stringify(done)).toContain("there is no ")
  })

  test("the last run builds nothing, believes what is signed, and moves the tags", async () => {
    const run = await world.publish()
    expect(run.actions).toEqual({ base: "retag", left: "retag" })
    const manifest = await world.manifest("left", tag)
    expect(run.image("left").digest).toBe(manifest.digest)
  })

  test("anybody sees what is claimed, by whom, and that it holds", async () => {
    const ref = `--ref=${world.host}/team/left:${tag}`
    const login = world.login().slice(1)
    const ended = await world.call("verify", "--source=.", ref, ...login)
    expect(ended.stderr.slice(-2000)).not.toContain("rror:")
    expect(ended.status).toBe(0)
    expect(ended.stdout).toMatch(/provenance\W+holds/)
    expect(ended.stdout).toMatch(/tests\W+holds/)
  })

  test("the real cosign finds both statements by the key", async () => {
    const image = `${world.registry.host}/team/left:${tag}`
    for (const kind of ["provenance", "tests"] as const) {
      const { status, stderr } = await cosign.verifyAttestation(
        image,
        predicateTypes[kind],
        trustedKey(),
        ignoreLog,
      )
      expect([kind, status, stderr]).toEqual([kind, 0, expect.stringContaining("signatures were verified")])
    }
  })
})

test("one call signs before its tags move; a change is built, and what another key signs is not believed", async () => {
  const dockerfile = await world.read("images/left/Dockerfile")
  await world.commit({ "images/left/Dockerfile": `${dockerfile}ENV CHANGED=1\n` })
  const other = await signing("build-stack", world.publishing(), stranger.privateKey)
  expect(other.ok).toBe(true)
  const [, left] = await plan()
  expect(left?.action).toBe("build")
  expect(left?.reasons).toContain("signed by a key that is not trusted")
  const own = await signing("build-stack", world.publishing())
  expect(own.ok).toBe(true)
  expect((await plan()).map(({ action }) => action)).toEqual(["reuse", "reuse"])
})

test("a promotion asks for statements, writes nothing without them, and names image, statement and command", async () => {
  const promote = (from: string) =>
    world.call("tag-stable", "--source=.", `--tag=${from}`, `--artifacts=${out}`, ...world.login())
  const good = await promote(tag)
  expect([good.status, good.stdout.slice(-1500)]).toEqual([0, expect.stringContaining("Promoted")])
  const { client } = clientOf(world.registry)
  await pushImage(world.registry, "team/left:2026.4-evil", { labels: await world.labels("left", tag) })
  await retag(client, parseReference(`${world.registry.host}/team/base:${tag}`), "2026.4-evil")
  const before = world.registry.accessLog().length
  const refused = await promote("2026.4-evil")
  const writes = world.registry
    .accessLog()
    .slice(before)
    .filter(({ method }) => !["GET", "HEAD"].includes(method))
  expect(refused.status).toBe(1)
  expect(writes).toEqual([])
  expect(refused.stdout).toMatch(/left:2026\.4-evil.*has no statement of provenance.*build-stack/s)
})

describe("a run with a database of vulnerabilities", () => {
  const scanning = () => [...world.publishing(), `--vulnerability-database=${join(out, "made.db")}`]
  const change = async (line: string) => {
    const dockerfile = await world.read("images/left/Dockerfile")
    await world.commit({ "images/left/Dockerfile": `${dockerfile}ENV ${line}=1\n` })
  }

  test("fails what the policy does not let pass, before any tag moves, and signs nothing of it", async () => {
    await writeVulnerabilityDatabase(join(out, "made.db"), 1)
    await change("SCANNED")
    const before = await world.manifest("left", tag)
    const { ok, images } = await signing("build-stack", scanning())
    expect(ok).toBe(false)
    // Main builds all of a new commit, and both have the package.
    const failed = { action: "build", published: false, outcome: { kind: "vulnerable" } }
    expect(images).toMatchObject([
      { name: "base", ...failed },
      { name: "left", ...failed },
    ])
    expect(images[1]?.outcome.message).toMatch(/^1 vulnerability \(high and above fail\)/)
    expect((await world.manifest("left", tag)).digest).toBe(before.digest)
    expect(readFileSync(join(out, "vulnerabilities.md"), "utf8")).toContain("CVE-2026-1001")
  })

  test("signs what it says of an image that passes, with the rest", async () => {
    const spec = await world.read("spec.yml")
    await world.commit({ "spec.yml": spec.replace("high", "critical") })
    const { ok, images } = await signing("build-stack", scanning())
    expect([ok, images[1]?.published]).toEqual([true, true])
    const ref = `--ref=${world.host}/team/left:${tag}`
    const ended = await world.call("verify", "--source=.", ref, ...world.login().slice(1))
    expect(ended.stdout).toMatch(/vulnerabilities\W+holds.*passed on/)
    const type = predicateTypes.vulnerabilities
    const image = `${world.registry.host}/team/left:${tag}`
    expect((await cosign.verifyAttestation(image, type, trustedKey(), ignoreLog)).status).toBe(0)
  })

  test("looks into what gets a tag as it is published", async () => {
    await world.git("checkout", "--quiet", "-b", "try-main")
    const { ok, images } = await signing("build-stack", scanning())
    await world.git("checkout", "--quiet", "main")
    expect(ok).toBe(true)
    expect(images.map(({ action, vulnerabilities }) => [action, vulnerabilities?.found.length])).toEqual([
      ["retag", 2],
      ["retag", 2],
    ])
  })
})

describe("an image of two platforms", () => {
  const platforms = ["linux/amd64", "linux/arm64"] as const
  const both = { base: rootImage("base") }

  test("is signed on each and as an index, believed whole, and promoted", async () => {
    const own = await FixtureStack.start(both, { spec: { platforms, trust: { signers } } }, unemulated)
    const { client } = clientOf(own.registry)
    try {
      // That platform's machine has built, tested and signed already.
      const planned = await own.call("plan", "--source=.", "--publish", ...own.login(), "json")
      const { commit = "", steps } = readPlan(planned.stdout)
      const arm = steps.find(({ platform }) => platform === platforms[1])
      if (arm === undefined) throw new Error(planned.stderr.slice(-2000))
      const { inputKey, testKey } = arm
      // Of this commit: main builds each anew.
      const told = {
        [labels.inputKey]: inputKey,
        [labels.testKey]: testKey,
        [labels.revision]: commit,
      }
      const digest = await pushImage(own.registry, `team/base:${candidateTag(inputKey)}`, {
        ...{ platform: platforms[1], labels: told, annotations: told },
      })
      const image = { ...parseReference(`${own.registry.host}/team/base`), digest }
      const built = statementOf("provenance", image)
      const internalParameters = { inputKey }
      const buildDefinition = { ...(built.predicate.buildDefinition as object), internalParameters }
      await attachStatements(client, image, key.signer, [
        statementOf("provenance", image, { buildDefinition }),
        statementOf("tests", image, { inputKey, testKey }),
      ])
      await retag(client, image, passedTag(inputKey, testKey))
      await expectIndexSigned(own, digest)
    } finally {
      await own.stop()
    }
  })

  async function expectIndexSigned(own: FixtureStack, arm: string) {
    const env = { SIGNING_KEY: key.privateKey }
    const options = [...own.publishing(), "--signing-key=env://SIGNING_KEY"]
    const path = join(out, "index")
    const words = ["--source=.", ...options, "artifacts", "export", `--path=${path}`]
    const ended = await own.callWith(env, "build-stack", ...words)
    expect([ended.status, ended.stderr.slice(-3000)]).toEqual([0, expect.any(String)])
    const { images } = JSON.parse(readFileSync(join(path, "report.json"), "utf8")) as StackReport
    expect(images).toMatchObject([
      {
        published: true,
        platforms: [
          { platform: platforms[0], action: "build" },
          { platform: platforms[1], action: "retag", digest: arm },
        ],
      },
    ])
    const index = images[0]?.digest
    const verified = await own.call(
      ...["verify", "--source=.", `--ref=${own.host}/team/base:${tag}`],
      ...own.login().slice(1),
    )
    expect(verified.stdout).toMatch(/provenance\W+holds/)
    expect(verified.stdout).toMatch(/linux\/amd64: tests\W+holds/)
    const again = await own.call("plan", "--source=.", "--publish", ...own.login(), "json")
    expect(readPlan(again.stdout).steps).toMatchObject(
      platforms.map((platform) => ({ platform, action: "reuse", published: { index } })),
    )
    const stable = [`--tag=${tag}`, `--artifacts=${path}`, ...own.login()]
    const promoted = await own.call("tag-stable", "--source=.", ...stable)
    expect([promoted.status, promoted.stdout.slice(-1500)]).toEqual([0, expect.stringContaining("Promoted")])
    const { client } = clientOf(own.registry)
    const named = await client.resolve(parseReference(`${own.registry.host}/team/base:2026.4-stable`))
    expect(named?.digest).toBe(index)
    const home = Cosign.start(own.registry)
    const type = predicateTypes.provenance
    const { status } = await home.verifyAttestation(
      ...[`${own.registry.host}/team/base:2026.4-stable`, type, trustedKey(), ignoreLog],
    )
    home.stop()
    expect(status).toBe(0)
  }
})

describe("the real cosign", () => {
  /** An image of the registry, signed for by key. */
  async function signedImage(name: string) {
    const { client } = clientOf(world.registry)
    const digest = await pushImage(world.registry, `cosign/${name}:1`, { layers: [name] })
    const { registry, path } = parseReference(`${world.registry.host}/cosign/${name}`)
    const image = { registry, path, digest }
    return { client, image, reference: `${registry}/${path}:1` }
  }

  test("verifies each type of statement, and refuses a wrong key", async () => {
    const { client, image, reference } = await signedImage("each")
    const statements = claimKinds.map((kind) => statementOf(kind, image))
    await attachStatements(client, image, key.signer, statements)
    const wrong = `--key=${cosign.file("wrong.pub", stranger.publicKey)}`
    for (const kind of claimKinds) {
      const verify = (whose: string) =>
        cosign.verifyAttestation(reference, predicateTypes[kind], whose, ignoreLog)
      expect([kind, (await verify(trustedKey())).status]).toEqual([kind, 0])
      expect([kind, (await verify(wrong)).status]).not.toEqual([kind, 0])
    }
  })

  test("refuses a changed byte, and another image's statement", async () => {
    const { client, image, reference } = await signedImage("changed")
    const statement = statementOf("provenance", image)
    const bundle = Buffer.from(await key.signer.sign(statement)).toString()
    const { dsseEnvelope, ...rest } = JSON.parse(bundle) as { dsseEnvelope: { payload: string } }
    const text = Buffer.from(dsseEnvelope.payload, "base64").toString().replace("base", "bass")
    const payload = Buffer.from(text).toString("base64")
    const bytes = Buffer.from(JSON.stringify({ ...rest, dsseEnvelope: { ...dsseEnvelope, payload } }))
    const subject = await client.resolve(image)
    if (subject === undefined) throw new Error("no image")
    const patience = { sleep: () => Promise.resolve(), random: () => 0 }
    await attachAll(client, image, subject, [{ type: bundleMediaType, bytes, annotations: {} }], patience)
    const changed = await cosign.verifyAttestation(
      reference,
      predicateTypes.provenance,
      trustedKey(),
      ignoreLog,
    )
    expect(changed.status).not.toBe(0)
    const other = await signedImage("other")
    await attachStatements(client, other.image, key.signer, [statement])
    const foreign = await cosign.verifyAttestation(
      other.reference,
      predicateTypes.provenance,
      trustedKey(),
      ignoreLog,
    )
    expect([foreign.status === 0, foreign.stderr]).toEqual([false, expect.stringContaining("digest")])
  })
})
