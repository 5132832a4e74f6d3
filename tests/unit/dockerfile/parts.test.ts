import { expect, test } from "vitest"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { stackOf } from "../../support/source.js"

const tree = stackOf({
  base: { files: { Dockerfile: "FROM debian\nARG A=1\nRUN base\n", ".dockerignore": "*.log\n" } },
  left: { depend_on: "base", files: { Dockerfile: "FROM ghcr.io/example/base\nRUN left\n" } },
  leaf: { depend_on: "left", files: { Dockerfile: "FROM ghcr.io/example/left\nCOPY x /x\n", x: "" } },
  right: { depend_on: "base", files: { Dockerfile: "FROM ghcr.io/example/base\nRUN right\n" } },
})
const request = { spec: loadSpec(tree), tree, images: ["base", "left", "leaf", "right"] }
const stack = linkStack(request)
const runAgain = new Map([["left", "w"]])
const parents = new Map([["base", "ghcr.io/example/base:1"]])

test.each([
  ["all", { images: request.images }],
  ["one on a published parent", { images: ["left"], parents }],
  ["what runs again, with its child", { images: ["left", "leaf"], parents, runAgain }],
  ["nothing", { images: [] }],
])("a run of %s has the text that linking it anew would have", (_, run) => {
  const anew = linkStack({ ...request, ...run }).whole
  const { dockerfile, dockerignore } = stack.forRun(run).whole
  expect({ dockerfile, dockerignore }).toEqual({
    dockerfile: anew.dockerfile,
    dockerignore: anew.dockerignore,
  })
})

test("an image's text is a part of that of the whole, and holds what it is built on", () => {
  const lineage = stack.lineage("leaf")
  expect(lineage).toEqual(["base", "left", "leaf"])
  const text = stack.only(lineage)
  const { dockerfile, dockerignore } = text
  expect(stack.whole.dockerfile.startsWith(dockerfile)).toBe(true)
  expect(dockerignore).toBe("*\n!images/base\nimages/base/*.log\n!images/left\n!images/leaf\n")
  const line = dockerfile.split("\n").indexOf("RUN left") + 1
  expect(text.locate(line)).toEqual({ file: "images/left/Dockerfile", line: 2, column: 1 })
})

test("the text that an image is built of tells apart the bases of what it is built on, where they have digests", () => {
  const digest = `@sha256:${"0123456789abcdef".repeat(4)}`
  const lines = [
    `FROM localhost:5000/debian:12${digest} AS tools`,
    `FROM --platform=$BUILDPLATFORM debian${digest} AS more`,
    "FROM alpine:3",
    "RUN <<EOF",
    `FROM debian:12${digest} AS x`,
    "EOF",
  ]
  const files = stackOf({
    base: { files: { Dockerfile: `${lines.join("\n")}\n` } },
    leaf: { depend_on: "base", files: { Dockerfile: `FROM ghcr.io/example/base\nRUN x\n` } },
  })
  const linked = linkStack({ spec: loadSpec(files), tree: files, images: ["base", "leaf"] })
  const froms = (image: string) =>
    linked
      .only(linked.lineage(image), image)
      .dockerfile.split("\n")
      .filter((line) => line.startsWith("FROM"))
  const [first, second, ...rest] = froms("base")
  expect(first).toBe(`FROM localhost:5000/debian:12${digest} AS base--tools`)
  expect(froms("leaf")).toEqual([
    `FROM localhost:5000/debian:12.for.leaf${digest} AS base--tools`,
    second?.replace("@", ":for.leaf@"),
    ...rest,
    "FROM base AS leaf",
  ])
})

test("in a run, what is published is no part of an image's lineage", () => {
  expect(stack.forRun({ images: ["left", "leaf"], parents }).lineage("leaf")).toEqual(["left", "leaf"])
})
