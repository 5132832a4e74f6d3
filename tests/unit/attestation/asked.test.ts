import { afterAll, describe, expect, it } from "vitest"
import { ProofBook, refuseUnproved } from "../../../dagger/lib/gather/provedImage.js"
import { openVerifier } from "../../../dagger/lib/attestation/verifyBundle.js"
import type { ParentSource, Step } from "../../../dagger/lib/plan/planDocument.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { evidenceCheck } from "../../../dagger/lib/promote/evidence.js"
import { tagGlobalStable } from "../../../dagger/lib/promote/tagGlobalStable.js"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import type { KeySigner } from "../../../dagger/lib/spec/trust.js"
import type { ClaimKind } from "../../../dagger/lib/spec/trust.js"
import type { InTotoStatement } from "../../../dagger/lib/attestation/statement.js"
import {
  attachStatements,
  inputKey,
  newKey,
  statementOf,
  testKey,
  trusting,
} from "../../support/evidenceWorld.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"
import { contextOf } from "../../support/registryWorld.js"

const registry = await startRegistry()
const { client } = clientOf(registry)
const trusted = newKey()
const stranger = newKey()
let count = 0

afterAll(() => registry.stop())

/** A new image under a tag, with statements of these kinds by somebody. */
async function statedImage(kinds: readonly ClaimKind[], more: Stated = {}) {
  count += 1
  const { tag = "2026.4-main", signer = trusted.signer, predicate } = more
  const name = `org/image${count}`
  const digest = await pushImage(registry, `${name}:${tag}`, { layers: [name] })
  const { registry: host, path } = parseReference(`${registry.host}/${name}`)
  const image = { registry: host, path, digest }
  const statements = kinds.map((kind) => statementOf(kind, image, predicate))
  if (statements.length > 0) await attachStatements(client, image, signer, statements)
  return image
}

interface Stated {
  readonly tag?: string
  readonly signer?: typeof trusted.signer
  readonly predicate?: InTotoStatement["predicate"]
}

type Image = Awaited<ReturnType<typeof statedImage>>

/** Requests that something takes of the registry. */
async function requestsOf<T>(work: () => Promise<T>) {
  const before = registry.accessLog().length
  const result = await work()
  const log = registry.accessLog().slice(before)
  return {
    result,
    reads: log.length,
    writes: log.filter(({ method }) => !["GET", "HEAD"].includes(method)).length,
  }
}

