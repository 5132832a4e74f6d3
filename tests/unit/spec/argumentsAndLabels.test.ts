import { describe, expect, test } from "vitest"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { patternsOutside } from "../../../dagger/lib/spec/imagePaths.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import type { Files } from "../../support/source.js"
import { sourceOf } from "../../support/source.js"

/** A source of one image `a` with these keys. */
function source(keys: string, files: Files = {}) {
  const spec = `images:\n  a:\n    image_name: ghcr.io/x/a\n    ${keys}\ntag: {prefix: 2026.4}\n`
  return sourceOf({ "spec.yml": spec, "images/a/Dockerfile": "FROM debian\nARG X\nRUN true\n", ...files })
}

function imageOf(keys: string, files: Files = {}) {
  const tree = source(keys, files)
  const spec = loadSpec(tree)
  return { image: spec.images.get("a"), linked: linkStack({ spec, tree, images: ["a"] }) }
}

function mistakes(keys: string, files: Files = {}): readonly string[] {
  try {
    loadSpec(source(keys, files))
    return ["accepted"]
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return (error as InputError).message.split("\n")
  }
}

describe("build_args_file", () => {
  const file = { "versions.env": "# all\n\nX=1 = one\r\nY=\n" }

  test("gives arguments; those of build_args win", () => {
    const { image, linked } = imageOf("build_args_file: versions.env\n    build_args: {Y: 2}", file)
    expect([...(image?.buildArgs ?? [])]).toEqual([
      ["X", "1 = one"],
      ["Y", "2"],
    ])
    expect(linked.whole.dockerfile).toContain('ARG X="1 = one"')
  })

  test("is read where it lies outside of the folder of images", () => {
    const text = source("build_args_file: versions.env").text("spec.yml") ?? ""
    expect(patternsOutside(text)).toEqual(["versions.env"])
  })

  test.each([
    ["versions.env", {}, 'spec.yml:4:22: there is no file "versions.env" of at most 1 MiB'],
    [
      "../x",
      {},
      'spec.yml:4:22: "build_args_file" is a path from the root of the source, and "../x" has a ".." (such as images/versions.env)',
    ],
    [
      "v.env",
      { "v.env": "A=1\nexport B=2\n" },
      'v.env:2:1: "export B=2" is no build argument (NAME=value, without quotes; a line of # is a comment)',
    ],
  ])("%s: told at its place", (path, files: Files, expected) => {
    expect(mistakes(`build_args_file: ${path}`, files)).toEqual([expected])
  })
})

describe("labels", () => {
  test("stand at the end of the last stage, to the letter, and in the key", () => {
    const { linked } = imageOf("labels: {org.example.price: '5 $HOME \"x\"', n: 3}")
    const { stages, labelNames } = linked.images.get("a") ?? {}
    expect(stages?.trimEnd().split("\n").at(-1)).toBe('LABEL org.example.price="5 \\$HOME \\"x\\"" n=3')
    expect(labelNames).toEqual(["org.example.price", "n"])
  })

  test("none leave the text as it is", () => {
    expect(imageOf("labels: {}").linked.whole).toEqual(
      expect.objectContaining({ dockerfile: imageOf("prune: true").linked.whole.dockerfile }),
    )
  })

  test.each([
    [
      "labels: {'a b': x}",
      `spec.yml:4:14: "a b" must be a label's name, such as org.opencontainers.image.licenses`,
    ],
    ["labels: {a: [x]}", 'spec.yml:4:17: "a" must be a text or a number, not a list'],
    [
      'labels: {a: "x\\ny"}',
      'spec.yml:4:17: "a" must be a text of one line, not the text "x\ny"'.split("\n")[0],
    ],
  ])("%s", (keys, expected) => {
    expect(mistakes(keys)[0]).toBe(expected)
  })
})
