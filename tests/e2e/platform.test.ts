import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { localRegistry } from "../support/dockerfileBuilds.js"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { childImage, FixtureStack, rootImage } from "../support/fixtureStacks.js"
import { stackFiles } from "../support/source.js"
import { removeFolder, stack, workspace } from "../support/stack.js"
import { imageFiles } from "../support/testImages.js"

// The engine of the tests runs on linux/amd64 and emulates nothing: with a stack that is published for linux/arm64 it is
// what an Apple laptop's engine is to one that is published for linux/amd64.

const tests = 'import os\ndef test_native(): assert os.uname().machine == "x86_64"\n'
let folder: string

beforeAll(async () => {
  folder = await workspace(
    stackFiles(
      {
        base: {
          files: imageFiles(["ARG TARGETARCH", "RUN echo $TARGETARCH >/arch"], { "test/test_it.py": tests }),
        },
      },
      {
        spec: {
          platform: "linux/arm64",
          all_info_cmds: { ARCH: { description: "Arch", command: "cat /arch" } },
        },
      },
    ),
  )
})
afterAll(() => removeFolder(folder))

// Else ./stack would have it emulate what the spec names.
const env = { STACK_EMULATION: "off" }
const call = (...args: readonly string[]) => stack([...args, `--source=${folder}`], { cwd: folder, env })

test("plan and report name the platform that the image has", async () => {
  const built = await stack(
    ["build-stack", `--source=${folder}`, "artifacts", "export", `--path=${folder}/out`],
    { cwd: folder, env },
  )
  expect(built).toMatchObject({ status: 0 })
  const text = (path: string) => readFile(join(folder, "out", path), "utf8")
  const report = JSON.parse(await text("report.json")) as { platform: string; notices: readonly string[] }
  expect(report.platform).toBe("linux/amd64")
  expect(report.notices.join("\n")).toContain(
    "built for linux/amd64, and not for linux/arm64: this engine runs on linux/amd64, and builds nothing for linux/arm64: ",
  )
  expect(JSON.parse(await text("plan.json"))).toMatchObject({ platform: "linux/amd64" })
  expect(await text("report.md")).toContain("for `linux/amd64`")
})

test("nothing is published for another platform than the spec's", async () => {
  const registry = localRegistry()
  const published = await call("build-stack", "--publish", "--branch=main", `--registry=${registry}/platform`)
  expect(published.status).toBe(1)
  expect(published.stderr).toContain(
    "--publish: this engine runs on linux/amd64, and builds nothing for linux/arm64: ",
  )
  expect(published.stderr).toContain("publish from an engine of linux/arm64")
})

test("a stack that names linux/amd64 is published to the byte as one that names nothing, by as many requests", async () => {
  const images = { base: rootImage("base"), left: childImage("left", "base") }
  const plain = await publishedAs(images, {})
  const named = await publishedAs(images, { platforms: ["linux/amd64"] })
  expect(named).toEqual(plain)
  expect(plain.images.map(({ mediaType }) => mediaType)).toEqual(Array(2).fill(ociManifest))
})

const ociManifest = "application/vnd.oci.image.manifest.v1+json"

/** What a stack's registry has after a run, and what was asked about manifests; without what each commit has for itself. */
async function publishedAs(
  images: Parameters<typeof FixtureStack.start>[0],
  spec: Readonly<Record<string, unknown>>,
) {
  const world = await FixtureStack.start(images, { spec })
  try {
    const done = await world.publish()
    const commit = done.report.source
    const anonymous = (document: unknown) =>
      JSON.parse(
        [commit.commit ?? "", commit.committedAt ?? "", world.host].reduce(
          (text, own) => text.replaceAll(own, "own"),
          JSON.stringify(document),
        ),
      ) as Readonly<Record<string, unknown>>
    const found = Object.keys(images).map(async (name) => {
      const { tag } = done.report
      // Digests of what has the commit in it.
      const others = { digest: "", config: await world.config(name, tag) }
      return anonymous({ ...(await world.manifest(name, tag)), ...others })
    })
    return { images: await Promise.all(found), keys: keysOf(done), requests: requestsOf(done) }
  } finally {
    await world.stop()
  }
}

function keysOf({ plan }: FixtureRun) {
  return plan.steps.map(({ image, inputKey, testKey }) => [image, inputKey, testKey])
}

/** How often each kind of request about manifests was made. */
function requestsOf({ requests }: FixtureRun): Readonly<Record<string, number>> {
  const kinds = requests.flatMap(({ method, path }) => {
    const [, name = "", reference = ""] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(path) ?? []
    return name === "" ? [] : [`${method} ${name} ${reference.replace(/sha256:.*/, "digest")}`]
  })
  const counts = new Map<string, number>()
  for (const kind of kinds.toSorted()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return Object.fromEntries(counts)
}
