import { access, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Review } from "../../dagger/lib/review/review.js"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack } from "../support/fixtureStacks.js"
import { platformBase, platformChild } from "../support/platformImages.js"
import { runImage } from "../support/runImage.js"
import type { WorkflowRun } from "../support/runner.js"
import { SecondEngine } from "../support/secondEngine.js"
import { stackFiles } from "../support/source.js"
import { checkout, run, stack as callStack } from "../support/stack.js"
import { dispatchEvent } from "../support/workflowEvents.js"
import type { WorkflowWorld } from "../support/workflowWorld.js"
import { workflowWorld } from "../support/workflowWorld.js"

// A stack for linux/amd64 and linux/arm64, on an engine of its own: the one that all tests share emulates nothing, and
// its mirror has no Debian for another machine. What takes minutes to make of that is kept beside the shared engine's parts.

const amd = "linux/amd64"
const arm = "linux/arm64"
const main = "2026.4-main"
const handler = "/proc/sys/fs/binfmt_misc/stack-platforms-aarch64"
/** What each step of the emulation leaves: minutes of work, which the next run on this machine need not do again. */
const emulated = {
  qemu_aarch64: "build/qemu-aarch64",
  debian_slim_arm64: "build/debian-slim-arm64.tar",
  node_arm64: "build/node-arm64",
}

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
  try {
    first = await stack.publish()
  } finally {
    await engine.keep(emulated)
  }
  emulation = first.ended.stderr
})
afterAll(async () => {
  await engine.remove()
  await expect(access(handler)).rejects.toThrow("ENOENT")
})
afterAll(() => stack.stop())

/** A manifest as skopeo gives it, raw. */
async function raw(image: string, reference: string): Promise<RawManifest> {
  const { username = "", password = "" } = stack.registry.login ?? {}
  const name = `${stack.registry.host}/team/${image}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`
  return rawOf(name, "--creds", `${username}:${password}`)
}

async function rawOf(name: string, ...options: readonly string[]): Promise<RawManifest> {
  const words = ["inspect", "--raw", "--tls-verify=false", ...options, `docker://${name}`]
  const { status, stdout, stderr } = await run("skopeo", words, { cwd: stack.folder })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as RawManifest
}

const architecturesOf = ({ manifests = [] }: RawManifest) =>
  manifests.map(({ platform }) => platform.architecture)

interface RawManifest {
  readonly manifests?: readonly {
    readonly digest: string
    readonly platform: { readonly architecture: string }
  }[]
  readonly layers?: readonly { readonly digest: string }[]
}

/** Digests of an image's platforms. */
async function parts(image: string, tag = main): Promise<readonly string[]> {
  const { manifests = [] } = await raw(image, tag)
  expect(architecturesOf({ manifests })).toEqual(["amd64", "arm64"])
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
    ["base", amd, false, 2],
    ["base", arm, true, 2],
    ["left", amd, false, 3],
    ["left", arm, true, 3],
    ["right", amd, false, 3],
  ])
})

test("an image is published as an index of both, one of one platform as it always was", async () => {
  for (const name of ["base", "left"]) {
    const digests = await parts(name)
    expect(first.image(name).platforms?.map(({ digest }) => digest)).toEqual(digests)
  }
  expect((await raw("right", main)).manifests).toBeUndefined()
})

