import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import fc, { fuzzSeed } from "../support/fastCheck.js"
import type { DockerBuild } from "../support/dockerfileBuilds.js"
import type { BaseConfig } from "../../dagger/lib/dockerfile/baseConfig.js"
import { linkStack } from "../../dagger/lib/dockerfile/link.js"
import { parseReference } from "../../dagger/lib/reference/reference.js"
import { RegistryClient } from "../../dagger/lib/registry/client.js"
import { retag } from "../../dagger/lib/registry/retag.js"
import { imageConfig } from "../../dagger/lib/registry/imageConfig.js"
import { readSource } from "../../dagger/lib/source/readSource.js"
import type { SourceTree } from "../../dagger/lib/source/sourceTree.js"
import { loadSpec } from "../../dagger/lib/spec/loadSpec.js"
import type { Spec } from "../../dagger/lib/spec/spec.js"
import { localRegistry, publish } from "../support/dockerfileBuilds.js"
import type { GeneratedImage } from "../support/generatedStack.js"
import { context, externalBase, generatedStack } from "../support/generatedStack.js"
import { filesOfLayers, publishedImage } from "../support/imageContents.js"
import { addToConfig } from "../support/publishedConfig.js"
import { removeFolder, workspace, writeFiles } from "../support/stack.js"

/** How many stacks are built in four ways; their seed is `FUZZ_SEED`. */
const stacks = Number(process.env.FUZZ_STACKS ?? "10")
const numbers = Array.from({ length: stacks }, (_, index) => index)

/**
 * By its own Dockerfile on a parent as docker publishes it; with its parents in one linked file; with its parents from
 * a registry, as this pipeline publishes them; and the same under another tag.
 */
const ways = ["alone", "along", "reused", "retagged"] as const
type Way = (typeof ways)[number]

interface GeneratedStack {
  readonly folder: string
  readonly spec: Spec
  readonly tree: SourceTree
  readonly repository: string
  readonly images: readonly GeneratedImage[]
}

let generated: readonly GeneratedStack[] = []
/** Layers of the base image, which are large and the same everywhere. */
let debian: readonly string[] = []
const baseConfigs = new Map<string, BaseConfig>()

beforeAll(async () => {
  const random = Math.random().toString(36).slice(2, 10)
  const host = localRegistry()
  const external = `${host}/generated-${random}/external:1`
  await publishExternal(external)
  generated = await Promise.all(
    numbers.map(async (index) => {
      const repository = `${host}/generated-${random}/${index}`
      const arbitrary = generatedStack(repository, external)
      const [images = []] = fc.sample(arbitrary, { seed: fuzzSeed + index, numRuns: 1 })
      return { repository, images, ...(await written(repository, images)) }
    }),
  )
  const base = await workspace({ Dockerfile: "FROM debian:bookworm-slim\n" }, { git: false })
  const reference = `${host}/generated-${random}/debian:1`
  await publish([[{ folder: base }, reference]])
  debian = (await publishedImage(reference)).layers
  await removeFolder(base)
  // Each way for all stacks at once: a session of its own for each image would take longer than the builds.
  await publishAll("along", () => true)
  for (const stack of generated) for (const image of stack.images) await retagged(stack, image)
  await publishAll("reused", (image) => sourcesOf(image).length > 0)
  await publishAll("retagged", (image) => sourcesOf(image).length > 0)
  for (const depth of [0, 1, 2, 3]) {
    await publishAll("alone", (image, stack) => depthOf(stack, image) === depth)
    for (const stack of generated) {
      for (const image of stack.images.filter((each) => depthOf(stack, each) === depth)) {
        await addToConfig(referenceOf(stack, image, "alone"), image.handsDown)
      }
    }
  }
})

afterAll(async () => {
  for (const { folder } of generated) await removeFolder(folder)
})

it.each(numbers)("stack %i of the seed: in all ways the same files and configuration", async (index) => {
  const stack = generated[index]
  if (stack === undefined) throw new Error("not generated")
  for (const image of stack.images) {
    const alone = await seenOf(stack, image, "alone")
    const others = ways.filter((way) => way === "along" || (way !== "alone" && sourcesOf(image).length > 0))
    for (const way of others) {
      const told = `${image.name}, ${way}: ${stack.folder}`
      expect(await seenOf(stack, image, way), told).toEqual(alone)
    }
  }
})

