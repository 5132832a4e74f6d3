import { afterAll, describe, expect, it } from "vitest"
import { attestImages } from "../../../dagger/lib/attestation/attestImages.js"
import type { RunClaims } from "../../../dagger/lib/attestation/claims.js"
import { readProvenance } from "../../../dagger/lib/attestation/predicates.js"
import { openVerifier } from "../../../dagger/lib/attestation/verifyBundle.js"
import { ProofBook, refuseUnproved } from "../../../dagger/lib/gather/provedImage.js"
import { publishedImages } from "../../../dagger/lib/gather/publishedImages.js"
import { noGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { candidateTag } from "../../../dagger/lib/plan/facts.js"
import { planStack } from "../../../dagger/lib/plan/plan.js"
import type { Plan, Step } from "../../../dagger/lib/plan/planDocument.js"
import { joinedKey, joinPlans } from "../../../dagger/lib/plan/platforms.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { evidenceCheck } from "../../../dagger/lib/promote/evidence.js"
import { tagStable } from "../../../dagger/lib/promote/tagStable.js"
import { parseRepository } from "../../../dagger/lib/reference/reference.js"
import { joinIndex } from "../../../dagger/lib/registry/joinIndex.js"
import { labels } from "../../../dagger/lib/registry/labels.js"
import { indexAnnotationsOf } from "../../../dagger/lib/registry/writtenLabels.js"
import type { EndedImage } from "../../../dagger/lib/run/execution.js"
import { holdUnsigned } from "../../../dagger/lib/run/holdUnsigned.js"
import { jobOf } from "../../support/imageJobs.js"
import { claimsFor, newKey, testKey, trusting } from "../../support/evidenceWorld.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"
import { contextOf } from "../../support/registryWorld.js"
import { quarterScheme } from "../../support/tagScheme.js"

const registry = await startRegistry()
const { client } = clientOf(registry)
const trusted = newKey()
const trust = { signers: [trusting(trusted)] }
const believer = { trust, verify: await openVerifier(trust) }
const patience = { sleep: () => Promise.resolve(), random: () => 0 }
const amd = "linux/amd64"
const arm = "linux/arm64"
const tag = "2026.4-main"
const commit = "c".repeat(40)
const source = "https://github.com/org/stack"
const committedAt = "2026-11-25T09:00:00Z"
const keys = { [amd]: "a".repeat(64), [arm]: "b".repeat(64) } as const
const both = [amd, arm] as const
const indexKey = joinedKey(both.map((platform) => keys[platform]))
let count = 0

afterAll(() => registry.stop())

type Platform = (typeof both)[number]

/** The images of one name on both platforms, as a run has pushed them. */
async function pushed() {
  count += 1
  const repository = parseRepository(`${registry.host}/org/image${count}`)
  const push = (platform: Platform) => {
    const told = { [labels.inputKey]: keys[platform], [labels.testKey]: testKey }
    const content = { layers: [`${count} ${platform}`], labels: told, annotations: told, platform }
    return pushImage(registry, `org/image${count}:${candidateTag(keys[platform])}`, content)
  }
  const parts = [
    { platform: amd, digest: await push(amd) },
    { platform: arm, digest: await push(arm) },
  ]
  return { repository, parts, digests: new Map(parts.map(({ platform, digest }) => [platform, digest])) }
}

type Pushed = Awaited<ReturnType<typeof pushed>>

/** The annotations that a run of this commit gives an index. */
const ofCommit = { source, revision: commit, created: committedAt }
const annotations = indexAnnotationsOf({ title: "base", version: tag, ...ofCommit })

const join = ({ repository, parts }: Pushed, under = candidateTag(indexKey), more: Pushed["parts"] = []) =>
  joinIndex(client, repository, [...parts, ...more], annotations, under)

function planFor({ repository }: Pushed, platform: Platform): Plan {
  const name = `${repository.registry}/${repository.path}`
  const own = { name: "base", repository: name, parents: [], bases: [], inputKey: keys[platform], testKey }
  const place = { isPublished: true, ancestors: [] }
  const options = { branch: "main", tag, platform, publish: true, fullRebuild: true, only: [] }
  return planStack({
    images: [
      { ...own, ...place, unresolvedBases: [], registry: { kind: "unknown", why: "nobody was asked" } },
    ],
    specPath: "spec.yml",
    git: noGitFacts("unreadable", "there is none"),
    options: { ...options, mainBranch: "main", trustRegistry: true, today: "2026-11-25" },
  })
}

type Changes = Partial<Record<Platform, string>>

/** What ends of an image on a platform are: passed, where nothing else is said. */
function endOf({ digests }: Pushed, platform: Platform, outcomes: Changes) {
  const outcome = { kind: outcomes[platform] ?? "passed" }
  return { platform, inputKey: keys[platform], digest: digests.get(platform), outcome, suites: [] }
}

function claimsOf(plan: Plan, image: RunClaims["report"]["images"][number]): RunClaims {
  const report = {
    startedAt: Date.parse("2026-11-25T10:00:00Z"),
    source: { commit, committedAt, dirty: false },
    request: { arguments: [] },
    images: [image],
  }
  return { report, plan, files: new Map([["plan.json", "f".repeat(64)]]), source }
}

const named = ({ repository }: Pushed) => ({
  name: "base",
  reference: `${repository.registry}/${repository.path}:${tag}`,
})

/** A run for both platforms. */
function oneRun(images: Pushed, index: string | undefined, outcomes: Changes = {}): RunClaims {
  const plan = joinPlans([planFor(images, amd), planFor(images, arm)], ["base"])
  const platforms = both.map((platform) => ({
    ...endOf(images, platform, outcomes),
    tests: "full" as const,
  }))
  const end = { inputKey: indexKey, outcome: { kind: "passed" }, suites: [], digest: index }
  return claimsOf(plan, { ...named(images), ...end, platforms })
}

/** A run for each platform, on a machine of its own. */
const runEach = (images: Pushed, outcomes: Changes = {}): readonly RunClaims[] =>
  both.map((platform) =>
    claimsOf(planFor(images, platform), { ...named(images), ...endOf(images, platform, outcomes) }),
  )

async function attested(images: Pushed, runs: readonly RunClaims[]) {
  const places = {
    repositories: new Map([["base", images.repository]]),
    platforms: new Map([["base", both]]),
  }
  const attesting = { store: client, signer: trusted.signer, believer, patience, ...places }
  const rows = await attestImages(runs, attesting)
  return rows.map(({ image, platform, attached, kept, problem }) => ({
    ...{ image: platform === undefined ? image : `${image} ${platform}`, attached, kept },
    ...(problem !== undefined && { problem }),
  }))
}

const kinds = ["provenance", "tests"]
const fresh = { attached: kinds, kept: [] }

async function proved({ repository }: Pushed, digest: string) {
  const { claims } = await claimsFor(client, { ...repository, digest }, trust.signers)
  return claims
}

describe("what is signed of an image of two platforms", () => {
  it("is each of its images, and the index that the run has joined", async () => {
    const images = await pushed()
    const index = await join(images)
    const rows = await attested(images, [oneRun(images, index)])
    expect(rows).toEqual([
      { image: `base ${amd}`, ...fresh },
      { image: `base ${arm}`, ...fresh },
      { image: "base", ...fresh },
    ])
    const [provenance, tests] = await proved(images, index)
    expect([provenance?.problem, tests?.problem]).toEqual([undefined, undefined])
    expect(provenance?.statement && readProvenance(provenance.statement)).toMatchObject({
      inputKey: indexKey,
    })
    const { buildDefinition } = provenance?.statement?.predicate as {
      buildDefinition: { resolvedDependencies: unknown; externalParameters: unknown }
    }
    const uri = `oci://${images.repository.registry}/${images.repository.path}`
    expect(buildDefinition.externalParameters).toMatchObject({ image: "base", platforms: both, tag, commit })
    expect(buildDefinition.resolvedDependencies).toEqual([
      { uri: `git+${source}`, name: "source", digest: { gitCommit: commit } },
      ...images.parts.map(({ platform, digest }) => ({
        uri,
        digest: { sha256: digest.slice("sha256:".length) },
        name: platform,
      })),
    ])
    for (const { digest } of images.parts) {
      expect((await proved(images, digest)).map(({ kind, problem }) => [kind, problem])).toEqual(
        kinds.map((kind) => [kind, undefined]),
      )
    }
  })

  it("is signed once: the same again writes nothing", async () => {
    const images = await pushed()
    const run = oneRun(images, await join(images))
    await attested(images, [run])
    const before = registry.accessLog().length
    const again = await attested(images, [run])
    expect(again.map(({ attached, kept }) => [attached, kept])).toEqual(Array(3).fill([[], kinds]))
    const writes = registry.accessLog().slice(before)
    expect(writes.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([])
  })

  it("of runs on two machines is joined to the very index that a run of the same commit makes", async () => {
    const images = await pushed()
    expect(await attested(images, runEach(images))).toEqual([
      { image: `base ${amd}`, ...fresh },
      { image: `base ${arm}`, ...fresh },
      { image: "base", ...fresh },
    ])
    const joined = await client.resolve({ ...images.repository, tag: candidateTag(indexKey) })
    expect(await join(images, "again")).toBe(joined?.digest)
    expect((await proved(images, joined?.digest ?? "")).map(({ problem }) => problem)).toEqual([
      undefined,
      undefined,
    ])
  })

  it("is no index where a platform is missing or has failed, and no pass where one was not tested", async () => {
    const images = await pushed()
    const failed = await attested(images, runEach(images, { [arm]: "tests-failed" }))
    expect(failed.map(({ image }) => image)).toEqual([`base ${amd}`])
    expect(await attested(images, runEach(images).slice(0, 1))).toEqual([
      { image: `base ${amd}`, attached: [], kept: kinds },
    ])
    const untested = await attested(images, runEach(images, { [arm]: "untested" }))
    expect(untested.map(({ attached }) => attached)).toEqual([[], ["provenance"], ["provenance"]])
  })

  it("is nothing where the index lists something else, or more", async () => {
    const [images, others] = [await pushed(), await pushed()]
    const evil = await pushImage(registry, `${images.repository.path}:evil`, { layers: ["evil"] })
    const index = await join(images, "more", [{ platform: "linux/amd64/v3", digest: evil }])
    const rows = await attested(images, [oneRun(images, index)])
    expect(rows.at(-1)).toEqual({
      image: "base",
      attached: [],
      kept: [],
      problem: "the index of base does not list what the run says",
    })
    expect(await proved(images, index)).toEqual([])
    const gone = await attested(others, [oneRun(others, `sha256:${"0".repeat(64)}`)])
    expect(gone.at(-1)?.problem).toContain("there is no ")
  })
})

/** What the registry has of an image for each platform, as trusted statements tell. */
async function known({ repository }: Pushed) {
  const proofs = new ProofBook(client, believer)
  const found = both.map(async (platform) => {
    const question = {
      ...{ name: "base", repository, inputKey: keys[platform], testKey, tag, scheme: quarterScheme },
      ...{ unresolvedBases: [], platform, platforms: both },
    }
    const facts = (await publishedImages(client, [question], proofs)).get("base")
    return facts?.kind === "known" ? facts.branchTag : undefined
  })
  return Promise.all(found)
}

describe("an index under the tag of a branch", () => {
  it("is taken whole where who is trusted has joined it", async () => {
    const images = await pushed()
    const index = await join(images, tag)
    await attested(images, [oneRun(images, index)])
    const found = await known(images)
    expect(found).toMatchObject(images.parts.map(({ digest }) => ({ digest, index, passed: true })))
  })

  it("is none where nobody has: its images are believed, what else it lists is not looked at", async () => {
    const images = await pushed()
    await attested(images, runEach(images))
    const evil = await pushImage(registry, `${images.repository.path}:evil`, { layers: ["evil"] })
    await join(images, tag, [{ platform: "linux/amd64/v3", digest: evil }])
    const found = await known(images)
    expect(found).toMatchObject(images.parts.map(({ digest }) => ({ digest, passed: true })))
    expect(found.map((image) => image?.index)).toEqual([undefined, undefined])
  })

  it("costs one question for each image and one for the index, whatever names it", async () => {
    const images = await pushed()
    for (const each of [tag, "2026.4-stable"])
      await attested(images, [oneRun(images, await join(images, each))])
    const before = registry.accessLog().length
    await known(images)
    const lists = registry
      .accessLog()
      .slice(before)
      .filter(({ path }) => path.includes("/referrers/"))
    expect(lists).toHaveLength(3)
  })
})

describe("before the tags of a run move", () => {
  // What it says is nobody's business here.
  const record = undefined as unknown as EndedImage["record"]
  const passed = { kind: "passed" } as const

  function ended(
    { repository }: Pushed,
    digest: string | undefined,
    more: Partial<EndedImage> = {},
  ): EndedImage {
    const job = jobOf("base", "build", { inputKey: keys[amd], repository })
    return { kind: "ended", job, record, outcome: passed, digest, published: false, ...more }
  }

  /** The joined end of an image that was taken as it is published on both platforms. */
  function joined(images: Pushed, digest: string): EndedImage {
    const platforms = both.map((platform) => {
      const own = images.digests.get(platform)
      const job = jobOf("base", "retag", { inputKey: keys[platform], repository: images.repository }, own)
      const image = ended(images, own, { job, outcome: { kind: "retagged" } })
      return { platform, isEmulated: false, tests: "full" as const, image }
    })
    return ended(images, digest, { platforms, outcome: { kind: "retagged" } })
  }

  const held = async (image: EndedImage) => {
    const [one] = await holdUnsigned([image], tag, new ProofBook(client, believer))
    return one?.isUnsigned === true
  }

  it("what nobody has signed is held back, and what is signed is not", async () => {
    const images = await pushed()
    const digest = images.digests.get(amd)
    expect(await held(ended(images, digest))).toBe(true)
    await attested(images, runEach(images))
    expect(await held(ended(images, digest))).toBe(false)
    const other = jobOf("base", "build", { inputKey: "d".repeat(64), repository: images.repository })
    expect(await held(ended(images, digest, { job: other }))).toBe(true)
  })

  it("what was joined anew is held back until somebody has signed the index, whatever is signed in it", async () => {
    const images = await pushed()
    const index = await join(images, "joined")
    await attested(images, runEach(images).slice(0, 1))
    await attested(images, runEach(images).slice(1))
    expect(await held(joined(images, index))).toBe(true)
    await attested(images, [oneRun(images, index)])
    expect(await held(joined(images, index))).toBe(false)
  })

  it("an image without tests needs no statement of tests", async () => {
    const images = await pushed()
    await attested(images, runEach(images, { [amd]: "untested" }))
    const digest = images.digests.get(amd)
    expect(await held(ended(images, digest))).toBe(true)
    expect(await held(ended(images, digest, { outcome: { kind: "untested", reason: "none" } }))).toBe(false)
  })

  it("nothing is asked about what failed, is published, or has stayed as it was", async () => {
    const images = await pushed()
    const digest = images.digests.get(amd)
    const failed = { kind: "tests-failed", reason: "one" } as const
    const reused = jobOf("base", "retag", { inputKey: keys[amd], repository: images.repository })
    const before = registry.accessLog().length
    for (const image of [
      ended(images, digest, { outcome: failed }),
      ended(images, digest, { published: true }),
      ended(images, undefined),
      ended(images, digest, { job: reused, outcome: { kind: "retagged" } }),
    ])
      expect(await held(image)).toBe(false)
    expect(registry.accessLog().length).toBe(before)
  })
})

describe("a promotion of an index", () => {
  async function promoted({ repository }: Pushed) {
    const before = registry.accessLog().length
    const { outcome } = await tagStable(
      {
        images: [{ name: "base", repository }],
        tag,
        dryRun: false,
        gate: { kind: "skipped", why: "there is none" },
        evidence: evidenceCheck({ store: client, believer, now: Date.now }),
      },
      contextOf(client),
    )
    const log = registry.accessLog().slice(before)
    const writes = log.filter(({ method }) => !["GET", "HEAD"].includes(method)).length
    return { kind: outcome.kind, text: JSON.stringify(outcome), writes }
  }

  it("asks what the index claims, and gives it the tag", async () => {
    const images = await pushed()
    const index = await join(images, tag)
    await attested(images, [oneRun(images, index)])
    expect(await promoted(images)).toMatchObject({ kind: "promoted" })
    expect((await client.resolve({ ...images.repository, tag: "2026.4-stable" }))?.digest).toBe(index)
  })

  it("writes nothing where only its images are signed", async () => {
    const images = await pushed()
    await attested(images, runEach(images))
    await join(images, tag, [{ platform: "linux/amd64/v3", digest: images.parts[1]?.digest ?? "" }])
    const { kind, text, writes } = await promoted(images)
    expect([kind, writes]).toEqual(["refused", 0])
    expect(text).toContain("no statement of provenance")
  })
})

describe("a plan that is repeated", () => {
  const stepOf = (images: Pushed, platform: Platform, index?: string): Step => {
    const { reference } = named(images)
    const digest = images.digests.get(platform) ?? ""
    const published = { tag, digest, reference: `${reference}@${digest}`, ...(index && { index }) }
    const any = { image: "base", platform, reference, inputKey: keys[platform], testKey, reasons: [] }
    return { ...any, action: "retag", movesTag: true, published }
  }

  const repeated = async (steps: readonly Step[], whole = new Map<string, string>()) => {
    try {
      await refuseUnproved({ tag, steps: [...steps] }, new ProofBook(client, believer), whole)
      return []
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return error.problems.map(({ message }) => message)
    }
  }

  it("takes an index that is signed, and no other; each platform by its own key", async () => {
    const images = await pushed()
    const index = await join(images)
    const steps = (digest?: string) => both.map((platform) => stepOf(images, platform, digest))
    await attested(images, runEach(images))
    expect(await repeated(steps())).toEqual([])
    expect(await repeated(steps(index))).toEqual([])
    const more = { platform: "linux/amd64/v3", digest: images.parts[1]?.digest ?? "" }
    const planted = await join(images, "planted", [more])
    expect((await repeated(steps(planted))).join()).toContain("is not believed")
  })

  it("takes what has passed all tests for what has passed fewer", async () => {
    const images = await pushed()
    await attested(images, runEach(images))
    const fewer = both.map((platform) => ({ ...stepOf(images, platform), testKey: "d".repeat(64) }))
    expect((await repeated(fewer)).join()).toContain("is not believed")
    expect(await repeated(fewer, new Map([["d".repeat(64), testKey]]))).toEqual([])
  })
})
