import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { claimsAbout } from "../../dagger/lib/attestation/evidence.js"
import { keylessSigner } from "../../dagger/lib/attestation/signer.js"
import { predicateTypes } from "../../dagger/lib/attestation/statement.js"
import { openVerifier } from "../../dagger/lib/attestation/verifyBundle.js"
import { signerOf } from "../../dagger/lib/gather/signing.js"
import type { SigningOptions } from "../../dagger/lib/gather/signing.js"
import { claimKinds } from "../../dagger/lib/spec/trust.js"
import type { WorkflowSigner } from "../../dagger/lib/spec/trust.js"
import { Cosign } from "../support/cosign.js"
import { attachStatements, statementOf } from "../support/evidenceWorld.js"
import { startRegistry } from "../support/registry.js"
import type { TestRegistry } from "../support/registry.js"
import { clientOf } from "../support/registryClient.js"
import { pushImage } from "../support/registryImages.js"
import type { WorkflowRun } from "../support/runner.js"
import { requestToken, SigstoreServices } from "../support/sigstoreServices.js"
import { run } from "../support/stack.js"
import { dispatchEvent } from "../support/workflowEvents.js"
import type { WorkflowWorld } from "../support/workflowWorld.js"
import { sharedEngine } from "../support/enginePlace.js"
import { workflowWorld } from "../support/workflowWorld.js"

// Fulcio and the timestamp authority are the real ones; the issuer of identities is the test's own, with GitHub's claims.

let services: SigstoreServices
let registry: TestRegistry
let cosign: Cosign
const main = "refs/heads/main"

beforeAll(async () => {
  services = await SigstoreServices.start(sharedEngine.bridge)
  registry = await startRegistry()
  cosign = Cosign.start(registry)
}, 900_000)

afterAll(async () => {
  cosign.stop()
  await registry.stop()
  services.stop()
})

const secret = (text: string) =>
  ({ plaintext: () => Promise.resolve(text) }) as unknown as SigningOptions["signingKey"]

/** Signs as a job of a workflow on a ref. */
async function signerOn(ref: string) {
  const { fulcio, timestampAuthority } = services
  const identity = { oidcUrl: services.identityUrl(ref), oidcToken: secret(`${requestToken}\n`) }
  const signer = await signerOf({ ...identity, fulcio, timestampAuthority })
  if (signer === undefined) throw new Error("nobody signs")
  return signer
}

async function signedImage(name: string, ref: string) {
  const { client } = clientOf(registry)
  const digest = await pushImage(registry, `org/${name}:1`, { layers: [name] })
  const image = { registry: registry.host, path: `org/${name}`, digest }
  const signer = await signerOn(ref)
  const statements = (["provenance", "tests"] as const).map((kind) => statementOf(kind, image))
  await attachStatements(client, image, signer, statements)
  return { client, image, signer, reference: `${registry.host}/org/${name}:1` }
}

function trusted(ref: string): WorkflowSigner {
  const workflow = ".github/workflows/main.yml"
  const repository = "https://github.com/org/stack"
  return {
    kind: "workflow",
    issuer: services.issuer,
    repository,
    workflow,
    ref,
    says: claimKinds,
    tags: ["*"],
  }
}

test("a workflow's statements are believed by its whole identity, and by no part of it", async () => {
  const { client, image, signer } = await signedImage("ours", main)
  expect(signer.builder).toEqual({
    id: "https://github.com/org/stack/.github/workflows/main.yml@refs/heads/main",
    invocation: "https://github.com/org/stack/actions/runs/42/attempts/1",
  })
  const { trustedRoot } = services
  const verify = await openVerifier({ signers: [], trustedRoot })
  const problems = async (ref: string) => {
    const { claims } = await claimsAbout(client, { trust: { signers: [trusted(ref)] }, verify }, image, "1")
    return claims.map(({ problem }) => problem)
  }
  expect(await problems(main)).toEqual([undefined, undefined])
  const stranger = expect.stringContaining("trusts nobody of this name") as unknown
  for (const ref of ["refs/heads/mai", "refs/heads/main2", "heads/main", "refs/heads/mai."]) {
    expect(await problems(ref)).toEqual([stranger, stranger])
  }
  const nobody = await openVerifier({ signers: [] })
  const { claims } = await claimsAbout(
    client,
    { trust: { signers: [trusted(main)] }, verify: nobody },
    image,
    "1",
  )
  expect(claims.every(({ problem }) => problem !== undefined)).toBe(true)
})

