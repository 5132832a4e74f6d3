import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, describe, expect, it } from "vitest"
import { attestImages } from "../../../dagger/lib/attestation/attestImages.js"
import type { RunClaims } from "../../../dagger/lib/attestation/claims.js"
import { keylessSigner } from "../../../dagger/lib/attestation/signer.js"
import type { StatementSigner } from "../../../dagger/lib/attestation/signer.js"
import { openVerifier } from "../../../dagger/lib/attestation/verifyBundle.js"
import { noGitFacts } from "../../../dagger/lib/git/gitFacts.js"
import { planStack } from "../../../dagger/lib/plan/plan.js"
import { parseReference } from "../../../dagger/lib/reference/reference.js"
import { labels } from "../../../dagger/lib/registry/labels.js"
import { claimsFor, inputKey, newKey, statementOf, testKey, trusting } from "../../support/evidenceWorld.js"
import { startRegistry } from "../../support/registry.js"
import { clientOf } from "../../support/registryClient.js"
import { pushImage } from "../../support/registryImages.js"

const registry = await startRegistry()
const { client } = clientOf(registry)
/** A certificate authority that refuses, and repeats what it was sent. */
const refusing = createServer((request, response) => {
  let body = ""
  request.on("data", (chunk: Buffer) => (body += chunk.toString()))
  request.on("end", () => {
    response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify({ message: body }))
  })
})
await new Promise<void>((done) => refusing.listen(0, "127.0.0.1", done))
const services = { fulcio: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}` }

afterAll(async () => {
  refusing.closeAllConnections()
  refusing.close()
  await registry.stop()
})

const workflow = "org/stack/.github/workflows/signed.yml@refs/heads/main"
const claims = { job_workflow_ref: workflow, repository: "org/stack", run_id: "42" }

function tokenOf(payload: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  return `${part({ alg: "RS256" })}.${part(payload)}.${"s".repeat(40)}`
}

/** Signs in the name of who has this token, as far as the certificate authority goes along. */
const signerWith = (token: string) => keylessSigner(() => Promise.resolve(token), services)
const image = { registry: "registry.example", path: "org/x", digest: `sha256:${"0".repeat(64)}` }

async function failureOf(token: string): Promise<string> {
  const signer = await signerWith(token)
  return signer.sign(statementOf("tests", image)).then(
    () => "it is signed",
    (error: unknown) => String(error),
  )
}

describe("an identity token stands in no error", () => {
  it("of the library, which repeats one that it cannot read", async () => {
    expect(await failureOf(tokenOf(claims))).toBe(
      "Error: invalid identity token: [secret]: JWT subject not found",
    )
  })

  it("of a service that repeats what it was sent", async () => {
    const failure = await failureOf(tokenOf({ ...claims, sub: "repo:org/stack" }))
    expect(failure).toContain("error creating signing certificate - (403) ")
    expect(failure).toContain('"oidcIdentityToken":"[secret]"')
  })
})

/** What a run says of an image that it has built, and pushed as a candidate. */
async function builtImage() {
  const digest = await pushImage(registry, "org/base:candidate", {
    layers: ["base"],
    labels: { [labels.inputKey]: inputKey },
  })
  const { registry: host, path } = parseReference(`${registry.host}/org/base`)
  const own = {
    name: "base",
    repository: `${host}/${path}`,
    isPublished: true,
    parents: [],
    ancestors: [],
    bases: [],
    inputKey,
    testKey,
  }
  const plan = planStack({
    images: [{ ...own, unresolvedBases: [], registry: { kind: "unknown", why: "nobody was asked" } }],
    specPath: "spec.yml",
    git: noGitFacts("unreadable", "there is none"),
    options: {
      branch: "main",
      tag: "2026.4-main",
      platform: "linux/amd64",
      publish: true,
      fullRebuild: true,
      only: [],
      mainBranch: "main",
      trustRegistry: true,
      today: "2026-11-27",
    },
  })
  const outcome = { kind: "passed" }
  const reported = { name: "base", reference: `${host}/${path}:2026.4-main`, inputKey, digest, outcome }
  const run: RunClaims = {
    report: {
      startedAt: Date.parse("2026-11-25T10:00:00Z"),
      source: { commit: "c".repeat(40), dirty: false },
      request: { arguments: [] },
      images: [{ ...reported, suites: [] }],
    },
    plan,
    files: new Map(),
  }
  return { run, image: { registry: host, path, digest } }
}

describe("a run whose images cannot be signed", () => {
  it("leaves nothing at them; the same again signs them, and a third time nothing more", async () => {
    const built = await builtImage()
    const { run } = built
    const key = newKey()
    const trust = { signers: [trusting(key)] }
    const believer = { trust, verify: await openVerifier(trust) }
    const repositories = new Map([["base", built.image]])
    const platforms = new Map([["base", ["linux/amd64"]]])
    const patience = { sleep: () => Promise.resolve(), random: () => 0 }
    const attesting = { store: client, believer, patience, repositories, platforms }
    const attest = async (signer: StatementSigner) => {
      const before = registry.accessLog().length
      const [attested] = await attestImages([run], { ...attesting, signer })
      const written = registry.accessLog().slice(before)
      return { ...attested, writes: written.filter(({ method }) => !["GET", "HEAD"].includes(method)).length }
    }
    const token = tokenOf({ ...claims, sub: "repo:org/stack" })
    const refused = await attest(await signerWith(token))
    expect(refused).toMatchObject({ attached: [], kept: [], writes: 0 })
    expect(refused.problem).toContain("error creating signing certificate")
    expect(JSON.stringify(refused)).not.toContain(token)
    const kinds = ["provenance", "tests"]
    const signed = await attest(key.signer)
    expect(signed).toMatchObject({ attached: kinds, kept: [] })
    expect(signed.problem).toBeUndefined()
    expect(await attest(key.signer)).toMatchObject({ attached: [], kept: kinds, writes: 0 })
    const { claims: found } = await claimsFor(client, built.image, trust.signers)
    expect(found.map(({ kind, problem }) => [kind, problem])).toEqual(kinds.map((kind) => [kind, undefined]))
  })
})
