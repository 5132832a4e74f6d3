import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import fc, { fuzzSeed } from "../support/fastCheck.js"
import type { DockerBuild } from "../support/dockerfileBuilds.js"
import { linkStack } from "../../dagger/src/dockerfile/link.js"
import { readSource } from "../../dagger/src/source/readSource.js"
import { loadSpec } from "../../dagger/src/spec/loadSpec.js"
import { localRegistry, publish } from "../support/dockerfileBuilds.js"
import type { GeneratedImage } from "../support/generatedStack.js"
import { generatedStack } from "../support/generatedStack.js"
import { filesOfLayers, publishedImage } from "../support/imageContents.js"
import { removeFolder, workspace, writeFiles } from "../support/stack.js"

/** How many stacks are built in two ways; their seed is `FUZZ_SEED`. */
const stacks = Number(process.env.FUZZ_STACKS ?? "12")
const numbers = Array.from({ length: stacks }, (_, index) => index)

interface GeneratedStack {
  readonly folder: string
  /** Stage of each image in the linked file. */
  readonly targets: ReadonlyMap<string, string>
  readonly repository: string
  readonly images: readonly GeneratedImage[]
}

let generated: readonly GeneratedStack[] = []
/** Layers of the base image, which are large and the same everywhere. */
let debian: readonly string[] = []

beforeAll(async () => {
  const random = Math.random().toString(36).slice(2, 10)
  const host = await localRegistry()
  generated = await Promise.all(
    numbers.map(async (index) => {
      const repository = `${host}/generated-${random}/${index}`
      const [images = []] = fc.sample(generatedStack(repository), { seed: fuzzSeed + index, numRuns: 1 })
      return { repository, images, ...(await written(repository, images)) }
    }),
  )
  const base = await workspace({ Dockerfile: "FROM debian:bookworm-slim\n" }, { git: false })
  const reference = `${host}/generated-${random}/debian:1`
  await publish([[{ folder: base }, reference]])
  debian = (await publishedImage(reference)).layers
  await removeFolder(base)
  // Each way for all stacks at once: a session of its own for each image would take longer than the builds.
  await publish(generated.flatMap((stack) => stack.images.map((image) => linkedBuild(stack, image))))
  for (const depth of [0, 1, 2, 3]) {
    const builds = generated.flatMap((stack) =>
      stack.images.filter((image) => depthOf(stack, image) === depth).map((image) => ownBuild(stack, image)),
    )
    if (builds.length > 0) await publish(builds)
  }
})

afterAll(async () => {
  for (const { folder } of generated) await removeFolder(folder)
})

it.each(numbers)(
  "stack %i of the seed: linked and apart, the same files and configuration",
  async (index) => {
    const stack = generated[index]
    for (const image of stack?.images ?? []) {
      const [linked, apart] = await Promise.all(
        (["linked", "apart"] as const).map((way) => publishedImage(referenceOf(stack, image, way))),
      )
      if (linked === undefined || apart === undefined) throw new Error("not published")
      const told = `${image.name} of ${stack?.folder ?? ""}`
      expect(linked.config, told).toEqual(apart.config)
      expect(await filesOfLayers(linked, debian), told).toEqual(await filesOfLayers(apart, debian))
    }
  },
)

function depthOf(stack: GeneratedStack, { parent }: GeneratedImage): number {
  const below = stack.images.find(({ name }) => name === parent)
  return below === undefined ? 0 : depthOf(stack, below) + 1
}

function referenceOf(
  stack: GeneratedStack | undefined,
  { name }: GeneratedImage,
  way: "linked" | "apart",
): string {
  const path = `${stack?.repository ?? ""}/${name.toLowerCase()}`
  return way === "apart" ? `${path}:1` : `${path}-linked:1`
}

function linkedBuild(stack: GeneratedStack, image: GeneratedImage): readonly [DockerBuild, string] {
  const { folder, targets } = stack
  const target = targets.get(image.name) ?? image.name
  return [{ folder, dockerfile: "stack.Dockerfile", target }, referenceOf(stack, image, "linked")]
}

function ownBuild(stack: GeneratedStack, image: GeneratedImage): readonly [DockerBuild, string] {
  const { name, buildArgs } = image
  return [{ folder: join(stack.folder, "images", name), buildArgs }, referenceOf(stack, image, "apart")]
}

/** Writes a stack with its linked Dockerfile into a folder. */
async function written(
  repository: string,
  images: readonly GeneratedImage[],
): Promise<Pick<GeneratedStack, "folder" | "targets">> {
  const spec = {
    images: Object.fromEntries(
      images.map(({ name, parent, buildArgs }) => [
        name,
        {
          image_name: `${repository}/${name.toLowerCase()}`,
          build_args: buildArgs,
          ...(parent !== undefined && { depend_on: parent }),
        },
      ]),
    ),
    tag: { prefix: "2026.4" },
  }
  const folder = await workspace({ "spec.yml": JSON.stringify(spec) }, { git: false })
  for (const { name, files, dockerfile } of images) {
    const below = Object.entries({ ...files, Dockerfile: dockerfile })
    const paths = Object.fromEntries(below.map(([path, content]) => [`images/${name}/${path}`, content]))
    await writeFiles(folder, paths, { [`images/${name}/app/main.py`]: 0o755, [`images/${name}/app`]: 0o700 })
    archive(join(folder, "images", name, "packed.tar"))
  }
  const tree = await readSource(folder)
  const read = loadSpec(tree)
  const {
    dockerfile,
    dockerignore,
    images: linked,
  } = linkStack({ spec: read, tree, images: [...read.images.keys()] })
  await writeFiles(folder, { "stack.Dockerfile": dockerfile, "stack.Dockerfile.dockerignore": dockerignore })
  return { folder, targets: new Map([...linked.values()].map(({ name, target }) => [name, target])) }
}

function archive(target: string): void {
  const source = mkdtempSync(join(tmpdir(), "stack-archive-"))
  writeFileSync(join(source, "packed.txt"), "packed\n", { mode: 0o640 })
  execFileSync("tar", ["--create", `--file=${target}`, `--directory=${source}`, "packed.txt"])
  rmSync(source, { recursive: true })
}
