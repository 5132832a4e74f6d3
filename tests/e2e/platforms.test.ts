import { access } from "node:fs/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack } from "../support/fixtureStacks.js"
import { platformBase, platformChild } from "../support/platformImages.js"
import { SecondEngine } from "../support/secondEngine.js"
import { run } from "../support/stack.js"

// A stack for linux/amd64 and linux/arm64, on an engine of its own: the one that all tests share emulates nothing, and
// its mirror has no Debian for another machine. What takes minutes to make of that is kept beside the shared engine's parts.

const amd = "linux/amd64"
const arm = "linux/arm64"
const main = "2026.4-main"
const handler = "/proc/sys/fs/binfmt_misc/stack-platforms-aarch64"
const cached = [
  "build/qemu-aarch64",
  "build/debian-slim-arm64.tar",
  "steps/qemu_aarch64",
  "steps/debian_slim_arm64",
]

let engine: SecondEngine
let stack: FixtureStack
let first: FixtureRun
/** What the engine said when it began to emulate. */
let emulation: string

beforeAll(async () => {
  engine = await SecondEngine.make({ name: "platforms", prefix: "10.96", registryPort: 5396 })
  const up = await engine.command("up")
  if (up.status !== 0) throw new Error(up.stderr)
  const images = {
    base: platformBase(),
    left: platformChild("left", "base"),
    right: platformChild("right", "base", { platforms: [amd] }),
  }
  stack = await FixtureStack.start(images, { spec: { platforms: [amd, arm] } }, engine)
  first = await stack.publish()
  emulation = first.ended.stderr
  await engine.shell(
    `for part in ${cached.join(" ")}; do ln -f '${engine.home}'/$part "\${BUILT}/$part"; done`.replace(
      "${BUILT}",
      process.env.STACK_ENGINE_HOME ?? "/var/lib/stack-engine",
    ),
  )
})
afterAll(async () => {
  await engine.remove()
  await expect(access(handler)).rejects.toThrow("ENOENT")
})
afterAll(() => stack.stop())

/** A manifest as skopeo gives it, raw. */
async function raw(image: string, reference: string): Promise<RawManifest> {
  const { username = "", password = "" } = stack.registry.login ?? {}
  const name = `docker://${stack.registry.host}/team/${image}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`
  const words = ["inspect", "--raw", "--tls-verify=false", "--creds", `${username}:${password}`, name]
  const { status, stdout, stderr } = await run("skopeo", words, { cwd: stack.folder })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as RawManifest
}

interface RawManifest {
  readonly mediaType: string
  readonly manifests?: readonly {
    readonly digest: string
    readonly platform: { readonly architecture: string }
  }[]
  readonly layers?: readonly { readonly digest: string }[]
}

/** Digests of an image's platforms. */
async function parts(image: string, tag = main): Promise<readonly string[]> {
  const { manifests = [] } = await raw(image, tag)
  expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"])
  return manifests.map(({ digest }) => digest)
}

test("a machine emulates what a call needs, says so, and the result says what was emulated", () => {
  // Elsewhere nothing here would be about another platform.
  expect(emulation).toContain(handler)
  const { images } = first.report
  expect(first.report.platforms).toEqual([amd, arm])
  expect(images.map(({ name, outcome, published }) => [name, outcome.kind, published])).toEqual([
    ["base", "passed", true],
    ["left", "passed", true],
    ["right", "passed", true],
  ])
  const tested = images.flatMap(({ name, platforms = [] }) =>
    platforms.map(({ platform, emulated, suites, unpackedBytes = 0 }) => {
      expect(unpackedBytes).toBeGreaterThan(50e6)
      return [name, platform, emulated, suites.flatMap((suite) => suite.run.tests).length]
    }),
  )
  expect(tested).toEqual([
    ["base", amd, false, 1],
    ["base", arm, true, 1],
    ["left", amd, false, 2],
    ["left", arm, true, 2],
    ["right", amd, false, 2],
  ])
})