describe("a plan that is repeated under trust", () => {
  const published = ({ registry: host, path, digest }: Image) => ({
    reference: `${host}/${path}:2026.4-main@${digest}`,
    digest,
    tag: "2026.4-main",
  })
  const anyStep = { image: "base", reference: "registry.example/org/base:2026.4-main", inputKey, testKey }

  function stepOf(action: "retag" | "reuse" | "retest", image: Image): Step {
    return {
      ...anyStep,
      action,
      reasons: [],
      movesTag: false,
      published: published(image),
    }
  }

  function buildOf(name: string, parents: ParentSource[]): Step {
    return { ...anyStep, image: name, action: "build", reasons: [], movesTag: true, parents }
  }

  /** Builds `left` on the base that is published. */
  function childOf(image: Image): readonly Step[] {
    const base: Step = { ...anyStep, action: "skip", reasons: [], movesTag: false }
    return [base, buildOf("left", [{ from: "registry", image: "base", ...published(image) }])]
  }

  async function repeated(steps: readonly Step[], signers: readonly KeySigner[] = [trusting(trusted)]) {
    const plan = { tag: "2026.4-main", steps: [...steps] }
    const trust = { signers }
    const proofs = new ProofBook(client, { trust, verify: await openVerifier(trust) })
    try {
      await refuseUnproved(plan, signers.length === 0 ? undefined : proofs)
      return []
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return error.problems.map(({ message }) => message)
    }
  }

  it.each(["retag", "reuse", "retest"] as const)("takes what is signed: %s", async (action) => {
    const image = await statedImage(["provenance", "tests"])
    expect(await repeated([stepOf(action, image)])).toEqual([])
  })

  it("tests and builds on what was built by who is trusted, and tags it only where it has passed", async () => {
    const image = await statedImage(["provenance"])
    expect(await repeated([stepOf("retest", image)])).toEqual([])
    expect(await repeated(childOf(image))).toEqual([])
    for (const action of ["retag", "reuse"] as const) {
      const [problem, ...more] = await repeated([stepOf(action, image)])
      expect(problem).toMatch(
        /org\/image\d+:2026\.4-main@sha256:\w+ is not believed: no trusted statements say/,
      )
      expect(more).toEqual([])
    }
  })

  it("of a run that built it is asked for nothing", async () => {
    const { result, reads } = await requestsOf(() => repeated([buildOf("base", [])]))
    expect([result, reads]).toEqual([[], 0])
  })

  it("asks for nothing where the spec trusts nobody", async () => {
    const image = await statedImage([])
    const { result, reads } = await requestsOf(() => repeated([stepOf("retag", image)], []))
    expect([result, reads]).toEqual([[], 0])
  })

  it.each<readonly [string, readonly ClaimKind[], Stated, string]>([
    ["nobody has signed", [], {}, "no trusted statements say"],
    ["somebody else has signed", ["provenance", "tests"], { signer: stranger.signer }, "not trusted"],
    [
      "passed other tests",
      ["provenance", "tests"],
      { predicate: { testKey: "c".repeat(64) } },
      "no trusted statements say",
    ],
    [
      "was built for another content",
      ["provenance", "tests"],
      {
        // The tests' statement still tells of the right one.
        predicate: {
          buildDefinition: {
            externalParameters: { image: "base" },
            internalParameters: { inputKey: "d".repeat(64) },
          },
        },
      },
      "no trusted statements say",
    ],
  ])("refuses what %s", async (_, kinds, stated, why) => {
    const image = await statedImage(kinds, stated)
    expect((await repeated([stepOf("retag", image)])).join()).toContain(why)
  })

  it("refuses a parent that nobody has signed, and names each such image", async () => {
    const [first, second] = [await statedImage([]), await statedImage([])]
    const problems = await repeated([...childOf(first), { ...stepOf("reuse", second), image: "right" }])
    expect(problems.map((problem) => problem.split(":2026")[0])).toEqual([
      `${registry.host}/${first.path}`,
      `${registry.host}/${second.path}`,
    ])
  })

  it("refuses the word of a signer whose word does not count for the tag", async () => {
    const image = await statedImage(["provenance", "tests"])
    const elsewhere = [trusting(trusted, { tags: ["2026.4-dev"] })]
    expect((await repeated([stepOf("retag", image)], elsewhere)).join()).toContain(
      "trusts nobody of this name",
    )
  })
})

