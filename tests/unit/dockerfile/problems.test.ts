import { describe, expect, it } from "vitest"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import type { StackImage } from "../../support/source.js"
import { stackOf } from "../../support/source.js"
import { link, linkProblems } from "../../support/dockerfile.js"
import type { DockerfileImage } from "../../support/dockerfile.js"

interface Case {
  readonly name: string
  readonly dockerfile: readonly string[]
  readonly image?: StackImage
  /** After `images/a/Dockerfile:`. */
  readonly problems: readonly string[]
}

describe("a Dockerfile that cannot be linked", () => {
  const cases: readonly Case[] = [
    {
      name: "an empty file",
      dockerfile: [],
      problems: ["1:1: the Dockerfile is empty (an image starts with FROM)"],
    },
    {
      name: "no FROM",
      dockerfile: ["# c", "ARG A", "RUN x"],
      problems: [
        "3:1: RUN stands before the first FROM; only ARG may",
        "1:1: the Dockerfile has no FROM (an image starts with FROM)",
      ],
    },
    {
      name: "an unknown instruction",
      dockerfile: ["FROM scratch", "  Copi a b"],
      problems: ['2:3: unknown instruction "Copi" (did you mean "COPY"?)'],
    },
    {
      name: "FROM without an image, with too much, with an odd stage name, with an unknown flag",
      dockerfile: ["FROM", "FROM a b", "FROM scratch AS 1x", "FROM --platfrom=x scratch"],
      problems: [
        "4:6: unknown flag --platfrom (FROM takes --platform)",
        "1:5: FROM takes an image, or an image, AS and a stage's name",
        "2:6: FROM takes an image, or an image, AS and a stage's name",
        '3:17: "1x" cannot name a stage (a stage\'s name is a letter, then letters, digits, ".", "_" and "-")',
      ],
    },
    {
      name: "FROM of nothing",
      dockerfile: ["ARG TAG", "FROM ${IMAGE}${TAG}"],
      problems: ['2:6: "${IMAGE}${TAG}" is empty: its variables have no value before the first FROM'],
    },
    {
      name: "FROM that is no image",
      dockerfile: ["ARG TAG", "FROM debian:${TAG}"],
      problems: [
        '2:6: FROM is not an image: "debian:": a tag has at most 128 letters, digits, ".", "_" or "-" and starts with neither "." nor "-"',
      ],
    },
    {
      name: "FROM with a required argument",
      dockerfile: ["FROM ${BASE:?must-be-set}", "FROM ${BASE:?must be set}"],
      problems: ["2:6: FROM takes an image, or an image, AS and a stage's name", "1:6: BASE: must-be-set"],
    },
    {
      name: "FROM by a platform that is not given",
      dockerfile: ["FROM debian-${TARGETARCH}"],
      problems: ["1:6: the value of TARGETARCH is not known before the build"],
    },
    {
      name: "COPY from later stages, by name and by number",
      dockerfile: [
        "FROM scratch",
        "COPY --from=last / /",
        "COPY \\",
        "  --from=1 / /",
        "FROM scratch AS last",
      ],
      problems: [
        '2:6: COPY --from names the stage "last" of line 5, which must stand before this one',
        "4:3: COPY --from 1 is not a stage before this one (there is no stage before this one)",
      ],
    },
    {
      name: "COPY from a variable",
      dockerfile: ["FROM scratch", "COPY --from=$X / /"],
      problems: ['2:6: COPY --from takes no variables: "$X" (name a stage whose FROM uses the variable)'],
    },
    {
      name: "COPY of what does not exist, is ignored, or lies outside",
      image: {
        files: { ".dockerignore": "*.log\ndata", "x.log": "", "data/x": "", "src/x": "", "../b/x": "" },
      },
      dockerfile: [
        "FROM scratch",
        "COPY src sr? none /",
        "COPY x.log /",
        "ADD data/x /",
        "COPY ../b /",
        "COPY no* /",
      ],
      problems: [
        '2:14: "none" does not exist in images/a, the build context of a',
        '3:6: "x.log" is left out of the build context of a by its .dockerignore',
        '4:5: "data/x" is left out of the build context of a by its .dockerignore',
        '5:6: "b" does not exist in images/a, the build context of a',
      ],
    },
    {
      name: "a mount of what does not exist, from a later stage, of a type that only the base knows",
      dockerfile: [
        "FROM debian",
        "RUN --mount=source=none,target=/x --mount=from=last,target=/y --mount=type=$KIND,target=/z true",
        "FROM scratch AS last",
        "COPY --from=0 / /",
      ],
      problems: [
        '2:35: RUN --mount from names the stage "last" of line 3, which must stand before this one',
        '2:5: "none" does not exist in images/a, the build context of a',
        "2:63: the type of this mount is not known before the build",
      ],
    },
    {
      name: "symlinks that lead nowhere in the context",
      image: {
        files: {
          scripts: { symlink: "../../scripts" },
          lost: { symlink: "data/none" },
          fine: { symlink: "/data/x" },
          outside: { symlink: "../../data" },
          "data/x": "",
        },
      },
      dockerfile: [
        "FROM debian",
        "COPY scripts fine outside/x /",
        "COPY lost/deeper /",
        "RUN --mount=source=scripts,target=/x true",
      ],
      problems: [
        '2:6: "scripts" is a symlink that leads back to itself in images/a, which is all that a build of a sees',
        '3:6: "lost/deeper" leads through a symlink to "data/none/deeper", which does not exist in images/a, which is all that a build of a sees',
        '4:5: "scripts" is a symlink that leads back to itself in images/a, which is all that a build of a sees',
      ],
    },
    {
      name: "ADD by a variable of the base image, or through a symlink",
      image: { files: { link: { symlink: "x" }, x: "" } },
      dockerfile: ["FROM debian", "ADD $FILE /", "ADD link /"],
      problems: [
        "2:5: ADD of $FILE cannot be linked: $FILE is set by its base image (declare the variable with ARG or ENV in this Dockerfile, or use COPY)",
        '3:5: ADD of "link" goes through a symlink, whose target cannot be told before the build (name the file itself, or use COPY)',
      ],
    },
    {
      name: "COPY without a destination, ARG without a name",
      dockerfile: ["FROM scratch", "COPY x", 'ADD ["x"]', "ARG"],
      problems: [
        "2:1: COPY takes at least a source and a destination",
        "3:1: ADD takes at least a source and a destination",
        "4:1: ARG takes at least one name",
      ],
    },
    {
      name: "triggers that cannot be",
      dockerfile: ["FROM scratch", "ONBUILD FROM x", "ONBUILD ONBUILD RUN x", "ONBUILD", "ONBUILD Rnu x"],
      problems: [
        "2:9: FROM cannot be triggered by ONBUILD",
        "3:9: ONBUILD cannot be triggered by ONBUILD",
        "4:1: ONBUILD takes an instruction",
        '5:9: unknown instruction "Rnu" (did you mean "RUN"?)',
      ],
    },
    {
      name: "a build argument with a line break",
      image: { build_args: { KEY: "a\nb" } },
      dockerfile: ["FROM scratch", "ARG X KEY"],
      problems: ["2:7: the value of the build argument KEY has a line break, which no ARG can hold"],
    },
    {
      name: "values with open quotes",
      dockerfile: ["ARG A='x", "FROM scratch", 'ENV B="x'],
      problems: ["1:5: a single quote is not closed", "3:5: a double quote is not closed"],
    },
    {
      name: "an open heredoc",
      dockerfile: ["FROM scratch", "COPY <<EOF /x", "text"],
      problems: ['2:1: the heredoc "EOF" is not closed: no line is just EOF'],
    },
    {
      name: "a backslash at the end under another escape character",
      dockerfile: ["# escape=`", "FROM scratch", "RUN dir c:\\"],
      problems: [
        "3:1: this RUN ends with a backslash, which continues a line in the linked Dockerfile (write it without the backslash at its end)",
      ],
    },
    {
      name: "its own image",
      dockerfile: ["FROM ghcr.io/example/a:main"],
      problems: [
        "1:6: FROM names ghcr.io/example/a:main, which this file builds: every build would change its own input (give the digest of one build (name@sha256:...), or another base)",
      ],
    },
  ]

  it.each(cases)("$name", ({ dockerfile, image, problems }) => {
    expect(linkProblems({ a: { ...image, dockerfile } })).toEqual(
      problems.map((problem) => `images/a/Dockerfile:${problem}`),
    )
  })

  it("names the ignore file's own mistakes", () => {
    const files = { ".dockerignore": "a\nb[" }
    expect(linkProblems({ a: { files, dockerfile: ["FROM scratch"] } })).toEqual([
      'images/a/.dockerignore:2:1: the pattern "b[" is not valid: a "[" is not closed, or a "\\" ends it',
    ])
  })

  it("says where a Dockerfile is missing", () => {
    const tree = stackOf({ a: {} })
    const spec = loadSpec(tree)
    const files = new Map([...tree.files].filter(([path]) => path !== "images/a/Dockerfile"))
    const bare = { files, text: (path: string) => (files.has(path) ? tree.text(path) : undefined) }
    expect(() => linkStack({ spec, tree: bare, images: ["a"] })).toThrow(
      "a has no Dockerfile: images/a/Dockerfile does not exist",
    )
  })
})

