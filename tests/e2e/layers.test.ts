import { afterAll, beforeAll, expect, test } from "vitest"
import { localRegistry, publish } from "../support/dockerfileBuilds.js"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { childImage, FixtureStack, passing } from "../support/fixtureStacks.js"
import { removeFolder, workspace } from "../support/stack.js"
import { imageFiles } from "../support/testImages.js"

/** Of this run: what the engine has from an earlier one is found in any case. */
const fresh = String(Date.now())

/** Steps before and behind a file of the context. What the last one writes tells each time that it runs. */
const steps = (name: string) => [
  "USER root",
  `RUN date +%s%N >/before-${name}-${fresh}`,
  "COPY file.txt /file.txt",
  `RUN date +%s%N >/behind-${name}`,
  "USER student",
]
const files = (name: string) => ({ "file.txt": `${name}\n` })
const tag = "2026.4-main"

let world: FixtureStack
let first: FixtureRun

beforeAll(async () => {
  world = await FixtureStack.start({
    base: {
      files: {
        Dockerfile: `FROM ${await freshBase()}\n${steps("base").join("\n")}\n`,
        "test/test_base.py": passing("base"),
        ...files("base"),
      },
    },
    left: childImage("left", "base", steps("left"), files("left")),
    right: childImage("right", "base", steps("right"), files("right")),
    leaf: childImage("leaf", "left", steps("leaf"), files("leaf")),
  })
  first = await world.publish("--parallel=4")
})

afterAll(() => world.stop())

/** An image of a registry that no session of this engine has pulled. */
async function freshBase(): Promise<string> {
  const reference = `${localRegistry()}/layers-${fresh}/base:1`
  const folder = await workspace(imageFiles([`RUN echo ${fresh} >/fresh`]), { git: false })
  await publish([[{ folder }, reference]])
  await removeFolder(folder)
  return reference
}

const layersOf = async (image: string) => {
  const { layers } = await world.manifest(image, tag)
  return layers.map(({ digest }) => digest)
}

test("images that are built together have the layers of their parents: no step of those runs again", async () => {
  expect(new Set(Object.values(first.outcomes))).toEqual(new Set(["passed"]))
  for (const [child, parent] of [
    ["left", "base"],
    ["right", "base"],
    ["leaf", "left"],
  ] as const) {
    const [own, below] = [await layersOf(child), await layersOf(parent)]
    expect(own.slice(0, below.length), child).toEqual(below)
    expect(own.length).toBeGreaterThan(below.length)
  }
})

test("what a change is behind is built again once, and shared by all of its children", async () => {
  const before = await layersOf("base")
  await world.commit({ "images/base/file.txt": "another\n" })
  const run = await world.publish("--parallel=4")
  expect(new Set(Object.values(run.outcomes))).toEqual(new Set(["passed"]))
  const base = await layersOf("base")
  expect(base).not.toEqual(before)
  for (const child of ["left", "right", "leaf"])
    expect((await layersOf(child)).slice(0, base.length), child).toEqual(base)
})
