import { describe, expect, it } from "vitest"
import fc from "../../support/fastCheck.js"
import type { StackImage } from "../../support/source.js"
import { blockOf, link } from "../../support/dockerfile.js"
import type { DockerfileImage } from "../../support/dockerfile.js"
import { runs } from "../../support/fuzz.js"

const files = {
  "app/main.py": "",
  "app/lib/x.py": "",
  "app/lib/y.txt": "",
  "requirements.txt": "",
  "test/test_a.py": "",
  "to-app": { symlink: "app" },
  "x.tgz": "",
}

/** The frontend that has all flags. */
const newest = "# syntax=docker/dockerfile:1"

/** Paths of the context that an image reads, without its own Dockerfile. */
function contextFiles(dockerfile: readonly string[], image: StackImage = {}): readonly string[] {
  const linked = link({
    a: { ...image, files: { ...files, ...image.files }, dockerfile: [newest, "FROM scratch", ...dockerfile] },
  })
  const paths = (linked.images.get("a")?.contextFiles ?? []).map(({ path }) => path.replace("images/a/", ""))
  return paths.filter((path) => path !== "Dockerfile")
}

const all = Object.keys(files).sort()

describe("contextFiles", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["nothing read", ["RUN true"], []],
    ["a file", ["COPY requirements.txt /"], ["requirements.txt"]],
    ["a folder", ["COPY app /app"], ["app/lib/x.py", "app/lib/y.txt", "app/main.py"]],
    ["a folder below another", ["COPY /app/../app/lib/ /x"], ["app/lib/x.py", "app/lib/y.txt"]],
    ["everything", ["COPY . ."], all],
    ["a wildcard", ["COPY app/*/*.py req* /x"], ["app/lib/x.py", "requirements.txt"]],
    ["a folder by wildcard", ["COPY a[op]p /x"], ["app/lib/x.py", "app/lib/y.txt", "app/main.py"]],
    ["ADD", ["ADD x.tgz https://example.org/y /x"], ["x.tgz"]],
    ["a mount", ["RUN --mount=type=bind,source=app/lib,target=/x true"], ["app/lib/x.py", "app/lib/y.txt"]],
    ["a mount of all", ["RUN --mount=target=/x true"], all],
    ["a mount of a stage", ["RUN --mount=from=debian,target=/x true"], []],
    ["a variable", ["ARG D=app/lib", "COPY ${D}/x.py /"], ["app/lib/x.py"]],
    ["a variable without a value", ["COPY requirements.txt$NOTHING /"], ["requirements.txt"]],
    ["through a symlink, which may lead anywhere", ["COPY to-app/main.py /"], all],
    ["a symlink itself", ["COPY to-app /"], all],
    ["--parents with its own patterns", ["COPY --parents **/*.py /"], all],
    ["--parents of a file", ["COPY --parents app/main.py /"], ["app/main.py"]],
    ["stages that are not needed", ["COPY app /", "FROM scratch", "COPY x.tgz /"], ["x.tgz"]],
    ["stages that are", ["COPY x.tgz /", "FROM scratch", "COPY --from=0 / /"], ["x.tgz"]],
    ["triggers act elsewhere", ["ONBUILD COPY app /"], []],
  ])("%s", (_, dockerfile, expected) => {
    expect(contextFiles(dockerfile)).toEqual(expected)
  })

  it("takes a variable of the base image for anything", () => {
    const linked = link({ a: { files, dockerfile: ["FROM debian", "COPY $WHAT /"] } })
    expect(linked.images.get("a")?.contextFiles).toHaveLength(all.length + 1)
  })

  it("leaves out what .dockerignore leaves out", () => {
    const ignored = { ".dockerignore": "test\n**/*.py\n!app/main.py\n.dockerignore" }
    expect(contextFiles(["COPY . ."], { files: ignored })).toEqual([
      "app/lib/y.txt",
      "app/main.py",
      "requirements.txt",
      "to-app",
      "x.tgz",
    ])
  })

  it("accepts a folder of which everything is ignored", () => {
    expect(contextFiles(["COPY test /t"], { files: { ".dockerignore": "test/*" } })).toEqual([])
  })
})

describe("bases and parents", () => {
  it("are those of the stages that the image needs", () => {
    const linked = link({
      base: ["FROM debian:13-slim"],
      child: {
        depend_on: "base",
        dockerfile: [
          "FROM alpine AS unused",
          "FROM golang AS build",
          "FROM ghcr.io/example/base",
          "COPY --from=build / /",
          "COPY --from=tools:1 / /",
          "RUN --mount=from=tools:1,target=/x true",
        ],
      },
    })
    const child = linked.images.get("child")
    expect(child?.bases.map(({ reference, location }) => [reference, location.line])).toEqual([
      ["docker.io/library/golang:latest", 2],
      ["docker.io/library/tools:1", 5],
    ])
    expect(child?.base).toBeUndefined()
    expect(child?.parents).toEqual(["base"])
    expect(linked.images.get("base")?.base?.reference).toBe("docker.io/library/debian:13-slim")
    expect(linked.images.get("base")?.parents).toEqual([])
  })

  it("tell what the last stage is built on, however many stages stand before it", () => {
    const dockerfile = [
      "FROM golang AS build",
      "FROM debian:13-slim AS common",
      "FROM common",
      "COPY --from=build / /",
    ]
    const { base, bases } = link({ base: dockerfile }).images.get("base") ?? {}
    expect(base?.reference).toBe("docker.io/library/debian:13-slim")
    expect(bases?.map(({ reference }) => reference)).toEqual([
      "docker.io/library/golang:latest",
      "docker.io/library/debian:13-slim",
    ])
  })

  it("hand proxies to the builder, which knows them undeclared", () => {
    const build_args = { HTTPS_PROXY: "http://proxy", A: "1" }
    const linked = link({ a: { build_args, dockerfile: ["FROM scratch", "ARG A"] } })
    expect([...(linked.images.get("a")?.builderArgs ?? [])]).toEqual([["HTTPS_PROXY", "http://proxy"]])
  })
})