describe("tag-global-stable under trust", () => {
  const tag = "2026.4-stable"

  async function promoted(
    image: Image,
    signers = [trusting(trusted)],
    vulnerabilitiesMaxAgeSeconds?: number,
  ) {
    const trust = { signers }
    const believer = { trust, verify: await openVerifier(trust) }
    const now = () => Date.parse("2026-11-25T00:00:00Z")
    const gpu = { image: "base", maxAgeSeconds: 30 * 24 * 3600 }
    const { registry: host, path } = image
    const { result, writes } = await requestsOf(() =>
      tagGlobalStable(
        {
          images: [{ name: "base", repository: { registry: host, path } }],
          prefix: "2026.4",
          dryRun: false,
          evidence: evidenceCheck({ store: client, believer, gpu, vulnerabilitiesMaxAgeSeconds, now }),
        },
        contextOf(client),
      ),
    )
    const { outcome } = result
    const stable = await client.resolve({ registry: host, path, tag: "stable" })
    return { kind: outcome.kind, text: JSON.stringify(outcome), writes, stable: stable?.digest }
  }

  it("gives the tag to an image with every statement", async () => {
    const image = await statedImage(["provenance", "tests", "gpu"], { tag })
    expect(await promoted(image)).toMatchObject({ kind: "promoted", stable: image.digest })
  })

  it.each<readonly [string, readonly ClaimKind[], Stated, string]>([
    ["no provenance", ["tests", "gpu"], {}, "no statement of provenance"],
    ["no tests", ["provenance", "gpu"], {}, "no statement of tests"],
    ["no verdict of a GPU test", ["provenance", "tests"], {}, "no statement of gpu"],
    [
      "a verdict that is too old",
      ["provenance", "tests", "gpu"],
      { predicate: { testedAt: "2026-10-01T00:00:00Z" } },
      "older than the spec accepts",
    ],
    ["statements of a stranger", ["provenance", "tests", "gpu"], { signer: stranger.signer }, "not trusted"],
  ])("gives it to none with %s, writes nothing, and says what is missing", async (_, kinds, stated, why) => {
    // Each statement has fields of its own; what one kind does not know it may say all the same.
    const image = await statedImage(kinds, { tag, ...stated })
    const { kind, text, writes, stable } = await promoted(image)
    expect({ kind, writes, stable }).toEqual({ kind: "refused", writes: 0, stable: undefined })
    expect(text).toContain(`${registry.host}/${image.path}:2026.4-stable (${image.digest})`)
    expect(text).toContain(why)
  })

  describe("where the spec wants scans for vulnerabilities", () => {
    const every = ["provenance", "tests", "gpu", "vulnerabilities"] as const
    const scanned = ([scanFinishedOn, verdict = "PASSED"]: readonly string[]) =>
      statedImage(every, { tag, predicate: { verdict, metadata: { scanFinishedOn } } })
    const week = 7 * 24 * 3600

    it("gives the tag to an image whose scan is young enough and passed", async () => {
      const image = await scanned(["2026-11-24T00:00:00Z"])
      expect(await promoted(image, undefined, week)).toMatchObject({ kind: "promoted", stable: image.digest })
    })

    it.each([
      ["is too old", ["2026-11-01T00:00:00Z"], "older than the spec accepts (vulnerabilities_max_age)"],
      ["did not pass", ["2026-11-24T00:00:00Z", "FAILED"], "its scan for vulnerabilities of 2026-11-24"],
      ["is of tomorrow", ["2026-11-26T00:00:00Z"], "yet to come"],
      ["judges nothing", ["2026-11-24T00:00:00Z", "FINE"], "no trusted statement tells that its scan"],
    ] as const)("gives it to none whose scan %s, and names image and command", async (_, said, why) => {
      const image = await scanned(said)
      const { kind, text, writes } = await promoted(image, undefined, week)
      expect([kind, writes]).toEqual(["refused", 0])
      expect(text).toContain(
        `${registry.host}/${image.path}:2026.4-stable (${image.digest}) has no statement of vulnerabilities`,
      )
      expect(text).toContain(why)
      expect(text).toContain(`./stack scan --source=. --tag=2026.4-stable --database=`)
    })

    it("gives it to none that nobody has scanned, and asks nobody for a scan otherwise", async () => {
      const image = await statedImage(["provenance", "tests", "gpu"], { tag })
      expect(await promoted(image, undefined, week)).toMatchObject({ kind: "refused", writes: 0 })
      expect(await promoted(image)).toMatchObject({ kind: "promoted" })
    })
  })

  it("names the command that leaves the verdict", async () => {
    const image = await statedImage(["provenance", "tests"], { tag })
    expect((await promoted(image)).text).toContain("./stack gpu-test --source=. --tag=2026.4-stable")
  })

  it("asks who is trusted for the tag that it gives, not for the one that it takes", async () => {
    const image = await statedImage(["provenance", "tests", "gpu"], { tag })
    const before = [trusting(trusted, { tags: ["*-stable"] })]
    expect(await promoted(image, before)).toMatchObject({ kind: "refused", writes: 0 })
    expect(await promoted(image, [trusting(trusted, { tags: ["stable"] })])).toMatchObject({
      kind: "promoted",
    })
  })
})
