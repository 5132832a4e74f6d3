import { describe, expect, test } from "vitest"
import { InputError } from "../../../dagger/lib/problems.js"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { sourceOf } from "../../support/source.js"
import type { Files } from "../../support/source.js"

const dockerfiles: Files = {
  "images/a/Dockerfile": "FROM debian",
  "images/b/Dockerfile": "FROM debian",
  "images/c/Dockerfile": "FROM debian",
}
const a = "  a: {image_name: ghcr.io/x/a"
const b = "  b: {image_name: ghcr.io/x/b"
const c = "  c: {image_name: ghcr.io/x/c"
const tag = "tag: {prefix: 2026.4}"

/** The message of the InputError, a line for each problem; "accepted" where there is none. */
function mistakes(files: Files): readonly string[] {
  try {
    loadSpec(sourceOf(files))
    return ["accepted"]
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return (error as InputError).message.split("\n")
  }
}

type Case = readonly [title: string, spec: readonly string[], expected: readonly string[]]

/** Each spec is given as lines; every problem names its place. */
function table(cases: readonly Case[]): void {
  test.each(cases)("%s", (_, spec, expected) => {
    expect(mistakes({ "spec.yml": spec.join("\n"), ...dockerfiles })).toEqual(expected)
  })
}

describe("where the spec is", () => {
  test.each<readonly [string, Files, string]>([
    [
      "none",
      { "README.md": "" },
      'spec.yml:1:1: there is no spec: neither "spec.yml" nor "images/spec.yml" exists (is this the root of the stack\'s source?)',
    ],
    [
      "another ending",
      { "images/spec.yaml": "" },
      'spec.yml:1:1: there is no spec: neither "spec.yml" nor "images/spec.yml" exists (is "images/spec.yaml" meant?)',
    ],
    [
      "two",
      { "spec.yml": "", "images/spec.yml": "" },
      'images/spec.yml:1:1: there are two specs, "spec.yml" and "images/spec.yml" (remove "images/spec.yml")',
    ],
    [
      "a symlink",
      { "spec.yml": { symlink: "other.yml" } },
      'spec.yml:1:1: "spec.yml" is a symlink or larger than 1 MiB (a file is needed)',
    ],
    [
      "too large",
      { "spec.yml": "#".repeat(1024 * 1024 + 1) },
      'spec.yml:1:1: "spec.yml" is a symlink or larger than 1 MiB (a file is needed)',
    ],
  ])("%s", (_, files, expected) => {
    expect(mistakes(files)).toEqual([expected])
  })
})