/** Instructions that link in any stage of any image of `stack`. */
const instruction = fc.constantFrom(
  "RUN make \\\n  # why\n  && install",
  "COPY . /src",
  "COPY data* /d/",
  "ADD https://example.org/x /x",
  "ADD archive.tgz /y",
  "ARG VERSION",
  "ARG VERSION=1 OTHER",
  "ENV VERSION=$VERSION OTHER=2",
  "RUN --mount=type=bind,target=/x --mount=type=cache,target=/y true",
  "RUN <<EOF\nFROM not an instruction\nEOF",
  "COPY <<'A' <<B /h/\nCOPY . .\nA\nB",
  "ONBUILD COPY data /data",
  'SHELL ["/bin/sh", "-c"]',
  "HEALTHCHECK NONE",
)

const body = fc.array(instruction, { maxLength: 6 })

const stages = fc.array(fc.tuple(fc.constantFrom("", "build", "context", "body"), body), { maxLength: 3 })

/** A chain of three images, each with stages of its own before the one that is built on its parent. */
const stack = fc
  .tuple(fc.tuple(stages, body), fc.tuple(stages, body), fc.tuple(stages, body))
  .map((images): Readonly<Record<string, DockerfileImage>> => {
    const names = ["base", "child", "leaf"]
    return Object.fromEntries(
      images.map(([before, last], index) => {
        const from = index === 0 ? "FROM debian" : `FROM ghcr.io/example/${names[index - 1] ?? ""}:\${TAG:-1}`
        const earlier = before.flatMap(([name, lines]) => [`FROM scratch${name && ` AS ${name}`}`, ...lines])
        const image = {
          files: { data: "", "archive.tgz": "" },
          build_args: { VERSION: String(index) },
          dockerfile: [...earlier, from, ...last],
          ...(index > 0 && { depend_on: names[index - 1] ?? "" }),
        }
        return [names[index] ?? "", image]
      }),
    )
  })

describe("any stack", () => {
  it("links into stages of different names, which are used after they are defined", () => {
    fc.assert(
      fc.property(stack, (images) => {
        const { dockerfile, images: linked } = link(images)
        const instructions = withoutHeredocs(dockerfile)
        const names = instructions.flatMap((line) => /^FROM .* AS (\S+)$/.exec(line)?.[1] ?? [])
        expect(new Set(names).size).toBe(names.length)
        for (const { target } of linked.values()) expect(names).toContain(target)
        const known = new Set(["scratch", "docker.io/library/debian:latest"])
        for (const line of instructions) {
          const used = /^FROM (\S+) AS|^COPY --from=(\S+)|,from=(\S+)/.exec(line)?.slice(1).find(Boolean)
          if (used !== undefined) expect(known).toContain(used)
          const defined = /^FROM .* AS (\S+)$/.exec(line)?.[1]
          if (defined !== undefined) known.add(defined)
        }
      }),
    )
  })

  it("has stages of an image that other images do not change", () => {
    fc.assert(
      fc.property(stack, stack, (images, others) => {
        const whole = link(images).images
        const alone = link(images, { images: ["base"] }).images
        expect(alone.get("base")).toEqual(whole.get("base"))
        const swapped = link({ ...images, leaf: others.leaf ?? [] }).images
        expect(swapped.get("base")?.stages).toBe(whole.get("base")?.stages)
        expect(swapped.get("child")?.stages).toBe(whole.get("child")?.stages)
      }),
    )
  })

  it("links to the same text again", () => {
    fc.assert(
      fc.property(stack, (images) => {
        expect(link(images).dockerfile).toBe(link(images).dockerfile)
      }),
      runs(20),
    )
  })

  it("keeps every instruction of an image, in order", () => {
    fc.assert(
      fc.property(stack, (images) => {
        const base = images.base
        const written =
          base !== undefined && "dockerfile" in base ? base.dockerfile.join("\n").split("\n") : []
        const keywords = (lines: readonly string[]) =>
          withoutHeredocs(lines.join("\n")).flatMap(
            (line) => /^(RUN|ENV|ADD|SHELL|HEALTHCHECK)/.exec(line)?.[1] ?? [],
          )
        expect(keywords(blockOf(link(images), "base"))).toEqual(keywords(written))
      }),
    )
  })
})

describe("comments", () => {
  it("change nothing of an image but its own file", () => {
    const linked = (comment: readonly string[]) =>
      link({ a: [...comment, "FROM scratch", ...comment, "RUN a \\", ...comment, "  b", ...comment] })
    expect(linked(["# one", ""]).images.get("a")?.stages).toBe(linked([]).images.get("a")?.stages)
  })
})

/** Lines of a linked text that are instructions, where heredocs end with `EOF`, `A` or `B`. */
function withoutHeredocs(text: string): readonly string[] {
  let ends: string[] = []
  return text.split("\n").filter((line) => {
    if (ends.length > 0) {
      if (line === ends[0]) ends.shift()
      return false
    }
    ends = [...line.matchAll(/<<'?([A-Z]+)'?/g)].flatMap(([, name]) => name ?? [])
    return true
  })
}