test("a package that only one platform has is in the bill of that one, and on the image's page", async () => {
  const bills = await readdir(join(first.folder, "sbom"))
  const named = (end: string) =>
    bills.find((name) => name.endsWith(`team-base-${main}${end}.spdx.json`)) ?? ""
  expect(await first.text(`sbom/${named(".linux-arm64")}`)).toContain(
    "pkg:deb/debian/arm-only@1.6?arch=arm64",
  )
  expect(await first.text(`sbom/${named("")}`)).not.toContain("arm-only")
  const page = named("").replace(/\.spdx\.json$/, ".md")
  expect(await first.text(`manifests/${page}`)).toContain("| arm-only | apt | none | `1.6` |")

  const listed = await stack.call("sbom", "--source=.", `--artifacts=${first.folder}`, "summary")
  expect(listed.status, listed.stderr.slice(-2000)).toBe(0)
  for (const platform of [amd, arm]) expect(listed.stdout).toContain(`| base (${platform}) |`)
  expect(listed.stdout).toContain("| right |")
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

test("each starts from the registry, without the engine", async () => {
  const uname = ["uname", "-m"] as const
  expect(await runImage(stack.registry, `team/left:${main}`, "amd64", ...uname)).toBe("x86_64")
  expect(await runImage(stack.registry, `team/left:${main}`, "arm64", ...uname)).toBe("aarch64")
})

test("the mirror has node's image for both, too", async () => {
  const mirror = "127.0.0.1:5406/docker.io/library/node:22-bookworm-slim"
  expect(architecturesOf(await rawOf(mirror))).toEqual(["amd64", "arm64"])
  const node = `eval "$('${checkout}/engine/engine.sh' env)" && dagger --silent core container --platform=${arm} \
    from --address=node:22-bookworm-slim with-exec --args=node,-p,process.arch stdout`
  expect(await engine.shell(node)).toBe("arm64")
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

/** The spec with another choice of tests. */
async function specWith(tests: string): Promise<string> {
  const spec = JSON.parse(await stack.read("spec.yml")) as Readonly<Record<string, unknown>>
  return JSON.stringify({ ...spec, tests: { emulated: tests } })
}

/** Of each platform that tests could run for: which were to run, and how many did. */
const testsOf = ({ report: { images } }: FixtureRun) =>
  images.flatMap(({ name, platforms = [] }) =>
    platforms
      .filter(({ emulated: isEmulated }) => isEmulated)
      .map(({ tests, suites, outcome }) => [
        name,
        tests,
        suites.flatMap((suite) => suite.run.tests).length,
        outcome.kind,
      ]),
  )

test("a file that one platform reads rebuilds that one, and the index is made of what was there and what is new", async () => {
  const before = await parts("base")
  await stack.git("checkout", "--quiet", "-b", "work")
  await stack.commit({ "images/base/only-arm64.txt": "another\n", "spec.yml": await specWith("smoke") })
  const next = await stack.publish("--target=main")
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

  // Of the emulated ones only the smoke tests ran.
  expect(testsOf(next)).toEqual([
    ["base", "smoke", 1, "passed"],
    ["left", "smoke", 1, "passed"],
  ])
  expect(await next.text("summary.txt")).toMatch(
    /^ {2}linux\/arm64, emulated, smoke tests +build +1 passed .* passed$/m,
  )
  expect(await next.text("report.md")).toContain("↳ linux/arm64, emulated, smoke tests")
  // The review tells which of the two changes.
  const { images } = JSON.parse(await next.text("review.json")) as Review
  expect(images.map(({ kind, name }) => [kind, name])).toEqual([
    ["same", `base (${amd})`],
    ["compared", `base (${arm})`],
    ["same", `left (${amd})`],
    ["compared", `left (${arm})`],
    ["same", "right"],
  ])
  const sides = [`--from-artifacts=${first.folder}`, `--to-artifacts=${next.folder}`]
  const compared = await stack.call("diff", "--source=.", ...sides, "summary")
  expect(compared.stdout, compared.stderr.slice(-2000)).toMatch(
    /Only on `linux\/arm64`:\n(?:.*\n)+?\| arm-only \| upgraded \| `1\.6` \| `1\.8` \|/,
  )
})

test("where no emulated test is to run, the tags move all the same, and the report says so", async () => {
  await stack.commit({ "images/base/only-arm64.txt": "a third\n", "spec.yml": await specWith("none") })
  const before = await parts("base", "2026.4-work")
  const next = await stack.publish()
  expect(testsOf(next)).toEqual([
    ["base", "none", 0, "untested"],
    ["left", "none", 0, "untested"],
  ])
  expect(next.report.images.every(({ published }) => published)).toBe(true)
  expect(await parts("base", "2026.4-work")).not.toEqual(before)
  expect(await next.text("summary.txt")).toMatch(
    /^ {2}linux\/arm64, emulated, no tests +build +none .* built, not tested/m,
  )
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

describe("a runner for each platform", () => {
  let world: WorkflowWorld
  let joined: WorkflowRun

  beforeAll(async () => {
    const images = { base: platformBase(), left: platformChild("left", "base") }
    world = await workflowWorld({ engine, stack: stackFiles(images, { spec: { platforms: [amd, arm] } }) })
    const commit = await world.repository.commit("main", "Both", { note: "both\n" })
    joined = await world.run("platforms.yml", dispatchEvent("main", commit))
  })
  afterAll(() => world.stop())

  const conclusions = ({ jobs }: WorkflowRun) =>
    Object.fromEntries([...jobs].map(([name, { conclusion }]) => [name, conclusion]))
  const text = ({ artifacts }: WorkflowRun, path: string) => readFile(join(artifacts, path), "utf8")
  const outcomes = async (of: WorkflowRun, folder: string) => {
    const report = JSON.parse(await text(of, `build-artifacts${folder}/report.json`)) as FixtureRun["report"]
    return [report.platforms ?? report.platform, ...report.images.map(({ outcome }) => outcome.kind)]
  }
  const tags = () =>
    Promise.all(
      ["base", "left"].flatMap((name) => [main, "2026.4-work"].map((tag) => world.digest(name, tag))),
    )

  test("builds and tests its own, and a last job joins them, moves the tags and writes the pages", async () => {
    expect(conclusions(joined), joined.log.slice(-6000)).toEqual({
      [`platform (${amd})`]: "success",
      [`platform (${arm})`]: "success",
      publish: "success",
      wiki: "success",
    })
    expect(await outcomes(joined, "-amd64")).toEqual([amd, "passed", "passed"])
    expect(await outcomes(joined, "-arm64")).toEqual([arm, "passed", "passed"])
    expect(await outcomes(joined, "")).toEqual([[amd, arm], "retagged", "retagged"])
    for (const name of ["base", "left"])
      expect(architecturesOf(await rawOf(`${world.registry}/${name}:${main}`))).toEqual(["amd64", "arm64"])
    const files = world.wiki.git(world.wikiName, "ls-tree", "-r", "--name-only", "HEAD").trim().split("\n")
    const page = files.find((path) => path.endsWith(`-base-${main}.md`)) ?? ""
    const shown = world.wiki.git(world.wikiName, "show", `HEAD:${page}`)
    // Packages of the first one, which its own job has seen, and the sizes of both.
    expect(shown).toContain("What follows is that of `linux/amd64`.")
    expect(shown).toContain("Operating system")
    // What the other's job has seen besides.
    expect(shown).toContain("| arm-only | apt | none | `1.6` |")
    for (const platform of [amd, arm])
      expect(shown).toMatch(
        new RegExp(
          `^\\| \`${platform}\` \\| \`sha256:\\w+\` \\| [\\d.]+ MB unpacked, [\\d.]+ MB to download \\|$`,
          "m",
        ),
      )
  })

  test("what is missing of one platform stops the tags", async () => {
    const before = await tags()
    const change = { "images/base/only-arm64.txt": "broken\n" }
    const commit = await world.repository.commit("work", "Broken for one", change)
    const done = await world.run("platforms.yml", dispatchEvent("work", commit))
    expect(conclusions(done)).toEqual({
      [`platform (${amd})`]: "success",
      [`platform (${arm})`]: "failure",
      publish: "skipped",
      wiki: "skipped",
    })
    expect(await outcomes(done, "-arm64")).toEqual([arm, "tests-failed", "skipped"])
    expect(await tags()).toEqual(before)
  })

  test("a machine that emulates nothing joins what is there, and names what is missing", async () => {
    await engine.shell(`echo -1 >${handler}`)
    const publish = async (commit: string, branch: string) => {
      await run("git", ["checkout", "--quiet", commit], { cwd: world.repository.folder })
      const words = [
        "build-stack",
        "--source=.",
        "--publish",
        `--branch=${branch}`,
        `--registry=${world.registry}`,
      ]
      const env = { ...engine.env, STACK_EMULATION: "off" }
      return callStack(words, { cwd: world.repository.folder, env })
    }
    expect(await publish("main", "joined")).toMatchObject({ status: 0 })
    expect(await world.digest("left", "2026.4-joined")).toBe(await world.digest("left", main))

    const before = await tags()
    const refused = await publish("work", "work")
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(
      /--publish: base is not (?:built|tested) for linux\/arm64 yet, and this engine runs on linux\/amd64, and builds nothing for linux\/arm64: .*\(call build-stack --publish --candidates-only --platform=linux\/arm64 on an engine of linux\/arm64 first\)/s,
    )
    expect(await tags()).toEqual(before)
  })
})
