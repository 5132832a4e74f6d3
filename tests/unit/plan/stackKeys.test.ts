import { describe, expect, test } from "vitest"
import fc from "../../support/fastCheck.js"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { isNamedBy } from "../../../dagger/lib/plan/changes.js"
import { inputKeys } from "../../../dagger/lib/plan/inputKey.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { buildTree } from "../../../dagger/lib/tree/tree.js"
import { sourceOf } from "../../support/source.js"
import type { Files } from "../../support/source.js"
import { stackFiles } from "../../support/source.js"

const digests = new Map([["docker.io/library/debian:13-slim", `sha256:${"1".repeat(64)}`]])

/** A stack with all that makes keys hard: ignored files, files no instruction reads, tests, tests that are copied. */
const original: Files = stackFiles(
  {
    base: {
      build_args: { VERSION: "1" },
      files: {
        Dockerfile: [
          "ARG VERSION=0",
          "FROM debian:13-slim",
          "ARG VERSION",
          "COPY scripts /opt/scripts/",
          "COPY test/data.csv /opt/data.csv",
          'RUN echo "version $VERSION"',
          "",
        ].join("\n"),
        ".dockerignore": "scripts/*.log\n",
        "scripts/install.sh": "install",
        "scripts/build.log": "log",
        "notes.txt": "notes",
        "test/test_base.py": "test",
        "test/data.csv": "data",
      },
    },
    left: { depend_on: "base", files: { "test/test_left.py": "test", "context.txt": "context" } },
    right: {
      depend_on: "base",
      integration_tests: true,
      files: {
        Dockerfile: "ARG BASE_TAG=latest\nFROM ghcr.io/example/base:${BASE_TAG}\nCOPY . /srv/\n",
        ".dockerignore": "test\nintegration_tests\n.dockerignore\nDockerfile\nREADME.md\n",
        "page.html": "page",
        "README.md": "readme",
        "integration_tests/test_server.py": "test",
      },
    },
    tools: {
      files: {
        Dockerfile: "FROM debian:13-slim\nCOPY tool /tool\n",
        tool: "tool",
        "test/test_tool.py": "test",
      },
    },
    lab: {
      depend_on: "right",
      copies_from: ["tools"],
      files: {
        Dockerfile: "FROM ghcr.io/example/right\nCOPY --from=ghcr.io/example/tools /tool /tool\n",
      },
    },
  },
  {
    files: {
      "images/tests_common/test_all.py": "test",
      "images/change_ignore.json": JSON.stringify({ ChangeIgnore: ["base/scripts/doc.txt"], BuildAll: [] }),
      "images/base/scripts/doc.txt": "documentation",
      "README.md": "readme",
    },
  },
)

const everything = ["base", "left", "right", "tools", "lab"]
/** The base and all that is built on it. */
const family = everything.filter((name) => name !== "tools")

function keysOf(
  files: Files,
  { modes = {}, bases = digests, platform = "linux/amd64" } = {},
): ReadonlyMap<string, string> {
  const tree = sourceOf(files, { modes })
  const spec = loadSpec(tree)
  const images = buildTree(spec).nodes.map(({ name }) => name)
  const { images: linked } = linkStack({ spec, tree, images, bases, platform })
  const isIgnored = (path: string) => isNamedBy(spec.changeRules.ignore, spec.imagesDirectory, path)
  return new Map(
    [...inputKeys(linked, { platform, isIgnored })].map(([name, { inputKey }]) => [name, inputKey]),
  )
}

const before = keysOf(original)

/** Images whose key differs from the original's. */
function changed(after: ReadonlyMap<string, string>): readonly string[] {
  return everything.filter((name) => before.get(name) !== after.get(name))
}

function edited(path: string, change: (text: string) => string): Files {
  const text = original[path]
  return { ...original, [path]: change(typeof text === "string" ? text : "") }
}

/** What a path's content decides. Any new content that stays a valid Dockerfile, list or text will do. */
const paths: readonly (readonly [path: string, images: readonly string[]])[] = [
  ["images/base/scripts/install.sh", family],
  ["images/base/scripts/new-file.sh", family],
  ["images/base/test/data.csv", family],
  ["images/right/page.html", ["right", "lab"]],
  ["images/right/new.html", ["right", "lab"]],
  ["images/tools/tool", ["tools", "lab"]],
  ["images/tools/test/test_tool.py", []],
  ["images/base/scripts/build.log", []],
  ["images/base/scripts/other.log", []],
  ["images/base/scripts/doc.txt", []],
  ["images/base/notes.txt", []],
  ["images/base/test/test_base.py", []],
  ["images/left/test/test_left.py", []],
  ["images/left/context.txt", []],
  ["images/right/README.md", []],
  ["images/right/test/test_right.py", []],
  ["images/right/integration_tests/test_server.py", []],
  ["images/tests_common/test_all.py", []],
  ["images/elsewhere/file", []],
  ["README.md", []],
]

