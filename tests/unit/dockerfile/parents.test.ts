import { describe, expect, it } from "vitest"
import type { BaseConfig } from "../../../dagger/lib/dockerfile/baseConfig.js"
import { blockOf, link, linkOne } from "../../support/dockerfile.js"

const reference = "docker.io/example/base:1"

/** An image of a registry with triggers. */
const external: BaseConfig = {
  env: ["PATH=/bin", 'QUOTE=a "b" $c'],
  user: "jovyan",
  workdir: "/home/jovyan",
  entrypoint: ["tini", "--"],
  command: ["start.sh"],
  ports: ["8888/tcp"],
  volumes: ["/data"],
  stopSignal: "SIGINT",
  labels: new Map([["maintainer", "me"]]),
  shell: ["/bin/bash", "-o", "pipefail", "-c"],
  onbuild: ["ARG NAME", "COPY . /srv", "RUN --mount=type=bind,target=/ctx true"],
  healthcheck: { test: ["CMD-SHELL", "curl localhost"], interval: 5e9, retries: 3 },
}

const bash = 'SHELL ["/bin/bash","-o","pipefail","-c"]'

describe("a parent from the registry", () => {
  const images = {
    base: {
      files: { Dockerfile: "" },
      dockerfile: [
        "FROM scratch AS tools",
        'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
        "FROM tools",
        "HEALTHCHECK --interval=5s \\",
        "  CMD true",
        "ARG VERSION=1",
        "ONBUILD COPY app /app",
      ],
    },
    child: {
      depend_on: "base",
      files: { app: "" },
      dockerfile: ["FROM ghcr.io/example/base", "RUN echo ${VERSION-unset}"],
    },
  }
  const parents = new Map([["base", "ghcr.io/example/base:1-main"]])

  it("is given again what its published image has lost", () => {
    expect(blockOf(link(images, { images: ["child"], parents }), "child").slice(3)).toEqual([
      "FROM ghcr.io/example/base:1-main AS child",
      "# What the published parent has lost: Dagger 0.19 leaves it out.",
      bash,
      "HEALTHCHECK --interval=5s   CMD true",
      "COPY --from=child--context app /app",
      "RUN echo ${VERSION-unset}",
    ])
  })

  it("has the same part in its child's key as one that is built along", () => {
    const alone = link(images, { images: ["child"], parents }).images.get("child")
    const along = link(images).images.get("child")
    expect(alone?.stages).toBe(along?.stages)
    expect(alone?.contextFiles).toEqual(along?.contextFiles)
  })
})

describe("images that files are taken from", () => {
  const images = {
    base: ["FROM scratch"],
    tools: { files: { tool: "" }, dockerfile: ["FROM scratch", "ARG A=1", bash, "COPY tool /tool"] },
    lab: {
      depend_on: "base",
      copies_from: ["tools"],
      dockerfile: [
        "FROM ghcr.io/example/tools:latest AS made",
        "RUN make",
        "FROM ghcr.io/example/base",
        "COPY --from=made /made /made",
        "COPY --from=ghcr.io/example/tools:main --chown=1 /tool /tool",
        "RUN --mount=from=ghcr.io/example/tools,target=/tools install",
      ],
    },
  }

  it("are stages of the same text, before what is made from them", () => {
    const linked = link(images, { images: ["lab", "tools", "base"] })
    expect([...linked.images.keys()]).toEqual(["base", "tools", "lab"])
    expect(linked.images.get("lab")?.parents).toEqual(["tools", "base"])
    expect(blockOf(linked, "lab")).toEqual([
      "FROM tools AS lab--made",
      "# Arguments of tools, which its published image would not hand on.",
      "ARG A=",
      `SHELL ${JSON.stringify(["/bin/bash", "-c", `command unset -v A 2>/dev/null; exec /bin/bash -o pipefail -c "$0"`])}`,
      "RUN make",
      bash,
      "",
      "FROM base AS lab",
      "COPY --from=lab--made /made /made",
      "COPY --from=tools --chown=1 /tool /tool",
      "RUN --mount=from=tools,target=/tools install",
    ])
  })

  it("are taken from the registry by digest where they are not built, with what they have lost there", () => {
    const parents = new Map([
      ["base", "ghcr.io/example/base:1@sha256:b"],
      ["tools", "ghcr.io/example/tools:1@sha256:c"],
    ])
    const linked = link(images, { images: ["lab"], parents })
    expect(blockOf(linked, "lab").filter((line) => /sha256|SHELL/.test(line))).toEqual([
      "FROM ghcr.io/example/tools:1@sha256:c AS lab--made",
      bash,
      "FROM ghcr.io/example/base:1@sha256:b AS lab",
      "COPY --from=ghcr.io/example/tools:1@sha256:c --chown=1 /tool /tool",
      "RUN --mount=from=ghcr.io/example/tools:1@sha256:c,target=/tools install",
    ])
    expect(linked.images.get("lab")?.stages).toBe(link(images).images.get("lab")?.stages)
  })

  it("lead to what they are made from themselves", () => {
    const twig = {
      copies_from: ["lab"],
      dockerfile: ["FROM scratch", "COPY --from=ghcr.io/example/tools /tool /tool"],
    }
    expect(link({ ...images, twig }).images.get("twig")?.parents).toEqual(["tools"])
  })
})

