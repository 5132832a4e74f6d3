import { afterAll, beforeAll, expect, test } from "vitest"
import { PromotionWorld } from "../support/promotionWorld.js"

const tag = "2026.4-main"

let world: PromotionWorld
let digest = ""
const options = () => [`--tag=${tag}`, ...world.registryLogin]
const withPassword = () => [...options(), ...world.gpuLogin("--")]

beforeAll(async () => {
  world = await PromotionWorld.start()
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

test("no secret is anywhere", () => {
  expect(world.leaks()).toEqual([])
})
