import { describe, expect, test } from "vitest"
import { proposeSpec, renderProposal } from "../../../dagger/lib/adopt/proposal.js"
import { formatProblem, InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { exampleStack } from "../../support/exampleStacks.js"
import type { Files } from "../../support/source.js"
import { sourceOf } from "../../support/source.js"

function adopted(files: Files) {
  const proposal = proposeSpec(sourceOf(files), "2026.4")
  const images = Object.fromEntries(proposal.images.map(({ name, keys }) => [name, Object.fromEntries(keys)]))
  return { ...proposal, images, undecided: proposal.undecided.map(formatProblem) }
}

/** A stack of docs/examples as it was before it had a spec. */
function without(name: string): Files {
  return Object.fromEntries(Object.entries(exampleStack(name)).filter(([path]) => path !== "spec.yml"))
}

/** Dockerfiles in the manner of jupyter/docker-stacks: parents by arguments that have a default. */
function dockerStacks(): Files {
  const child = (parent: string, line = "RUN true") =>
    `ARG REGISTRY=quay.io\nARG OWNER=jupyter\nARG BASE_IMAGE=$REGISTRY/$OWNER/${parent}\nFROM $BASE_IMAGE\n${line}\n`
  return {
    "images/docker-stacks-foundation/Dockerfile":
      "ARG ROOT_IMAGE=ubuntu:24.04\nFROM $ROOT_IMAGE\nCOPY start.sh /\n",
    "images/docker-stacks-foundation/start.sh": "",
    "images/base-notebook/Dockerfile": child("docker-stacks-foundation"),
    "images/pytorch-notebook/Dockerfile": child("base-notebook"),
    "images/pytorch-notebook/cuda12/Dockerfile": child("base-notebook", "COPY --chown=1:1 x.pip /"),
    "images/pytorch-notebook/cuda12/x.pip": "",
  }
}

test("docker-stacks: parents behind arguments, variants within folders, the registry by what FROM lines name", () => {
  const { images, undecided } = adopted(dockerStacks())
  expect(images).toEqual({
    "base-notebook": { image_name: "quay.io/jupyter/base-notebook", depend_on: "docker-stacks-foundation" },
    "docker-stacks-foundation": { image_name: "quay.io/jupyter/docker-stacks-foundation" },
    "pytorch-notebook": { image_name: "quay.io/jupyter/pytorch-notebook", depend_on: "base-notebook" },
    "pytorch-notebook-cuda12": {
      image_name: "quay.io/jupyter/pytorch-notebook-cuda12",
      directory: "images/pytorch-notebook/cuda12",
      depend_on: "base-notebook",
    },
  })
  expect(undecided).toEqual([])
})

test("a shared context: the nearest folder that has all that is read", () => {
  const { images, undecided } = adopted(without("shared-context"))
  expect(images).toEqual({
    base: {
      image_name: "ghcr.io/example/base",
      dockerfile: "docker/Dockerfile",
      context: ".",
    },
    geo: { image_name: "ghcr.io/example/geo", dockerfile: "docker/geo.Dockerfile", context: "docker" },
  })
  expect(undecided).toEqual([
    "docker/Dockerfile:1:1: its last stage is lab-docs: taken for the image, and not lab (target names another)",
    "docker/Dockerfile:1:1: what it reads is in the root of the source: taken for its build context (is that right?)",
    "spec.yml:1:1: no FROM tells where images are published: ghcr.io/example stands for it",
  ])
})

test.each(["variants", "shared-context", "parents"])(
  "what is proposed for the example %s is a spec",
  (name) => {
    const files = without(name)
    const { spec } = adopted(files)
    expect([...loadSpec(sourceOf({ ...files, "spec.yml": spec })).images.keys()].length).toBeGreaterThan(1)
  },
)

test("files of other images of the source, however they are taken", () => {
  const files = {
    "images/base/Dockerfile": "FROM debian\n",
    "images/tools/Dockerfile": "FROM debian\n",
    "images/data/Dockerfile": "FROM ghcr.io/x/base\n",
    "images/wheels/Dockerfile": "FROM debian\n",
    "images/lab/Dockerfile": [
      "ARG OWNER=ghcr.io/x",
      "FROM $OWNER/wheels AS built",
      "FROM ghcr.io/x/base",
      "COPY --from=built --chown=1 /w /w",
      "COPY --from=ghcr.io/x/tools /t /t",
      "COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /uv",
      "RUN --mount=type=bind,from=ghcr.io/x/data:latest,target=/d true",
      "",
    ].join("\n"),
  }
  const { images, undecided, spec } = adopted(files)
  expect(images.lab).toEqual({
    image_name: "ghcr.io/x/lab",
    depend_on: "base",
    copies_from: ["wheels", "tools", "data"],
  })
  expect(spec).toContain("    copies_from: [wheels, tools, data]\n")
  expect(undecided).toEqual([])
})

describe("names", () => {
  test.each([
    ["Dockerfile", "base"],
    ["lab/Dockerfile", "lab"],
    ["images/lab/Dockerfile.gpu", "lab-gpu"],
    ["docker/geo.Dockerfile", "geo"],
    ["docker/Containerfile", "base"],
    ["a b/Dockerfile", "a-b"],
  ])("%s: %s", (path, name) => {
    expect(Object.keys(adopted({ [path]: "FROM debian\n" }).images)).toEqual([name])
  })

  test("two of one name have their whole paths", () => {
    const files = { "cpu/lab/Dockerfile": "FROM debian\n", "gpu/lab/Dockerfile": "FROM debian\n" }
    expect(Object.keys(adopted(files).images)).toEqual(["cpu-lab-Dockerfile", "gpu-lab-Dockerfile"])
  })
})

describe("not decided", () => {
  test.each<readonly [string, Files, string]>([
    [
      "a base that only the caller of a build knows",
      { "images/a/Dockerfile": "ARG BASE\nFROM $BASE\n" },
      'images/a/Dockerfile:2:1: what "$BASE" stands for is not said here (give its ARG a value in the Dockerfile, or build_args in spec.yml)',
    ],
    [
      "files that are in no folder",
      { "images/a/Dockerfile": "FROM debian\nCOPY gone.txt /\n" },
      "images/a/Dockerfile:1:1: no folder has all that it reads; its own lacks gone.txt (name the build context with context, or commit what is missing)",
    ],
    [
      "what the spec would be refused for",
      { "images/a/Dockerfile": "FROM debian\nRUNN x\n" },
      'images/a/Dockerfile:2:1: unknown instruction "RUNN" (did you mean "RUN"?)',
    ],
    [
      "one parent under two names",
      {
        "images/a/Dockerfile": "FROM debian\n",
        "images/b/Dockerfile": "FROM ghcr.io/x/a\n",
        "images/c/Dockerfile": "FROM ghcr.io/y/a\n",
      },
      "images/c/Dockerfile:1:1: it uses ghcr.io/y/a, and others ghcr.io/x/a (one is meant)",
    ],
  ])("%s", (_, files, expected) => {
    expect(adopted(files).undecided).toContain(expected)
  })
})

test.each<readonly [string, Files, string]>([
  ["a spec", { "images/spec.yml": "" }, "images/spec.yml:1:1: there is a spec already"],
  ["no Dockerfile", { "README.md": "" }, "spec.yml:1:1: there is no Dockerfile"],
])("nothing to adopt: %s", (_, files, expected) => {
  expect(() => adopted(files)).toThrow(InputError)
  expect(() => adopted(files)).toThrow(expected)
})

test("stages of the same file lead to the image below; a digest is nobody's here", () => {
  const files = {
    "images/a/Dockerfile": "FROM debian\n",
    "images/b/Dockerfile": "FROM ghcr.io/x/a AS build\nFROM build\n",
    "images/c/Dockerfile": `FROM ghcr.io/x/a@sha256:${"0".repeat(64)}\n`,
  }
  const { images } = adopted(files)
  expect([images.b?.depend_on, images.c?.depend_on]).toEqual(["a", undefined])
})

test("for people: the spec, a table, and what is to decide", () => {
  const page = renderProposal(proposeSpec(sourceOf({ "lab/Dockerfile": "FROM debian\n" }), "2026.4"))
  expect(page).toContain("# A spec for 1 image")
  expect(page).toContain(
    "  lab:\n    image_name: ghcr.io/example/lab\n    dockerfile: lab/Dockerfile\n    context: lab\n",
  )
  expect(page).toContain("| `lab` | `lab/Dockerfile` | `lab` |")
  expect(page).toContain("## To decide")
})