describe("YAML", () => {
  table([
    ["an empty file", [""], ["spec.yml:1:1: the file must be a mapping of keys to values, not empty"]],
    [
      "a text",
      ["hello"],
      ['spec.yml:1:1: the file must be a mapping of keys to values, not the text "hello"'],
    ],
    ["a list", ["- a"], ["spec.yml:1:1: the file must be a mapping of keys to values, not a list"]],
    [
      "a syntax error",
      ["images:", "  a: b: c", tag],
      ["spec.yml:2:6: not valid YAML: Nested mappings are not allowed in compact mappings"],
    ],
    [
      "a quote that is not closed",
      ["images:", `${a}}`, 'tag: {prefix: "2026.4}'],
      ['spec.yml:3:23: not valid YAML: Missing closing "quote'],
    ],
    [
      "an alias without anchor",
      ["images:", `${a}}`, tag, "hub: *nothing"],
      ['spec.yml:4:6: not valid YAML: no anchor "&nothing" stands before this'],
    ],
    ["an unknown tag", ["images: !x {}"], ["spec.yml:1:9: not valid YAML: Unresolved tag: !x"]],
    [
      "two documents",
      ["images: {}", "---", "tag: {}"],
      ["spec.yml:2:1: not valid YAML: a second document begins"],
    ],
    ["tabs", ["images:", "\ta: {}"], ["spec.yml:2:1: not valid YAML: Tabs are not allowed as indentation"]],
    [
      "an alias of itself",
      ["images: &all {a: *all}", tag],
      ["spec.yml:1:14: nested too deeply, or aliases that expand to too many values"],
    ],
    [
      "a merge key whose star was forgotten",
      [
        "images:",
        "  a: &common {image_name: ghcr.io/x/a}",
        "  b: {<<: common, image_name: ghcr.io/x/b}",
        tag,
      ],
      ['spec.yml:3:11: "<<" takes a mapping, or a list of mappings (is the alias "*common" meant?)'],
    ],
    [
      "merge keys with a number, nothing, and a text among mappings",
      ["images:", `${a}, <<: 7}`, `${b}, <<: }`, `${c}, <<: [{}, x]}`, tag],
      [
        'spec.yml:2:36: "<<" takes a mapping, or a list of mappings',
        'spec.yml:3:36: "<<" takes a mapping, or a list of mappings',
        'spec.yml:4:41: "<<" takes a mapping, or a list of mappings',
      ],
    ],
    [
      "an alias of no mapping, told once wherever it is expanded",
      ["x-n: &n 7", "x-c: &c {<<: *n}", "images:", `${a}, <<: *c}`, `${b}, <<: *c}`, tag],
      ['spec.yml:2:14: "<<" takes a mapping, or a list of mappings'],
    ],
    [
      "a key twice in what is merged, told once",
      ["x-c: &c {prune: true, prune: true}", "images:", `${a}, <<: *c}`, `${b}, <<: *c}`, tag],
      ['spec.yml:1:23: "prune" is defined a second time (first in line 1)'],
    ],
    [
      "x- is for the top of the file only, and needs a name",
      ["x-: 1", "x_y: 1", "images:", `${a}, x-y: 1}`, tag],
      [
        expect.stringContaining('spec.yml:1:1: unknown key "x-"') as string,
        expect.stringContaining('spec.yml:2:1: unknown key "x_y"') as string,
        expect.stringContaining('spec.yml:4:32: unknown key "x-y"') as string,
      ],
    ],
    [
      "a key that is a list",
      ["images:", `${a}}`, tag, "[x]: 1"],
      ["spec.yml:4:1: a key must be a text, not a list or a mapping"],
    ],
    [
      "the key of prototypes",
      ["images:", `${a}, __proto__: {}}`, tag, "__proto__: 1"],
      ['spec.yml:2:32: unknown key "__proto__"', 'spec.yml:4:1: unknown key "__proto__"'],
    ],
  ])

  test("brackets without end are told once, where the stack of the parser ends", () => {
    const [only = "", ...more] = mistakes({ "spec.yml": `images: ${"[".repeat(30_000)}` })
    expect(only).toMatch(/^spec\.yml:1:\d+: nested too deeply, or aliases that expand to too many values$/)
    expect(more).toEqual([])
  })

  test("aliases that expand to billions are refused in time", () => {
    const levels = Array.from({ length: 30 }, (_, level) =>
      level === 0 ? "a0: &a0 [x]" : `a${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]`,
    )
    const started = performance.now()
    expect(mistakes({ "spec.yml": levels.join("\n") }).join()).toContain(
      "aliases that expand to too many values",
    )
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})

describe("keys", () => {
  table([
    [
      "unknown, with and without a suggestion",
      ["images:", `${a}, depends_on: b}`, `${b}, volumes: []}`, tag, "Images: {}"],
      [
        'spec.yml:2:32: unknown key "depends_on" (did you mean "depend_on"?)',
        'spec.yml:3:32: unknown key "volumes" (keys: image_name, tag_prefix, further_tags, publish, directory, dockerfile, context, target, build_args, build_args_file, labels, depend_on and 9 more)',
        'spec.yml:5:1: unknown key "Images" (did you mean "images"?)',
      ],
    ],
    [
      "missing",
      ["images:", "  a: {prune: true}", "tag: {}"],
      [
        'spec.yml:2:3: "image_name" is missing (must be the name of a repository in a registry)',
        'spec.yml:3:1: "prefix" is missing (must be <year>.<quarter>, or a version)',
      ],
    ],
    [
      "missing at the top",
      ["root: a"],
      [
        'spec.yml:1:1: "images" is missing (must be a mapping of names to images)',
        'spec.yml:1:1: "tag" is missing (must be a mapping of keys to values)',
        'spec.yml:1:7: "root" names "a", which is no image here (there are no images)',
      ],
    ],
    [
      "given twice",
      ["images:", `${a}}`, `${b}, prune: true, prune: false}`, `${a}}`, tag],
      [
        'spec.yml:3:45: "prune" is defined a second time (first in line 3)',
        'spec.yml:4:3: "a" is defined a second time (first in line 2)',
      ],
    ],
  ])
})

describe("types", () => {
  table([
    [
      "of an image",
      [
        "images:",
        "  a:",
        "    image_name: [ghcr.io/x/a]",
        "    build_args: {X: {}, 1Y: z, Z: }",
        "    depend_on: []",
        "    integration_tests: yes",
        "    info_cmds: PY_VER",
        "    prune: 1",
        "    size_budget: 12 apples",
        tag,
      ],
      [
        'spec.yml:3:17: "image_name" must be the name of a repository in a registry, not a list',
        'spec.yml:4:21: "X" must be a text or a number, not an empty mapping',
        'spec.yml:4:25: "1Y" must be a name of letters, digits and "_" that does not start with a digit',
        'spec.yml:4:35: "Z" must be a text or a number, not empty',
        'spec.yml:5:16: "depend_on" must be the name of an image, not an empty list',
        'spec.yml:6:24: "integration_tests" must be true or false, not the text "yes"',
        'spec.yml:7:16: "info_cmds" must be a list of keys of all_info_cmds, not the text "PY_VER"',
        'spec.yml:8:12: "prune" must be true or false, not 1',
        'spec.yml:9:18: "size_budget" must be a size such as "12 GB" or a number of bytes, not the text "12 apples"',
      ],
    ],
    ...["7", "7 days", "36 h", "0 d"].map((age): Case => [
      `an age of ${age}`,
      [`max_age: ${age}`, "images:", "  a:", "    image_name: ghcr.io/x/a", `    max_age: ${age}`, tag],
      [1, 5].map(
        (line) =>
          expect.stringMatching(
            new RegExp(`^spec\\.yml:${line}:\\d+: "max_age" must be a number of days such as "7 d", not `),
          ) as string,
      ),
    ]),
    ...["0", "65536", "80.5", '"8080"', "tcp"].map((port): Case => [
      `a port of ${port}`,
      ["images:", "  a:", "    image_name: ghcr.io/x/a", `    server_port: ${port}`, tag],
      [
        expect.stringMatching(
          /^spec\.yml:4:18: "server_port" must be a port, from 1 to 65535, not /,
        ) as string,
      ],
    ]),
    [
      "of images",
      ["images: [a]", tag],
      ['spec.yml:1:9: "images" must be a mapping of names to images, not a list'],
    ],
    [
      "no images",
      ["images: {}", tag],
      ['spec.yml:1:9: "images" must be a mapping of at least one image, not an empty mapping'],
    ],
    [
      "an image without body",
      ["images:", "  a:", tag],
      ['spec.yml:2:5: "a" must be a mapping of keys to values, not empty'],
    ],
    [
      "of items",
      ["images:", `${a}, info_cmds: [X, {}, 3]}`, tag, "all_info_cmds: {X: {description: x, command: x}}"],
      [
        'spec.yml:2:47: item 2 of "info_cmds" must be a name, not an empty mapping',
        'spec.yml:2:51: "info_cmds" names "3", which "all_info_cmds" does not define (keys of all_info_cmds: X)',
      ],
    ],
    [
      "of the other keys",
      [
        "images:",
        `${a}}`,
        tag,
        "root: {}",
        "all_info_cmds: {X: ls, Y: {command: 1}}",
        "tests: {timeout: 5 parsecs, image_timeout: -1, memory: }",
        "hub: {version: [5]}",
        "wiki: 7",
      ],
      [
        'spec.yml:4:7: "root" must be the name of an image, or a list of names, not an empty mapping',
        'spec.yml:5:20: "X" must be a mapping of keys to values, not the text "ls"',
        'spec.yml:5:24: "description" is missing (must be a text)',
        'spec.yml:5:37: "command" must be a text, not 1',
        'spec.yml:6:18: "timeout" must be a time such as "90 s", "20 min" or "2 h", or a number of seconds, not the text "5 parsecs"',
        'spec.yml:6:44: "image_timeout" must be a time such as "90 s", "20 min" or "2 h", or a number of seconds, not -1',
        'spec.yml:6:56: "memory" must be a size such as "12 GB" or a number of bytes, not empty',
        'spec.yml:7:16: "version" must be a version such as 5.4, not a list',
        'spec.yml:8:7: "wiki" must be the URL of a git repository, not 7',
      ],
    ],
    [
      "a long text is cut",
      ["images:", `${a}, prune: ${"y".repeat(80)}}`, tag],
      [`spec.yml:2:39: "prune" must be true or false, not the text "${"y".repeat(59)}…"`],
    ],
  ])
})

describe("images", () => {
  table([
    [
      "names that lead out of the folder",
      [
        "images:",
        '  "../a": {image_name: ghcr.io/x/a}',
        '  "b/c": {image_name: ghcr.io/x/b}',
        "  .c: {}",
        tag,
      ],
      [
        'spec.yml:2:3: "../a" must be a name of letters, digits, ".", "_" and "-" that starts with a letter or digit',
        'spec.yml:3:3: "b/c" must be a name of letters, digits, ".", "_" and "-" that starts with a letter or digit',
        'spec.yml:4:3: ".c" must be a name of letters, digits, ".", "_" and "-" that starts with a letter or digit',
        'spec.yml:4:3: image ".c" has no Dockerfile: there is no "images/.c/Dockerfile"',
      ],
    ],
    [
      "no Dockerfile",
      ["images:", `${a}}`, "  d: {image_name: ghcr.io/x/d}", tag],
      ['spec.yml:3:3: image "d" has no Dockerfile: there is no "images/d/Dockerfile"'],
    ],
    [
      "names that differ in case",
      ["images:", `${a}}`, "  A: {image_name: ghcr.io/x/d}", tag],
      [
        'spec.yml:3:3: "A" and "a" differ only in case',
        'spec.yml:3:3: image "A" has no Dockerfile: there is no "images/A/Dockerfile"',
      ],
    ],
    [
      "bad repositories",
      [
        "images:",
        "  a: {image_name: ghcr.io/x/a:1}",
        "  b: {image_name: ghcr.io/X/b}",
        `  c: {image_name: "ghcr.io/x/c@sha256:${"0".repeat(64)}"}`,
        tag,
      ],
      [
        'spec.yml:2:19: "ghcr.io/x/a:1" has a tag where only a repository is accepted',
        'spec.yml:3:19: "ghcr.io/X/b": a repository is lower-case letters, digits and single ".", "_", "-" between them, parts joined by "/"',
        `spec.yml:4:19: "ghcr.io/x/c@sha256:${"0".repeat(64)}" has a digest where only a repository is accepted`,
      ],
    ],
    [
      "one repository for two",
      ["images:", `${a}}`, "  b: {image_name: ghcr.io/x/a, depend_on: a}", tag],
      [
        'spec.yml:3:19: images "a" and "b": both are published as "ghcr.io/x/a" (the first is in line 2; "tag_prefix" tells images of one repository apart)',
      ],
    ],
    [
      "one repository in two spellings",
      ["images:", "  a: {image_name: docker.io/x/a}", "  b: {image_name: x/a}", tag],
      [
        'spec.yml:3:19: images "a" and "b": both are published as "docker.io/x/a" (the first is in line 2; "tag_prefix" tells images of one repository apart)',
      ],
    ],
    [
      "one repository below another registry",
      [
        "images:",
        "  a: {image_name: ghcr.io/x/a}",
        "  b: {image_name: ghcr.io/y/a}",
        tag,
        "registry: quay.io/z",
      ],
      [
        'spec.yml:3:19: images "a" and "b": under "registry" both would be published as "quay.io/z/a" (the first is in line 2; "tag_prefix" tells images of one repository apart)',
      ],
    ],
    [
      "info commands",
      [
        "images:",
        `${a}, info_cmds: [PY_VERS, x]}`,
        tag,
        "all_info_cmds: {PY_VER: {description: x, command: x}}",
      ],
      [
        'spec.yml:2:44: "info_cmds" names "PY_VERS", which "all_info_cmds" does not define (did you mean "PY_VER"?)',
        'spec.yml:2:53: "info_cmds" names "x", which "all_info_cmds" does not define (keys of all_info_cmds: PY_VER)',
      ],
    ],
  ])

  test("a folder that is a symlink", () => {
    const files = { "images/a": { symlink: "../elsewhere/a" }, "elsewhere/a/Dockerfile": "" }
    expect(mistakes({ "spec.yml": `images:\n${a}}\n${tag}`, ...files })).toEqual([
      'spec.yml:2:3: "images/a" is a symlink to "../elsewhere/a" where a folder is needed (a build sees what is below images/, and no folder that a symlink leads to)',
    ])
  })

  test("the folder of shared tests is no image", () => {
    const spec = ["images:", "  tests_common: {image_name: ghcr.io/x/a}", tag].join("\n")
    expect(mistakes({ "spec.yml": spec, "images/tests_common/Dockerfile": "" })).toEqual([
      'spec.yml:2:3: "tests_common" is the folder of tests that all images share',
    ])
  })

  test.each<readonly [string, Files, string]>([
    [
      "another spelling",
      { "images/a/dockerfile": "" },
      'image "a" has no Dockerfile: there is no "images/a/Dockerfile" (is "dockerfile" meant?)',
    ],
    [
      "a symlink",
      { "images/a/Dockerfile": { symlink: "../b/Dockerfile" } },
      '"images/a/Dockerfile" is a symlink where a file is needed',
    ],
    [
      "too large",
      { "images/a/Dockerfile": "#".repeat(1024 * 1024 + 1) },
      '"images/a/Dockerfile" is larger than 1 MiB',
    ],
  ])("Dockerfile: %s", (_, files, message) => {
    expect(mistakes({ "spec.yml": `images:\n${a}}\n${tag}`, ...files })).toEqual([`spec.yml:2:3: ${message}`])
  })
})

describe("the tree", () => {
  table([
    [
      "unknown parents",
      ["images:", `${a}}`, `${b}, depend_on: A}`, `${c}, depend_on: elsewhere}`, tag],
      [
        'spec.yml:3:43: "depend_on" names "A", which is no image here (did you mean "a"?)',
        'spec.yml:4:43: "depend_on" names "elsewhere", which is no image here (images: a, b, c)',
      ],
    ],
    [
      "an image that depends on itself",
      ["images:", `${a}, depend_on: a}`, tag],
      ['spec.yml:2:43: image "a" depends on itself'],
    ],
    [
      "a cycle, told once, and an image that hangs on it",
      ["images:", `${a}, depend_on: b}`, `${b}, depend_on: c}`, `${c}, depend_on: b}`, tag],
      ["spec.yml:3:43: images depend on each other: b -> c -> b"],
    ],
    [
      "images to copy from that are none, twice, named already, or the image itself",
      ["images:", `${a}, copies_from: [a]}`, `${b}, depend_on: a, copies_from: [a, C, a, c]}`, `${c}}`, tag],
      [
        'spec.yml:2:46: image "a" copies from itself',
        'spec.yml:3:60: "copies_from" names "a", which "depend_on" names already (leave it out here)',
        'spec.yml:3:63: "copies_from" names "C", which is no image here (did you mean "c"?)',
        'spec.yml:3:66: "copies_from" names "a", which "depend_on" names already (leave it out here)',
      ],
    ],
    [
      "a cycle through both keys, told once",
      ["images:", `${a}, copies_from: [b, c, b]}`, `${b}, depend_on: c}`, `${c}, copies_from: [b]}`, tag],
      [
        'spec.yml:2:52: "copies_from" names "b" twice',
        "spec.yml:3:43: images depend on each other: b -> c -> b",
      ],
    ],
    [
      "copies_from as one name",
      ["images:", `${a}}`, `${b}, copies_from: a}`, tag],
      ['spec.yml:3:45: "copies_from" must be a list of names of images, not the text "a"'],
    ],
    [
      "roots that are not",
      ["root: [b, b, d]", "images:", `${a}}`, `${b}, depend_on: a}`, tag],
      [
        'spec.yml:1:8: "root" names "b", which depends on "a"',
        'spec.yml:1:11: "root" names "b", which depends on "a"',
        'spec.yml:1:14: "root" names "d", which is no image here (images: a, b)',
        'spec.yml:3:3: image "a" has no parent and is not named in "root" (name it in "root", or its parent in "depend_on")',
      ],
    ],
    [
      "a root named twice",
      ["root: [a, a]", "images:", `${a}}`, tag],
      ['spec.yml:1:11: "root" names "a" twice'],
    ],
    [
      "an empty list of roots",
      ["root: []", "images:", `${a}}`, tag],
      ['spec.yml:1:7: "root" must be a list of at least one name, not an empty list'],
    ],
  ])
})

describe("settings", () => {
  const gpu = (keys: string) => `gpu: {host: h, user: u, ${keys}}`
  const one = ["images:", `${a}}`]
  const prefix = (value: string): Case => [
    `prefix ${value}`,
    [...one, `tag: {prefix: ${value}}`],
    [
      `spec.yml:3:15: "prefix" must be <year>.<quarter>, not "${value.replaceAll('"', "")}" (four digits, a dot and the quarter from 1 to 4: 2026.4)`,
    ],
  ]
  table([
    ...["2026", "2026.5", "2026.0", "2026.40", "26.4", "2026-4", '"v2026.4"', '"2026.4 "', "2026.4-main"].map(
      prefix,
    ),
    [
      "hub version",
      [...one, tag, "hub: {version: latest}"],
      ['spec.yml:4:16: "version" must be numbers joined by dots, not "latest" (such as 5.4 or 5.4.3)'],
    ],
    [
      "gpu",
      [...one, tag, gpu("image: b, launch: 'run {img} ${HOME} {a,b}', port: 70000, pasword: x")],
      [
        'spec.yml:4:32: "gpu" names "b", which is no image here (images: a)',
        'spec.yml:4:43: "launch" has an unknown "{img}" ({image} and {tests} are replaced)',
        'spec.yml:4:43: "launch" does not use "{image}"',
        'spec.yml:4:76: "port" must be a port from 1 to 65535, not 70000',
        'spec.yml:4:83: unknown key "pasword" (keys: host, port, user, image, launch, tests, timeout, host_key)',
      ],
    ],
    ...[
      [
        "https://x-access-token:secret@github.com/x/y.wiki.git",
        "must not hold a user or password (the token is given on the call)",
      ],
      [
        "https://secret@github.com/x/y.wiki.git",
        "must not hold a user or password (the token is given on the call)",
      ],
      [
        "github.com/x/y",
        "must be the URL of a git repository (such as https://github.com/org/name.wiki.git)",
      ],
      ["ftp://x/y", "must be the URL of a git repository (such as https://github.com/org/name.wiki.git)"],
    ].map(([url, message]): Case => [
      `wiki ${String(url)}`,
      [...one, tag, `wiki: ${String(url)}`],
      [`spec.yml:4:7: "wiki" ${String(message)}`],
    ]),
    [
      "registry",
      [...one, tag, "registry: Quay.io/Org"],
      ['spec.yml:4:11: "Quay.io/Org" is not a registry and organisation (must be host[:port]/organisation)'],
    ],
  ])
})

describe("images/change_ignore.json", () => {
  const spec = ["images:", `${a}}`, tag].join("\n")
  test.each([
    [
      '{\n  "BuildAl": [],\n  "ChangeIgnore": ["x", 3]\n}',
      [
        '2:3: unknown key "BuildAl" (did you mean "BuildAll"?)',
        '3:25: item 2 of "ChangeIgnore" must be a text, not 3',
      ],
    ],
    ["", ["1:1: the file must be a mapping of keys to values, not empty"]],
    ['{"BuildAll": "x"}', ['1:14: "BuildAll" must be a list of paths below images/, not the text "x"']],
    [
      '{"BuildAll": ["spec.yml", "out/x"]}',
      ['1:27: "out/x" is never uploaded from there (name another file or folder, or move it)'],
    ],
    [
      '{"BuildAll": [}',
      [
        "1:15: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
      ],
    ],
  ])("%j", (text, expected) => {
    expect(mistakes({ "spec.yml": spec, ...dockerfiles, "images/change_ignore.json": text })).toEqual(
      expected.map((line) => `images/change_ignore.json:${line}`),
    )
  })

  test("mistakes of both files are told at once, the spec's first", () => {
    const files = { "spec.yml": `${spec}\nx: 1`, ...dockerfiles, "images/change_ignore.json": "[]" }
    expect(mistakes(files)).toEqual([
      expect.stringMatching(/^spec\.yml:4:1: unknown key "x" \(keys: root, images, tag, .* and \d+ more\)$/),
      "images/change_ignore.json:1:1: the file must be a mapping of keys to values, not an empty list",
    ])
  })
})
