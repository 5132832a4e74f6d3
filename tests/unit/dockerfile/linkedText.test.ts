import { describe, expect, it } from "vitest"
import type { StackImage } from "../../support/source.js"
import { blockOf, link, linkOne } from "../../support/dockerfile.js"

const debian = "docker.io/library/debian:13-slim"
const context = ["FROM scratch AS a--context", 'COPY ["images/a", "/"]', ""]

interface Case {
  readonly name: string
  readonly dockerfile: readonly string[]
  readonly expected: readonly string[]
  readonly image?: StackImage
}

describe("one image", () => {
  const cases: readonly Case[] = [
    {
      name: "a base with its full name",
      dockerfile: ["FROM debian"],
      expected: ["FROM docker.io/library/debian:latest AS a"],
    },
    {
      name: "comments are left out, line breaks kept",
      dockerfile: [
        "# top",
        "FROM debian:13-slim",
        "RUN one \\",
        "    # why",
        "    && two",
        "# end",
        "USER me",
      ],
      expected: [`FROM ${debian} AS a`, "RUN one \\", "    && two", "USER me"],
    },
    {
      name: "stages by name, by number and in any case",
      dockerfile: [
        "FROM debian:13-slim AS Build",
        "FROM scratch",
        "FROM build",
        "COPY --from=BUILD /x /x",
        "COPY --chown=1:1 --from=0 --chmod=644 /y /y",
        "COPY --from=1 /z /z",
      ],
      expected: [
        `FROM ${debian} AS a--build`,
        "",
        "FROM scratch AS a--1",
        "",
        "FROM a--build AS a",
        "COPY --from=a--build /x /x",
        "COPY --chown=1:1 --from=a--build --chmod=644 /y /y",
        "COPY --from=a--1 /z /z",
      ],
    },
    {
      name: "two stages of one name: FROM means the last so far",
      dockerfile: ["FROM debian:13-slim AS x", "FROM scratch AS x", "FROM x AS final"],
      expected: [`FROM ${debian} AS a--x`, "", "FROM scratch AS a--x-2", "", "FROM a--x-2 AS a"],
    },
    {
      name: "a stage called like the linker's own",
      dockerfile: ["FROM scratch AS context", "FROM scratch", "COPY --from=context . .", "COPY . ."],
      expected: [
        ...context,
        "FROM scratch AS a--context-2",
        "",
        "FROM scratch AS a",
        "COPY --from=a--context-2 . .",
        "COPY --from=a--context . .",
      ],
    },
    {
      name: "a stage called like an image hides it",
      dockerfile: ["FROM debian:13-slim AS debian", "FROM debian"],
      expected: [`FROM ${debian} AS a--debian`, "", "FROM a--debian AS a"],
    },
    {
      name: "ARG before FROM",
      dockerfile: [
        "ARG SUITE=13",
        'ARG FLAVOUR="${SUITE}-slim" UNUSED',
        "FROM debian:${FLAVOUR}",
        "ARG SUITE",
        "ARG UNUSED",
        "RUN echo $SUITE",
      ],
      expected: [`FROM ${debian} AS a`, "ARG SUITE=13", "ARG UNUSED", "RUN echo $SUITE"],
    },
    {
      name: "substitutions in FROM",
      dockerfile: ["ARG E=", "FROM ${E:-debian}:${NONE:-13}${E:+x}-slim"],
      expected: [`FROM ${debian} AS a`],
    },
    {
      name: "build arguments of the spec",
      image: { build_args: { A: "given", B: 'it\'s "$5"', C: "" } },
      dockerfile: ["ARG A=default", "FROM debian:13-slim", "ARG A", "ARG B=x C D=4", "ARG OTHER=$A"],
      expected: [`FROM ${debian} AS a`, "ARG A=given", 'ARG B="it\'s \\"\\$5\\"" C="" D=4', "ARG OTHER=$A"],
    },
    {
      name: "platform arguments stay the builder's",
      dockerfile: ["FROM --platform=$BUILDPLATFORM debian:13-slim", "ARG TARGETARCH", "RUN echo $TARGETARCH"],
      expected: [`FROM --platform=$BUILDPLATFORM ${debian} AS a`, "ARG TARGETARCH", "RUN echo $TARGETARCH"],
    },
    {
      name: "a platform of an argument",
      dockerfile: ["ARG P=linux/amd64", "FROM --platform=${P} debian:13-slim"],
      expected: [`FROM --platform=linux/amd64 ${debian} AS a`],
    },
    {
      name: "COPY reads the context stage",
      image: { files: { f: "", "d/g": "", "a b": "" } },
      dockerfile: [
        "FROM scratch",
        "COPY f /f",
        "copy --link --chmod=755 . \\",
        "  /all/",
        "COPY ../f /d/../f *.x /to/",
        "COPY\\",
        " f /g",
        'COPY --chown=1 ["a b", "/c d"]',
      ],
      expected: [
        ...context,
        "FROM scratch AS a",
        "COPY --from=a--context f /f",
        "copy --from=a--context --link --chmod=755 . \\",
        "  /all/",
        "COPY --from=a--context ../f /d/../f *.x /to/",
        "COPY --from=a--context\\",
        " f /g",
        'COPY --from=a--context --chown=1 ["a b", "/c d"]',
      ],
    },
    {
      name: "COPY of heredocs alone reads no context",
      dockerfile: ["FROM scratch", "COPY <<A <<-'B' /to/", "FROM no", "A", "\tCOPY x y", "\tB", "USER x"],
      expected: ["FROM scratch AS a", "COPY <<A <<-'B' /to/", "FROM no", "A", "\tCOPY x y", "\tB", "USER x"],
    },
    {
      name: "COPY of a file and a heredoc",
      image: { files: { f: "" } },
      dockerfile: ["FROM scratch", "COPY f <<A /to/", "text", "A"],
      expected: [...context, "FROM scratch AS a", "COPY --from=a--context f <<A /to/", "text", "A"],
    },
    {
      name: "RUN with heredocs",
      dockerfile: ["FROM scratch", "RUN <<A cat && <<-'B' sh", "COPY x y", "A", "\t# not a comment", "\tB"],
      expected: [
        "FROM scratch AS a",
        "RUN <<A cat && <<-'B' sh",
        "COPY x y",
        "A",
        "\t# not a comment",
        "\tB",
      ],
    },
    {
      name: "RUN that mounts the context, a stage, an image and others",
      image: { files: { "req.txt": "", "d/x": "" } },
      dockerfile: [
        "FROM scratch AS tools",
        "FROM scratch",
        "RUN --mount=type=bind,source=req.txt,target=/r \\",
        "    --mount=target=/all,rw \\",
        "    --mount=type=cache,target=/root/.cache,sharing=locked \\",
        "    --mount=type=secret,id=x --mount=type=tmpfs,target=/t \\",
        "    --mount=type=bind,from=Tools,target=/tools \\",
        "    --mount=from=debian:13-slim,target=/deb,source=/etc \\",
        "    install",
      ],
      expected: [
        ...context,
        "FROM scratch AS a--tools",
        "",
        "FROM scratch AS a",
        "RUN --mount=type=bind,source=req.txt,target=/r,from=a--context \\",
        "    --mount=target=/all,rw,from=a--context \\",
        "    --mount=type=cache,target=/root/.cache,sharing=locked \\",
        "    --mount=type=secret,id=x --mount=type=tmpfs,target=/t \\",
        "    --mount=type=bind,from=a--tools,target=/tools \\",
        `    --mount=from=${debian},target=/deb,source=/etc \\`,
        "    install",
      ],
    },
    {
      name: "a mount over two lines, in quotes, of a type from an argument",
      image: { files: { "a b": "" } },
      dockerfile: ["FROM scratch", "ARG T=bind", "RUN --mount=type=$T,\\", '"source=a b",target=/x true'],
      expected: [
        ...context,
        "FROM scratch AS a",
        "ARG T=bind",
        "RUN --mount=type=$T,source=a\\ b,target=/x,from=a--context true",
      ],
    },
    {
      name: "ADD of an archive reads the source, ADD of a folder the context stage",
      image: { files: { "x.tar.gz": "", "d/y": "", "s p.tgz": "" } },
      dockerfile: [
        "FROM scratch",
        "ADD x.tar.gz /x/",
        "ADD --chown=1:1 /d/../x.tar.gz \\",
        "    *.tgz /y/",
        "ADD d /d",
        "ADD . /all",
        'ADD ["s p.tgz", "/z"]',
      ],
      expected: [
        ...context,
        "FROM scratch AS a",
        "ADD images/a/x.tar.gz /x/",
        "ADD --chown=1:1 images/a/x.tar.gz \\",
        "    images/a/*.tgz /y/",
        "COPY --from=a--context d /d",
        "COPY --from=a--context . /all",
        'ADD ["images/a/s p.tgz","/z"]',
      ],
    },
    {
      name: "ADD of URLs and repositories stays as it is",
      dockerfile: [
        "FROM scratch",
        "ARG URL=https://example.org/x.deb",
        "ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d $URL /x.deb",
        "ADD https://github.com/o/r.git#main:sub git@github.com:o/r.git /r",
      ],
      expected: [
        "FROM scratch AS a",
        "ARG URL=https://example.org/x.deb",
        "ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d $URL /x.deb",
        "ADD https://github.com/o/r.git#main:sub git@github.com:o/r.git /r",
      ],
    },
    {
      name: "ADD of a path from a variable, and with characters that need escaping",
      image: { build_args: { NAME: "my file" }, files: { "d/my file.tgz": "", "$5.tgz": "" } },
      dockerfile: ["FROM scratch", "ARG NAME", "ENV D=d", "ADD ${D}/$NAME.tgz /x/", "ADD \\$5.tgz /y/"],
      expected: [
        "FROM scratch AS a",
        'ARG NAME="my file"',
        "ENV D=d",
        'ADD ["images/a/d/my file.tgz","/x/"]',
        "ADD images/a/\\$5.tgz /y/",
      ],
    },
    {
      name: "an escape character of its own",
      image: { files: { "x y": "" } },
      dockerfile: [
        "# escape=`",
        "FROM debian:13-slim",
        "ENV A=c:\\x B=`$A `",
        '    C="a`"b`c" D=\'`$\'',
        "RUN dir c:\\x `",
        "    more",
        'COPY ["x y", "c:\\\\y"]',
      ],
      expected: [
        ...context,
        `FROM ${debian} AS a`,
        'ENV A=c:\\\\x B=\\$A     C="a\\"b`c" D=\'`$\'',
        "RUN dir c:\\x     more",
        'COPY --from=a--context ["x y","c:\\\\\\\\y"]',
      ],
    },
    {
      name: "ONBUILD acts in later stages of the file",
      image: { files: { f: "" } },
      dockerfile: ["FROM scratch AS base", "ONBUILD COPY f /f", "ONBUILD ENV X=1", "FROM base", "USER me"],
      expected: [
        ...context,
        "FROM scratch AS a--base",
        "",
        "FROM a--base AS a",
        "COPY --from=a--context f /f",
        "ENV X=1",
        "USER me",
      ],
    },
    {
      name: "an empty context",
      image: { files: { ".dockerignore": "*" } },
      dockerfile: ["FROM scratch", "COPY . /"],
      expected: ["FROM scratch AS a--context", "", "FROM scratch AS a", "COPY --from=a--context . /"],
    },
    {
      name: "HEALTHCHECK, SHELL, LABEL, VOLUME and CMD as they are",
      dockerfile: [
        "FROM scratch",
        'HEALTHCHECK --interval=5s CMD [ "true" ]',
        'SHELL ["/bin/bash", "-c"]',
        "LABEL a=b \\",
        "      c=d",
        "VOLUME /x",
        "CMD exec $0",
      ],
      expected: [
        "FROM scratch AS a",
        'HEALTHCHECK --interval=5s CMD [ "true" ]',
        'SHELL ["/bin/bash", "-c"]',
        "LABEL a=b \\",
        "      c=d",
        "VOLUME /x",
        "CMD exec $0",
      ],
    },
  ]

  it.each(cases)("$name", ({ dockerfile, image, expected }) => {
    expect(linkOne(dockerfile, image)).toEqual(expected)
  })

  it("pins what is known of its bases, and takes a written digest as it is", () => {
    const digest = `sha256:${"ab".repeat(32)}`
    const other = `sha256:${"cd".repeat(32)}`
    const bases = new Map([[debian, digest]])
    const dockerfile = [
      "FROM debian:13-slim",
      "COPY --from=debian:13-slim /x /x",
      `COPY --from=tools@${other} /y /y`,
      "COPY --from=ghcr.io/example/tool /z /z",
    ]
    expect(linkOne(dockerfile, {}, { bases })).toEqual([
      `FROM ${debian}@${digest} AS a`,
      `COPY --from=${debian}@${digest} /x /x`,
      `COPY --from=docker.io/library/tools@${other} /y /y`,
      "COPY --from=ghcr.io/example/tool:latest /z /z",
    ])
  })

  it("chooses a base by platform where that is given", () => {
    const dockerfile = ["FROM scratch AS on-arm64", "FROM scratch AS on-amd64", "FROM on-${TARGETARCH}"]
    expect(linkOne(dockerfile, {}, { platform: "linux/arm64" }).at(-1)).toBe("FROM a--on-arm64 AS a")
  })

  it("names stages apart whatever the images are called", () => {
    const linked = link({
      Base: { image_name: "ghcr.io/example/upper", dockerfile: ["FROM scratch AS x", "FROM x"] },
      "2026.4": ["FROM scratch"],
      "a--x": { image_name: "ghcr.io/example/dashes", dockerfile: ["FROM scratch"] },
      a: ["FROM scratch AS x", "FROM x"],
      scratch: ["FROM scratch"],
    })
    const stages = [...linked.dockerfile.matchAll(/ AS (\S+)$/gm)].map(([, name]) => name)
    expect(stages).toEqual([
      "image-base-7b47361aad19--x",
      "image-base-7b47361aad19",
      "image-2026-4-0fda2ce803bd",
      "image-a-x-2ece627a3b4f",
      "a--x",
      "a",
      "image-scratch-5a9cb6b54ea5",
    ])
  })
})