describe("images that contradict the tree", () => {
  const base = ["FROM scratch"]
  const cases: readonly [string, Readonly<Record<string, DockerfileImage>>, readonly string[]][] = [
    [
      "FROM an image without depend_on",
      { base, child: ["FROM ghcr.io/example/base"] },
      [
        'FROM uses the image base of this stack, which child at spec.yml:6:5 does not name (add "depend_on: base" to child; where it only takes files from it, add "copies_from: [base]" to child)',
      ],
    ],
    [
      "FROM another image than depend_on says",
      { base, other: base, child: { depend_on: "other", dockerfile: ["FROM ghcr.io/example/base"] } },
      [
        'FROM uses the image base of this stack, which child at spec.yml:9:5 does not name (make its "depend_on" base; where it only takes files from it, add "copies_from: [base]" to child)',
      ],
    ],
    [
      "FROM a grandparent in place of the parent",
      {
        base,
        middle: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base"] },
        child: { depend_on: "middle", dockerfile: ["FROM ghcr.io/example/base"] },
      },
      [
        'this uses the image base, but child at spec.yml:10:5 says "depend_on: middle", which it does not use (make both name the same image)',
      ],
    ],
    [
      "files of a sibling",
      {
        base,
        left: { depend_on: "base", dockerfile: ["FROM ghcr.io/example/base"] },
        child: {
          depend_on: "base",
          dockerfile: ["FROM ghcr.io/example/base", "COPY --from=ghcr.io/example/left / /"],
        },
      },
      [
        'COPY --from uses the image left of this stack, which child at spec.yml:10:5 does not name (add "copies_from: [left]" to child)',
      ],
    ],
    [
      "files of one more than copies_from names, by a mount",
      {
        base,
        left: base,
        child: {
          copies_from: ["base"],
          dockerfile: [
            "FROM scratch",
            "COPY --from=ghcr.io/example/base / /",
            "RUN --mount=from=ghcr.io/example/left,target=/left true",
          ],
        },
      },
      [
        'RUN --mount from uses the image left of this stack, which child at spec.yml:9:5 does not name (add left to the "copies_from" of child)',
      ],
    ],
    [
      "files of an image that takes files from this one",
      {
        child: ["FROM scratch", "COPY --from=ghcr.io/example/left / /"],
        base: { depend_on: "child", dockerfile: ["FROM ghcr.io/example/child"] },
        left: {
          copies_from: ["base"],
          dockerfile: ["FROM scratch", "COPY --from=ghcr.io/example/base / /"],
        },
      },
      [
        "COPY --from uses the image left of this stack, which is itself made from child (what both need can be in an image that both are made from)",
      ],
    ],
    [
      "FROM an image that copies_from names, in the stage that is the image",
      {
        base,
        child: {
          copies_from: ["base"],
          dockerfile: ["FROM ghcr.io/example/base AS below", "FROM below"],
        },
      },
      [
        'this makes child an image that is built on base, from which it only copies by its spec at spec.yml:6:5 ("depend_on: base": what an image is built on has tests that run in it, too)',
      ],
    ],
    [
      "a parent that is not used, and files of an image that is named",
      {
        base,
        left: base,
        child: {
          depend_on: "base",
          copies_from: ["left"],
          dockerfile: ["FROM scratch", "COPY --from=ghcr.io/example/left / /"],
        },
      },
      [],
    ],
  ]

  it.each(cases)("%s", (_, images, problems) => {
    const found = linkProblems(images).map((problem) =>
      problem.replace(/^images\/child\/Dockerfile:\d+:\d+: /, ""),
    )
    expect(found).toEqual(problems)
  })

  it.each(["syntax=x/y:1", "check=error=true"])("two directives # %s", (first) => {
    const second = first.startsWith("check") ? "check=skip=all;error=true" : "syntax=z"
    const images = {
      a: [`# ${first}`, "FROM scratch"],
      b: [`# ${first}`, "FROM scratch"],
      c: [`#${second}`, "FROM scratch"],
    }
    expect(linkProblems(images)).toEqual([
      `images/c/Dockerfile:1:1: # ${second} contradicts # ${first} of images/a/Dockerfile:1 (images that are built together share one # ${first.split("=")[0] ?? ""}=)`,
    ])
  })

  it.each(["syntax=x/y:1", "check=error=true"])("# %s for some only", (directive) => {
    expect(linkProblems({ a: [`# ${directive}`, "FROM scratch"], b: ["# c", "FROM scratch"] })).toEqual([
      `images/a/Dockerfile:1:1: # ${directive} would hold for images/b/Dockerfile, too, which is built together with this one (write it there as well, or leave it out here)`,
    ])
  })

  it("all of them are told at once", () => {
    const images = { a: ["FROM"], b: ["RUN x"], c: ["FROM scratch", "COPY none /"] }
    expect(linkProblems(images).map((problem) => problem.split(": ")[0])).toEqual([
      "images/a/Dockerfile:1:5",
      "images/b/Dockerfile:1:1",
      "images/b/Dockerfile:1:1",
      "images/c/Dockerfile:2:6",
    ])
  })
})