describe("arguments of a parent that is built along", () => {
  const child = (...dockerfile: readonly string[]) =>
    blockOf(
      link({
        base: ["FROM scratch", "ARG A=1 B=2", "ENV B=$B"],
        child: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base", ...dockerfile] },
        leaf: { depend_on: "child", dockerfile: ["FROM ghcr.io/example/child", "RUN leaf"] },
      }),
      "child",
    ).slice(3)
  const unsetting = (shell: string, inner: string) =>
    `SHELL ${JSON.stringify([shell, "-c", `command unset -v A 2>/dev/null; exec ${inner} "$0"`])}`

  it("are unset where a command runs, in any shell, and only there", () => {
    const own = 'SHELL ["/bin/bash","-ec"]'
    expect(child("RUN one", own, "RUN two", "RUN three", "CMD four")).toEqual([
      unsetting("/bin/sh", "/bin/sh -c"),
      "RUN one",
      own,
      unsetting("/bin/bash", "/bin/bash -ec"),
      "RUN two",
      "RUN three",
      own,
      "CMD four",
    ])
  })

  it("are unset in a shell that is started without one; other programs see them empty", () => {
    expect(child('RUN ["sh", "-c", "echo $A"]', 'RUN ["/prog"]')).toEqual([
      `RUN ${JSON.stringify(["sh", "-c", 'command unset -v A 2>/dev/null; exec "$0" "$@"', "sh", "-c", "echo $A"])}`,
      'RUN ["/prog"]',
    ])
  })

  it("count as unset in words that the builder expands", () => {
    expect(child("ENV X=${A-no} Y=\\${A-no} Z='${A-no}' B=${B-no}", "LABEL l=${A+yes}${A:-no}")).toEqual([
      "ENV X=${A:-no} Y=\\${A-no} Z='${A-no}' B=${B-no}",
      "LABEL l=${A:+yes}${A:-no}",
    ])
  })

  it("count as unset in files that stand in the Dockerfile, where their quotes let the builder expand them", () => {
    const lines = ["COPY <<ONE <<'TWO' /to/", "'${A-no}' \\${A-no}", "ONE", "${A-no}", "TWO"]
    expect(child(...lines)).toEqual([lines[0], "'${A:-no}' \\${A-no}", "ONE", "${A-no}", "TWO"])
  })

  it("are the child's own once it declares them, and unset again in its children", () => {
    expect(child("ARG A=3", "RUN echo $A")).toEqual(["ARG A=3", "RUN echo $A"])
    const linked = link({
      base: ["FROM scratch", "ARG A=1"],
      child: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base", "ENV A=2"] },
      leaf: { depend_on: "child", dockerfile: ["FROM ghcr.io/example/child", "RUN leaf"] },
    })
    expect(blockOf(linked, "leaf")).toEqual(["FROM child AS leaf", "RUN leaf"])
  })
})