async function seenOf(stack: GeneratedStack, image: GeneratedImage, way: Way): Promise<unknown> {
  const published = await publishedImage(referenceOf(stack, image, way))
  const { Env, ...rest } = published.config
  // Not what was put there for docker; and the order of variables says nothing.
  const config = Object.fromEntries(Object.entries(rest).filter(([key]) => !(key in image.handsDown)))
  const env = Array.isArray(Env) ? (Env as readonly string[]).toSorted() : []
  return { config, env, files: await filesOfLayers(published, debian) }
}

async function publishAll(
  way: Way,
  isWanted: (image: GeneratedImage, stack: GeneratedStack) => boolean,
): Promise<void> {
  const builds = await Promise.all(
    generated.flatMap((stack) =>
      stack.images
        .filter((image) => isWanted(image, stack))
        .map(async (image) => [await buildOf(stack, image, way), referenceOf(stack, image, way)] as const),
    ),
  )
  if (builds.length > 0) await publish(builds)
}

async function publishExternal(reference: string): Promise<void> {
  const folder = await workspace({ ...context, Dockerfile: externalBase.dockerfile }, { git: false })
  await publish([[{ folder }, reference]])
  await removeFolder(folder)
  await addToConfig(reference, externalBase.config)
  const config = await imageConfig(new RegistryClient(), parseReference(reference), "linux/amd64")
  if (config === undefined) throw new Error("not published")
  baseConfigs.set(reference, config)
}

/** Names of what has to be there before an image is built. */
function sourcesOf({ parent, copies }: GeneratedImage): readonly string[] {
  return parent === undefined ? copies : [parent, ...copies]
}

function depthOf(stack: GeneratedStack, image: GeneratedImage): number {
  const below = stack.images.filter(({ name }) => sourcesOf(image).includes(name))
  return Math.max(-1, ...below.map((each) => depthOf(stack, each))) + 1
}

function referenceOf({ repository }: GeneratedStack, { name }: GeneratedImage, way: Way): string {
  const path = `${repository}/${name.toLowerCase()}`
  return way === "alone" ? `${path}:1` : `${path}-${way}:1`
}

/** Gives what was built along another tag, as the pipeline does. */
async function retagged(stack: GeneratedStack, image: GeneratedImage): Promise<void> {
  const { tag, ...repository } = parseReference(referenceOf(stack, image, "along"))
  const client = new RegistryClient()
  const found = await client.resolve({ ...repository, ...(tag !== undefined && { tag }) })
  if (found === undefined) throw new Error("not published")
  await retag(client, { ...repository, digest: found.digest }, "again")
}

async function buildOf(stack: GeneratedStack, image: GeneratedImage, way: Way): Promise<DockerBuild> {
  const { folder, images, spec, tree } = stack
  const { name, buildArgs } = image
  if (way === "alone") return { folder: join(folder, "images", name), buildArgs }
  const others = images.filter((each) => each.name !== name)
  const along = (each: GeneratedImage) => referenceOf(stack, each, "along")
  const reference = (each: GeneratedImage) =>
    way === "retagged" ? along(each).replace(/:1$/, ":again") : along(each)
  const linked = linkStack({
    spec,
    tree,
    baseConfigs,
    images: way === "along" ? images.map((each) => each.name) : [name],
    parents: new Map(way === "along" ? [] : others.map((each) => [each.name, reference(each)])),
  })
  const dockerfile = `${way}-${name}.Dockerfile`
  await writeFiles(folder, {
    [dockerfile]: linked.whole.dockerfile,
    [`${dockerfile}.dockerignore`]: linked.whole.dockerignore,
  })
  return { folder, dockerfile, target: linked.images.get(name)?.target ?? name }
}

/** Writes a stack with its linked Dockerfile into a folder. */
async function written(
  repository: string,
  images: readonly GeneratedImage[],
): Promise<Pick<GeneratedStack, "folder" | "spec" | "tree">> {
  const spec = {
    images: Object.fromEntries(
      images.map(({ name, parent, copies, buildArgs }) => [
        name,
        {
          image_name: `${repository}/${name.toLowerCase()}`,
          build_args: buildArgs,
          ...(parent !== undefined && { depend_on: parent }),
          copies_from: copies,
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
  return { folder, tree, spec: loadSpec(tree) }
}

function archive(target: string): void {
  const source = mkdtempSync(join(tmpdir(), "stack-archive-"))
  writeFileSync(join(source, "packed.txt"), "packed\n", { mode: 0o640 })
  execFileSync("tar", ["--create", `--file=${target}`, `--directory=${source}`, "packed.txt"])
  rmSync(source, { recursive: true })
}