describe("several images", () => {
  const parent = "FROM ghcr.io/example/base:${BASE_TAG}"

  it("build on each other's last stage: parent, child, grandchild, and stages that share a name", () => {
    const linked = link({
      base: ["FROM debian:13-slim AS build", "FROM debian:13-slim", "COPY --from=build /x /x"],
      child: { depend_on: "base", dockerfile: ["ARG BASE_TAG=1", `${parent} AS build`, "FROM build"] },
      leaf: {
        depend_on: "child",
        dockerfile: ["FROM ghcr.io/example/child", "COPY --from=ghcr.io/example/base:x /y /y"],
      },
    })
    expect(blockOf(linked, "base")).toEqual([
      `FROM ${debian} AS base--build`,
      "",
      `FROM ${debian} AS base`,
      "COPY --from=base--build /x /x",
    ])
    expect(blockOf(linked, "child")).toEqual(["FROM base AS child--build", "", "FROM child--build AS child"])
    expect(blockOf(linked, "leaf")).toEqual(["FROM child AS leaf", "COPY --from=base /y /y"])
    expect(linked.images.get("leaf")?.parents).toEqual(["child", "base"])
  })

  it("come after their parents, in whatever order they are asked for", () => {
    const linked = link(
      { base: ["FROM scratch"], child: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base"] } },
      { images: ["child", "base"] },
    )
    expect([...linked.images.keys()]).toEqual(["base", "child"])
    expect(linked.dockerfile.indexOf("AS base\n")).toBeLessThan(linked.dockerfile.indexOf("AS child\n"))
  })

  it("keep the same argument with other values apart", () => {
    const linked = link({
      base: {
        build_args: { VERSION: "1" },
        dockerfile: [
          "ARG VERSION",
          "FROM scratch",
          "ARG VERSION",
          "ARG DEBUG=yes",
          "ENV KEPT=$DEBUG DEBUG=no",
        ],
      },
      child: {
        depend_on: "base",
        build_args: { VERSION: "2" },
        dockerfile: ["ARG VERSION", "FROM ghcr.io/example/base:$VERSION", "ARG VERSION", "RUN echo $VERSION"],
      },
    })
    expect(blockOf(linked, "child")).toEqual([
      "FROM base AS child",
      "# Arguments of base, which its published image would not hand on.",
      "ARG VERSION=",
      "ARG VERSION=2",
      "RUN echo $VERSION",
    ])
  })

  it("leave to the builder what an image keeps of a variable that an argument hides", () => {
    const linked = link({
      base: ["FROM scratch", "ENV LANG=C", "ARG LANG=build-only", "ARG HOME=/root PATH=/bin"],
      child: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base"] },
    })
    expect(blockOf(linked, "child")).toEqual(["FROM base AS child"])
  })

  it("that are not in the run are references", () => {
    const images = {
      base: ["FROM scratch", "ARG X=1"],
      child: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base:${TAG:-main}"] },
    }
    const reference = `ghcr.io/fork/base:1-main@sha256:${"ab".repeat(32)}`
    const pinned = link(images, { images: ["child"], parents: new Map([["base", reference]]) })
    expect(blockOf(pinned, "child")).toEqual([`FROM ${reference} AS child`])
    expect(blockOf(link(images, { images: ["child"] }), "child")).toEqual([
      "FROM ghcr.io/example/base:main AS child",
    ])
  })

  it("are found by the repository that they are published to as well", () => {
    const repositories = new Map([["base", { registry: "localhost:5000", path: "fork/base" }]])
    const images = {
      base: ["FROM scratch"],
      child: { depend_on: "base", dockerfile: ["FROM localhost:5000/fork/base"] },
    }
    expect(blockOf(link(images, { repositories }), "child")).toEqual(["FROM base AS child"])
  })

  it("run their parent's triggers on files of their own", () => {
    const linked = link({
      base: {
        files: { "in-base": "" },
        dockerfile: ["FROM scratch", "ONBUILD ARG WHO=base", "ONBUILD COPY app /app", "USER me"],
      },
      child: {
        depend_on: "base",
        build_args: { WHO: "child" },
        files: { app: "" },
        dockerfile: ["FROM ghcr.io/example/base", "RUN true"],
      },
      leaf: { depend_on: "child", dockerfile: ["FROM ghcr.io/example/child", "RUN false"] },
    })
    expect(blockOf(linked, "base")).toEqual([
      "FROM scratch AS base--body",
      "USER me",
      "",
      "FROM base--body AS base",
      "ONBUILD ARG WHO=base",
      "ONBUILD COPY app /app",
    ])
    expect(blockOf(linked, "child")).toEqual([
      "FROM scratch AS child--context",
      'COPY ["images/child", "/"]',
      "",
      "FROM base--body AS child",
      "ARG WHO=child",
      "COPY --from=child--context app /app",
      "RUN true",
    ])
    expect(blockOf(linked, "leaf")).toEqual([
      "FROM child AS leaf",
      "# Arguments of child, which its published image would not hand on.",
      "ARG WHO=",
      unsetting("WHO"),
      "RUN false",
      'SHELL ["/bin/sh","-c"]',
    ])
  })

  it("share a frontend that is not the stock one", () => {
    const labs = "# syntax=docker/dockerfile:1-labs"
    const linked = link({ a: [labs, "FROM scratch"], b: ["FROM scratch"], c: [labs, "FROM scratch"] })
    expect(linked.dockerfile.split("\n")[0]).toBe(labs)
    expect(linked.images.get("a")?.stages).toContain(labs)
    expect(linked.images.get("b")?.stages).not.toContain(labs)
  })

  it("have one .dockerignore, each its own patterns", () => {
    const linked = link({
      a: {
        files: { ".dockerignore": "# none\n*.log\n!keep.log\n/build\n**.pyc\n" },
        dockerfile: ["FROM scratch"],
      },
      b: {
        files: { ".dockerignore": "unused", "Dockerfile.dockerignore": "x/**" },
        dockerfile: ["FROM scratch"],
      },
      c: ["FROM scratch"],
    })
    expect(linked.dockerignore.trimEnd().split("\n")).toEqual([
      "*",
      "!images/a",
      "images/a/*.log",
      "!images/a/keep.log",
      "images/a/build",
      "images/a/**/*.pyc",
      "!images/b",
      "images/b/x/**",
      "!images/c",
    ])
  })

  it("are found again by the lines of the linked text", () => {
    const linked = link({ a: ["# c", "FROM scratch", "RUN one \\", "  # c", "  two <<E", "body", "E"] })
    const lines = linked.dockerfile.split("\n")
    const places = ["FROM scratch AS a", "RUN one \\", "  two <<E", "body"].map(
      (text) => linked.locate(lines.indexOf(text) + 1)?.line,
    )
    expect(places).toEqual([2, 3, 5, 6])
    expect(linked.locate(1)).toBeUndefined()
  })
})

/** The SHELL that unsets a variable before it does its work. */
function unsetting(name: string): string {
  const script = `command unset -v ${name} 2>/dev/null; exec /bin/sh -c "$0"`
  return `SHELL ${JSON.stringify(["/bin/sh", "-c", script])}`
}