describe("random edits of a stack", () => {
  const edits = fc.array(fc.tuple(fc.constantFrom(...paths), fc.string({ minLength: 1, maxLength: 6 })), {
    minLength: 1,
    maxLength: 5,
  })

  test("change the keys of the images that they can change, and no other", () => {
    fc.assert(
      fc.property(edits, (all) => {
        let files = original
        const expected = new Set<string>()
        for (const [[path, images], content] of all) {
          files = { ...files, [path]: `edited ${content}` }
          for (const image of images) expected.add(image)
        }
        expect(new Set(changed(keysOf(files)))).toEqual(expected)
      }),
    )
  })

  test("made executable or deleted, files count where their content does", () => {
    fc.assert(
      fc.property(fc.constantFrom(...paths.filter(([path]) => path in original)), ([path, images]) => {
        expect(changed(keysOf(original, { modes: { [path]: 0o755 } }))).toEqual(images)
        const rest = Object.fromEntries(Object.entries(original).filter(([each]) => each !== path))
        // What a COPY names has to be there.
        if (!["images/base/test/data.csv", "images/tools/tool"].includes(path))
          expect(changed(keysOf(rest))).toEqual(images)
      }),
    )
  })
})

/** A stack whose image has bytes that are not UTF-8 wherever a Dockerfile may have them, as `readSource` gives them. */
function bytes(image: string, byte: string): Files {
  const lines = ["RUN echo", "LABEL a=", "COPY <<E /x\n"].map((line) => `${line}${byte}`)
  return edited(`images/${image}/Dockerfile`, (text) => `${text}${lines.join("\n")}\nE\n`)
}

describe("edits of what says how to build", () => {
  const dockerfile = "images/base/Dockerfile"
  test.each<readonly [string, Files, readonly string[]]>([
    ["an instruction", edited(dockerfile, (text) => `${text}RUN true\n`), family],
    [
      "an instruction of an image that is copied from",
      edited("images/tools/Dockerfile", (text) => `${text}USER 1\n`),
      ["tools", "lab"],
    ],
    [
      "an argument's default that the spec overrides",
      edited(dockerfile, (text) => text.replace("VERSION=0", "VERSION=3")),
      [],
    ],
    [
      "an argument's value",
      edited("spec.yml", (text) => text.replace('"VERSION": "1"', '"VERSION": "2"')),
      family,
    ],
    ["a leaf's instruction", edited("images/left/Dockerfile", (text) => `${text}USER 1\n`), ["left"]],
    ["a byte that is no letter, in a leaf", bytes("left", "\udcfe"), ["left"]],
    ["a comment", edited(dockerfile, (text) => `# a comment\n${text}`), []],
    [
      "a pattern that brings a file back",
      edited("images/base/.dockerignore", (text) => `${text}!scripts/build.log\n`),
      family,
    ],
    ["a pattern that matches nothing", edited("images/base/.dockerignore", (text) => `${text}*.pyc\n`), []],
    ["the tag's prefix", edited("spec.yml", (text) => text.replace("2026.4", "2027.1")), []],
    ["an info command", edited("spec.yml", (text) => text.replace("cat /etc/os-release", "uname")), []],
    ["the layout of the spec", edited("spec.yml", (text) => JSON.stringify(JSON.parse(text))), []],
  ])("%s", (_, files, images) => {
    expect(changed(keysOf(files))).toEqual(images)
  })

  test("bytes that are not UTF-8 are told apart, one from another", () => {
    const keys = ["\udcfe", "\udcff", "\ufffd"].map((byte) => keysOf(bytes("left", byte)).get("left"))
    expect(new Set(keys).size).toBe(3)
  })

  test("a base that moved, another platform", () => {
    const moved = new Map([["docker.io/library/debian:13-slim", `sha256:${"2".repeat(64)}`]])
    expect(changed(keysOf(original, { bases: moved }))).toEqual(everything)
    expect(changed(keysOf(original, { bases: new Map() }))).toEqual(everything)
    expect(changed(keysOf(original, { platform: "linux/arm64" }))).toEqual(everything)
  })
})