describe("an external base with triggers", () => {
  it("is copied, and its triggers act on the image's own files, stages and arguments", () => {
    const lines = linkOne(
      [`FROM ${reference}`, "RUN own"],
      { files: { file: "" }, build_args: { NAME: "x" } },
      { baseConfigs: new Map([[reference, external]]) },
    )
    expect(lines.slice(3)).toEqual([
      "FROM scratch AS a--external-0",
      `COPY --from=${reference} / /`,
      "ENV PATH=/bin",
      'ENV QUOTE="a \\"b\\" \\$c"',
      "LABEL maintainer=me",
      "EXPOSE 8888/tcp",
      'VOLUME ["/data"]',
      "STOPSIGNAL SIGINT",
      bash,
      "HEALTHCHECK --interval=5000000000ns --retries=3 CMD curl localhost",
      "WORKDIR /home/jovyan",
      'ENTRYPOINT ["tini","--"]',
      'CMD ["start.sh"]',
      "USER jovyan",
      "FROM a--external-0 AS a",
      "ARG NAME=x",
      "COPY --from=a--context . /srv",
      "RUN --mount=type=bind,target=/ctx,from=a--context true",
      "RUN own",
    ])
  })

  it("has the files that its triggers read in the image's key", () => {
    const baseConfigs = new Map([[reference, external]])
    const linked = link({ a: { files: { file: "" }, dockerfile: [`FROM ${reference}`] } }, { baseConfigs })
    expect(linked.images.get("a")?.contextFiles.map(({ path }) => path)).toContain("images/a/file")
    expect(linked.images.get("a")?.base?.reference).toBe(reference)
  })

  it("is taken as it is where it has none", () => {
    const baseConfigs = new Map([[reference, { ...external, onbuild: [] }]])
    expect(linkOne([`FROM ${reference}`], {}, { baseConfigs })).toEqual([`FROM ${reference} AS a`])
  })
})

describe("the builder's own arguments", () => {
  it("keep the platform's value where they are declared without one before the first FROM", () => {
    const dockerfile = ["ARG TARGETARCH", "FROM debian:12${TARGETARCH:+-$TARGETARCH}"]
    expect(linkOne(dockerfile, {}, { platform: "linux/arm64" })).toEqual([
      "FROM docker.io/library/debian:12-arm64 AS a",
    ])
  })

  it("and an image's own, keep their value where they are named again without one", () => {
    const dockerfile = [
      "ARG VERSION=12",
      "ARG VERSION",
      "FROM debian:$VERSION",
      "ARG VERSION",
      "RUN echo $VERSION",
    ]
    expect(linkOne(dockerfile)).toEqual([
      "FROM docker.io/library/debian:12 AS a",
      "ARG VERSION=12",
      "RUN echo $VERSION",
    ])
  })

  it("call the stage that is built what a build to the end calls it", () => {
    expect(linkOne(["FROM debian:$TARGETSTAGE", "ARG TARGETSTAGE", "RUN echo $TARGETSTAGE"])).toEqual([
      "FROM docker.io/library/debian:default AS a",
      "ARG TARGETSTAGE=default",
      "RUN echo $TARGETSTAGE",
    ])
  })
})

it("a full rebuild's RUN instructions are others to the builder, and the same to the key", () => {
  const images = {
    base: ["FROM scratch", "RUN base"],
    child: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base", "RUN --network=none child"] },
  }
  const again = link(images, { runAgain: new Map([["child", "1"]]) })
  expect(blockOf(again, "base")).toEqual(["FROM scratch AS base", "RUN base"])
  expect(blockOf(again, "child")).toEqual([
    "FROM base AS child",
    "RUN --mount=type=tmpfs,target=/dev/stack-run-1 --network=none child",
  ])
  expect(again.images.get("child")?.stages).toBe(link(images).images.get("child")?.stages)
})