describe("notices", () => {
  function notices(images: Readonly<Record<string, DockerfileImage>>, image: string): readonly string[] {
    return (link(images).images.get(image)?.notices ?? []).map(
      ({ message, hint }) => `${message} (${hint ?? ""})`,
    )
  }

  it("of a build argument that nothing declares", () => {
    const build_args = { VERSON: "1", HTTP_PROXY: "http://proxy", TARGETARCH: "arm" }
    expect(notices({ a: { build_args, dockerfile: ["FROM scratch", "ARG VERSION"] } }, "a")).toEqual([
      'the build argument VERSON of a is declared nowhere in its Dockerfile: it has no effect (did you mean "VERSION"?)',
    ])
  })

  it.each([
    [["FROM debian"], "base is built first and changes nothing; FROM would name ghcr.io/example/base"],
    [
      [`FROM ghcr.io/example/base@sha256:${"ab".repeat(32)}`],
      "its FROM pins a digest: without it, the image of the same run is used",
    ],
  ])("of a parent that is not used: %s", (dockerfile, hint) => {
    expect(notices({ base: ["FROM scratch"], child: { depend_on: "base", dockerfile } }, "child")).toEqual([
      `child depends on base, but no FROM, COPY --from or mount of its Dockerfile uses it (${hint})`,
    ])
  })

  it("of images to copy from and a parent that are not used", () => {
    const images = {
      base: ["FROM scratch"],
      left: ["FROM scratch"],
      right: ["FROM scratch"],
      child: {
        depend_on: "base",
        copies_from: ["left", "right"],
        dockerfile: ["FROM scratch", "COPY --from=ghcr.io/example/left / /"],
      },
    }
    expect(notices(images, "child")).toEqual([
      "child depends on base, but no FROM, COPY --from or mount of its Dockerfile uses it (base is built first and changes nothing; FROM would name ghcr.io/example/base)",
      "child copies from right, but no FROM, COPY --from or mount of its Dockerfile uses it (right is built first and changes nothing; COPY --from would name ghcr.io/example/right)",
    ])
  })

  it("of what Dagger does not publish, in stages that make up the image", () => {
    const dockerfile = [
      "FROM scratch AS other",
      "HEALTHCHECK NONE",
      "FROM scratch AS below",
      'SHELL ["/bin/sh"]',
      "ONBUILD ENV A=1",
      "FROM below",
      "HEALTHCHECK CMD x",
      "ONBUILD ENV A=1",
    ]
    expect(notices({ a: dockerfile }, "a")).toEqual([
      "Dagger 0.19 leaves HEALTHCHECK, ONBUILD and SHELL out of the configuration of the image that it publishes (they act in builds on this image within the stack; Dagger 0.20 and docker keep them)",
    ])
  })
})