test("an image is published as an index of both, one of one platform as it always was", async () => {
  for (const name of ["base", "left"]) {
    const digests = await parts(name)
    expect(first.image(name).platforms?.map(({ digest }) => digest)).toEqual(digests)
  }
  expect((await raw("right", main)).manifests).toBeUndefined()
})

test("a child has its parent's layers on each platform", async () => {
  const [base, left] = await Promise.all([parts("base"), parts("left")])
  for (const index of [0, 1]) {
    const [below, above] = await Promise.all([raw("base", base[index] ?? ""), raw("left", left[index] ?? "")])
    const layers = below.layers?.map(({ digest }) => digest) ?? []
    expect(layers.length).toBeGreaterThan(1)
    expect(above.layers?.slice(0, layers.length).map(({ digest }) => digest)).toEqual(layers)
  }
})

test("each starts from its index, as what it is for", async () => {
  const ref = `${stack.host}/team/left:${main}`
  for (const [platform, machine] of [
    [amd, "x86_64"],
    [arm, "aarch64"],
  ] as const) {
    const { stdout } = await stack.call(
      ...["shell", "--source=.", "--image=left", `--platform=${platform}`, `--ref=${ref}`],
      ...stack.login().slice(1),
      ...["with-exec", "--args=uname,-m", "stdout"],
    )
    expect(stdout.trim()).toBe(machine)
  }
})

test("a run that changes nothing reuses both", async () => {
  const again = await stack.publish()
  expect(again.outcomes).toEqual({ base: "reused", left: "reused", right: "reused" })
  expect(again.writes).toEqual([])
})

test("a promotion gives the index another tag, and touches nothing in it", async () => {
  const before = await raw("left", main)
  const asked = stack.registry.accessLog().length
  const promoted = await stack.call(
    ...["tag-stable", "--source=.", `--tag=${main}`, "--skip-gpu-test", `--artifacts=${first.folder}`],
    ...stack.login(),
  )
  expect(promoted).toMatchObject({ status: 0 })
  expect(await raw("left", "2026.4-stable")).toEqual(before)
  const left = stack.registry
    .accessLog()
    .slice(asked)
    .filter(({ path }) => path.includes("/team/left/"))
  expect(left.filter(({ method }) => method === "PUT").map(({ path }) => path)).toEqual([
    "/v2/team/left/manifests/2026.4-stable",
  ])
})

test("a file that one platform reads rebuilds that one, and the index is made of what was there and what is new", async () => {
  const before = await parts("base")
  await stack.git("checkout", "--quiet", "-b", "work")
  await stack.commit({ "images/base/only-arm64.txt": "another\n" })
  const next = await stack.publish()
  const actions = next.report.images.map(({ name, platforms = [] }) => [
    name,
    ...platforms.map(({ platform, action }) => `${platform} ${action}`),
  ])
  expect(actions).toEqual([
    ["base", `${amd} retag`, `${arm} build`],
    ["left", `${amd} retag`, `${arm} build`],
    ["right", `${amd} retag`],
  ])
  const after = await parts("base", "2026.4-work")
  expect(after[0]).toBe(before[0])
  expect(after[1]).not.toBe(before[1])
  expect(await parts("base")).toEqual(before)
})

test("one platform alone moves no tag, and is named where it is none", async () => {
  const partial = await stack.call("build-stack", "--source=.", `--platform=${arm}`, ...stack.publishing())
  expect(partial.status).toBe(1)
  expect(partial.stderr).toContain(
    `--platform: the tags of this run would lose ${amd} (add --candidates-only`,
  )
  const unknown = await stack.call("plan", "--source=.", "--platform=linux/riscv64")
  expect(unknown.status).toBe(1)
  expect(unknown.stderr).toContain('--platform: "linux/riscv64" is no platform of the stack')
})
