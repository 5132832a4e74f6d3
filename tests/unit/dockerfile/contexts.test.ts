import { describe, expect, test } from "vitest"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { InputError, formatProblem } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { exampleNames, exampleStack } from "../../support/exampleStacks.js"
import type { Files } from "../../support/source.js"
import { sourceOf } from "../../support/source.js"

/** Links all images of a stack. */
function linked(files: Files) {
  const tree = sourceOf(files)
  const spec = loadSpec(tree)
  return linkStack({ spec, tree, images: [...spec.images.keys()] })
}

function problemsOf(files: Files): readonly string[] {
  try {
    linked(files)
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(formatProblem)
    throw error
  }
  return []
}

/** One image `a` with these keys, and files from the root. */
function one(keys: string, files: Files): Files {
  return { "spec.yml": `images: {a: {image_name: ghcr.io/x/a, ${keys}}}\ntag: {prefix: 2026.4}`, ...files }
}

/** The paths that a link's image reads. */
function readBy(files: Files, image = "a"): readonly string[] {
  return (
    linked(files)
      .images.get(image)
      ?.contextFiles.map(({ path }) => path) ?? []
  )
}

test.each(exampleNames())("the example %s links, and each of its images has a text of its own", (name) => {
  const { images } = linked(exampleStack(name))
  const texts = [...images.values()].map(({ stages }) => stages)
  expect(new Set(texts).size).toBe(texts.length)
})

describe("folders within each other", () => {
  const { images, whole } = linked(exampleStack("variants"))

  test("each image reads what its own ignore file leaves", () => {
    const read = (image: string) => images.get(image)?.contextFiles.map(({ path }) => path)
    expect(read("pytorch-notebook")).toEqual([
      "images/pytorch-notebook/cuda12/.dockerignore",
      "images/pytorch-notebook/cuda12/Dockerfile",
      "images/pytorch-notebook/cuda12/README.md",
      "images/pytorch-notebook/cuda12/flavour",
      "images/pytorch-notebook/cuda12/test/test_cuda.py",
      "images/pytorch-notebook/flavour",
      "images/pytorch-notebook/test/test_flavour.py",
    ])
    expect(read("pytorch-cuda12")).toEqual([
      "images/pytorch-notebook/cuda12/.dockerignore",
      "images/pytorch-notebook/cuda12/Dockerfile",
      "images/pytorch-notebook/cuda12/flavour",
      "images/pytorch-notebook/cuda12/test/test_cuda.py",
    ])
  })

  test("the inner one has a place of its own in the linked build", () => {
    const place = images.get("pytorch-cuda12")?.context.place ?? ""
    expect(place).toMatch(/^\.stack-contexts\/[0-9a-f]{10}$/)
    expect(images.get("pytorch-notebook")?.context.place).toBe("images/pytorch-notebook")
    expect(whole.dockerfile).toContain(`COPY ["${place}", "/"]`)
    expect(whole.dockerignore.split("\n")).toEqual(
      expect.arrayContaining([`!${place}`, `${place}/README.md`, "images/pytorch-notebook/README.md"]),
    )
  })

  test("images of one folder share their place, and differ by their arguments", () => {
    const [small, large] = ["notebook-small", "notebook-large"].map((name) => images.get(name))
    expect(small?.context).toEqual(large?.context)
    expect(small?.stages).toContain("ARG SIZE=small")
    expect(large?.stages).toContain("ARG SIZE=large")
  })
})

describe("one context for all images", () => {
  const { images, whole } = linked(exampleStack("shared-context"))

  test("an ignore file beside the Dockerfile counts, else that of the context; each has its place", () => {
    expect(images.get("geo")?.contextFiles.map(({ path }) => path)).toEqual([
      ".dockerignore",
      "README.md",
      "environments/geo.txt",
      "images/geo/test/test_geo.py",
      "images/lab/test/test_lab.py",
      "scripts/setup.sh",
      "spec.yml",
    ])
    expect(images.get("lab")?.contextFiles.map(({ path }) => path)).toEqual(["scripts/setup.sh"])
    expect(images.get("lab")?.context.place).not.toBe(images.get("geo")?.context.place)
  })

  test("tests that no instruction reads are named, to be left out", () => {
    expect(images.get("lab")?.context.unread).toContain("images/geo/test/")
    expect(images.get("geo")?.context.unread).not.toContain("images/geo/test/")
  })

  test("stages after the target are none of the image's", () => {
    expect(whole.dockerfile).not.toContain("lab-docs")
  })
})

describe("target", () => {
  const dockerfile = {
    "images/a/Dockerfile": "FROM debian AS Build\nCOPY gone /\nFROM scratch AS run\nCOPY x /\n",
  }

  test("names the stage that is built, in any case; what follows is not looked at", () => {
    expect(readBy(one("target: RUN", { ...dockerfile, "images/a/x": "1" }))).toEqual(["images/a/x"])
    expect(problemsOf(one("target: build", dockerfile))).toEqual([
      'images/a/Dockerfile:2:6: "gone" does not exist in images/a, the build context of a',
    ])
  })

  test("is told at its place where there is no such stage", () => {
    expect(problemsOf(one("target: ru", dockerfile))).toEqual([
      'spec.yml:1:47: "target" names "ru", which is no stage of images/a/Dockerfile (did you mean "run"?)',
    ])
  })
})

test("a mistake of a Dockerfile that images share is told once", () => {
  const image = "{image_name: ghcr.io/x/NAME, directory: images/a}"
  const spec = `images: {b: ${image.replace("NAME", "b")}, c: ${image.replace("NAME", "c")}}\ntag: {prefix: 2026.4}`
  expect(problemsOf({ "spec.yml": spec, "images/a/Dockerfile": "FROM debian\nRUNN x\n" })).toEqual([
    'images/a/Dockerfile:2:1: unknown instruction "RUNN" (did you mean "RUN"?)',
  ])
})

test("an image's text is the same whatever other images lie in its folder", () => {
  const files = {
    "images/a/Dockerfile": "FROM debian\nCOPY x /\n",
    "images/a/x": "",
    "images/a/b/Dockerfile": "FROM debian\nCOPY . /\n",
  }
  const inner = "  b: {image_name: ghcr.io/x/b, directory: images/a/b}\n"
  const spec = (more: string) => `images:\n  a: {image_name: ghcr.io/x/a}\n${more}tag: {prefix: 2026.4}`
  const alone = linked({ ...files, "spec.yml": spec("") }).images.get("a")
  const both = linked({ ...files, "spec.yml": spec(inner) }).images.get("a")
  expect(both?.stages).toBe(alone?.stages)
  expect(both?.contextFiles).toEqual(alone?.contextFiles)
})