test("the real cosign accepts them by the same identity, and refuses another", async () => {
  const { reference } = await signedImage("cosign", main)
  const root = `--trusted-root=${cosign.file("root.json", services.trustedRoot)}`
  const noLogs = ["--insecure-ignore-tlog=true", "--insecure-ignore-sct=true", "--use-signed-timestamps=true"]
  const verify = (ref: string) =>
    cosign.verifyAttestation(
      reference,
      predicateTypes.provenance,
      root,
      ...noLogs,
      `--certificate-oidc-issuer=${services.issuer}`,
      `--certificate-identity=https://github.com/org/stack/.github/workflows/main.yml@${ref}`,
    )
  const good = await verify(main)
  expect([good.status, good.stderr]).toEqual([0, expect.stringContaining("code-signing certificate")])
  expect((await verify("refs/heads/evil")).status).not.toBe(0)
})

test("a token that the issuer has not signed gets no certificate, and stands in no message", async () => {
  const { fulcio, timestampAuthority } = services
  const forged = services.forgedToken(main)
  const signer = await keylessSigner(() => Promise.resolve(forged), { fulcio, timestampAuthority })
  const image = { registry: registry.host, path: "org/x", digest: `sha256:${"0".repeat(64)}` }
  const failure = await signer.sign(statementOf("tests", image)).catch((error: unknown) => String(error))
  expect(failure).toMatch(/certificate/i)
  expect(failure).not.toContain(forged)
})

test("without the right to ask there is no identity, and the token is not told", async () => {
  const identity = { oidcUrl: services.identityUrl(main), oidcToken: secret("wrong-token") }
  const failure = await signerOf(identity).catch((error: unknown) => String(error))
  expect(failure).toContain("gives no identity (status 401)")
  expect(failure).not.toContain("wrong-token")
})

describe("signed.yml, by a workflow's own identity", () => {
  const workflow = { repository: "datahub/stack", file: "signed.yml" }
  const tag = "2026.4-main"
  const done: WorkflowRun[] = []
  let world: WorkflowWorld

  beforeAll(async () => {
    const { issuer, trustedRoot, fulcio, timestampAuthority } = services
    const { repository, file } = workflow
    const signer = { issuer, repository, workflow: `.github/workflows/${file}`, ref: main }
    world = await workflowWorld({
      spec: { trust: { trusted_root: "images/trusted_root.json", signers: [signer] } },
      files: { "images/trusted_root.json": trustedRoot },
      vars: { STACK_FULCIO: fulcio, STACK_TIMESTAMP_AUTHORITY: timestampAuthority },
      identity: { url: services.identityUrl(main, workflow), token: requestToken },
    })
  })
  afterAll(() => world.stop())

  /** Starts a workflow by hand on main. @returns what its failed steps printed */
  async function started(file: string, inputs: Readonly<Record<string, string>> = {}) {
    const { stdout } = await run("git", ["rev-parse", "main"], { cwd: world.repository.folder })
    const ended = await world.run(file, dispatchEvent("main", stdout.trim(), inputs))
    done.push(ended)
    const failed = [...ended.jobs.values()].flatMap(({ steps }) =>
      steps.filter(({ conclusion }) => conclusion === "failure"),
    )
    return failed.map(({ name, log }) => `${name}\n${log.slice(-3000)}`)
  }

  test("builds, signs and moves the tags, each in a job of its own", async () => {
    expect(await started("signed.yml")).toEqual([])
    expect(await world.digest("base", tag)).toMatch(/^sha256:/)
    expect(await world.digest("child", tag)).toMatch(/^sha256:/)
    expect(done[0]?.jobs.get("tag")?.summary).toMatch(/^- base: retag\n- child: retag\n/)
  })

  test("signs the verdict of a GPU test, which a promotion without an identity finds", async () => {
    await world.gpuTests("def test_cuda(): pass\n")
    expect(await started("signed.yml", { gpuTag: tag })).toEqual([])
    expect(await started("tag.yml", { originalTag: tag })).toEqual([])
    expect(await world.digest("child", "2026.4-stable")).toBe(await world.digest("child", tag))
  })

  test("prints no token", () => {
    const logs = done.map(({ log }) => log).join("\n")
    for (const secret of [requestToken, ...world.secrets]) expect(logs).not.toContain(secret)
  })
})
