import { afterAll, beforeAll, expect, test } from "vitest"
import { predicateTypes } from "../../dagger/lib/attestation/statement.js"
import { attachStatements, claimsFor, newKey, statementOf, trusting } from "../support/evidenceWorld.js"
import { images, PromotionWorld } from "../support/promotionWorld.js"
import { clientOf } from "../support/registryClient.js"

const tag = "2026.4-main"
const key = newKey()

let world: PromotionWorld
let digest = ""
const options = () => [`--tag=${tag}`, ...world.registryLogin]
const withPassword = () => [...options(), ...world.gpuLogin("--")]

beforeAll(async () => {
  world = await PromotionWorld.start(undefined, { trust: { signers: [{ key: key.publicKey }] } })
  digest = await world.pushOne("child", tag)
})

afterAll(() => world.stop())

test("a dry run says what it would run, and connects to nothing", async () => {
  const since = world.watch()
  const { report, text } = await world.exported("gpu-test", [...options(), "--dry-run"])
  expect(since()).toEqual({ registry: [], wiki: [], ssh: "" })
  expect(text("report.md")).toContain(`launch.sh -i ${world.reference("child", tag)} -P Always`)
  expect(text("report.md")).toContain(world.sshd.fingerprint)
  expect(report).toMatchObject({ ok: true, kind: "dry-run" })
})

test("tests that pass: the digest that was launched, counts and log are kept", async () => {
  const key = [...options(), ...world.gpuLogin("--").slice(0, -1), "--private-key=env://GPU_KEY"]
  const { report, text, stderr } = await world.exported("gpu-test", key)
  const launched = world.reference("child", tag).replace(`:${tag}`, `@${digest}`)
  expect(report).toMatchObject({ ok: true, kind: "passed", digest, counts: { passed: 1 }, exitStatus: 0 })
  expect(world.launch.arguments()).toContain(launched)
  expect(text("logs/gpu-test.log")).toContain("1 passed")
  expect(stderr).toContain("Attempting to create job")
})

test("a test that fails fails the call, with the test's name", async () => {
  world.gpuTests("def test_cuda(): assert False, 'no CUDA device'\n")
  const { status, stdout } = await world.call("gpu-test", withPassword())
  expect(status).toBe(1)
  expect(stdout).toContain("::test_cuda")
  expect(stdout).toContain("AssertionError: no CUDA device")
})

test("a host that shows another key is sent no password", async () => {
  const other = `--host-key=SHA256:${"A".repeat(43)}`
  const since = world.watch()
  const { report, text } = await world.exported("gpu-test", [...withPassword(), other])
  expect(report).toMatchObject({ ok: false, kind: "could-not-run", reason: "changed-host-key" })
  expect(text("report.md")).toContain("another key than the pinned one, so nothing was sent to it")
  expect(since().ssh).not.toMatch(/password|publickey for/)
})

test("tags that no image can have are refused before anybody is asked", async () => {
  const since = world.watch()
  const { status, stderr } = await world.call("gpu-test", [
    "--tag=x; rm -rf /\n$(id)",
    ...withPassword().slice(1),
  ])
  expect(status).toBe(1)
  expect(stderr).toContain("is not a tag")
  expect(since()).toEqual({ registry: [], wiki: [], ssh: "" })
})

/** Both images under a tag with pages, built and tested by the word of who is trusted. */
async function signedImages(name: string) {
  const digests = await world.newImages(name, name)
  const { client } = clientOf(world.registry)
  const pinned = images.map((image) => ({
    ...{ registry: world.registry.host, path: `team/${image}`, digest: digests[image] },
  }))
  for (const image of pinned) {
    const said = (["provenance", "tests"] as const).map((kind) => statementOf(kind, image))
    await attachStatements(client, image, key.signer, said)
  }
  const [, child] = pinned
  if (child === undefined) throw new Error("there is no child")
  return { client, child }
}

test("a verdict that is signed is found by tag-stable, which then tests nothing", async () => {
  world.gpuTests("def test_cuda(): pass\n")
  const from = "2026.4-signed"
  const { client, child } = await signedImages(from)
  const options = [`--tag=${from}`, ...world.promotionOptions]
  const before = world.watch()
  const refused = await world.exported("tag-stable", options)
  expect(refused.report).toMatchObject({ ok: false, outcome: { kind: "refused" } })
  expect(refused.text("report.md")).toMatch(
    /has no statement of gpu: .*gpu-test --source=\. --tag=2026\.4-signed/,
  )
  expect(before().ssh).toBe("")

  const login = [`--tag=${from}`, ...world.registryLogin, ...world.gpuLogin("--")]
  const signing = [...login, "--signing-key=env://SIGNING_KEY"]
  const tested = await world.exported("gpu-test", signing, { SIGNING_KEY: key.privateKey })
  expect(tested.report).toMatchObject({
    ok: true,
    signed: expect.stringContaining("was signed by") as string,
  })
  const { claims } = await claimsFor(client, child, [trusting(key)])
  const verdict = claims.find(({ kind }) => kind === "gpu")
  expect([verdict?.predicateType, verdict?.problem]).toEqual([predicateTypes.gpu, undefined])
  expect(verdict?.statement?.predicate).toMatchObject({ result: "PASSED", hostKey: world.sshd.fingerprint })

  const since = world.watch()
  const { report, text } = await world.exported("tag-stable", options)
  expect(report).toMatchObject({ ok: true, outcome: { kind: "promoted" } })
  expect(text("report.md")).toContain("passed before, by a signed statement")
  expect(since().ssh).toBe("")
})

test("a verdict that is too old promotes nothing", async () => {
  const from = "2026.4-old"
  const { client, child } = await signedImages(from)
  const testedAt = "2026-01-01T00:00:00Z"
  await attachStatements(client, child, key.signer, [statementOf("gpu", child, { testedAt })])
  const since = world.watch()
  const { report, text } = await world.exported("tag-stable", [`--tag=${from}`, ...world.promotionOptions])
  expect(report).toMatchObject({ ok: false, outcome: { kind: "refused" } })
  expect(text("report.md")).toContain("older than the spec accepts")
  expect(since().registry.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([])
})

test("no secret is anywhere", () => {
  expect(world.leaks()).toEqual([])
})
