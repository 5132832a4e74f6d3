import { describe, expect, test } from "vitest"
import { linkStack } from "../../../dagger/lib/dockerfile/link.js"
import { inputKeys } from "../../../dagger/lib/plan/inputKey.js"
import { InputError } from "../../../dagger/lib/problems.js"
import { formatReference } from "../../../dagger/lib/reference/reference.js"
import { underTag } from "../../../dagger/lib/reference/imagePlace.js"
import { loadSpec, writtenMainBranch } from "../../../dagger/lib/spec/loadSpec.js"
import { placesOf, publishedAs } from "../../../dagger/lib/spec/publishedAs.js"
import { branchTag } from "../../../dagger/lib/tag/branchTag.js"
import { sourceOf, stackOf } from "../../support/source.js"

const shared = "ghcr.io/example/pytorch"
const variants = {
  cpu: { image_name: shared },
  cuda: { image_name: shared, tag_prefix: "cuda12-" },
}

/** Problems of a spec in YAML whose images have Dockerfiles. */
function problems(...lines: readonly string[]): readonly string[] {
  const dockerfiles = ["a", "b"].map((name) => [`images/${name}/Dockerfile`, "FROM scratch\n"] as const)
  const tree = sourceOf({ "spec.yml": lines.join("\n"), ...Object.fromEntries(dockerfiles) })
  try {
    loadSpec(tree)
    return []
  } catch (error) {
    if (error instanceof InputError) return error.message.split("\n")
    throw error
  }
}

const tag = 'tag: { prefix: "2026.4" }'

describe("images of one repository", () => {
  test("are told apart by what their tags begin with", () => {
    const spec = loadSpec(stackOf(variants))
    const references = (registry?: string) =>
      [...publishedAs(spec, registry).values()].map((place) =>
        formatReference(underTag(place, "2026.4-main")),
      )
    expect(references()).toEqual([`${shared}:2026.4-main`, `${shared}:cuda12-2026.4-main`])
    expect(references("localhost:5000/me")).toEqual([
      "localhost:5000/me/pytorch:2026.4-main",
      "localhost:5000/me/pytorch:cuda12-2026.4-main",
    ])
  })

  test("have keys of their own, even with one folder and the same arguments", () => {
    const tree = stackOf({ a: {}, b: {} })
    const { images } = linkStack({ spec: loadSpec(tree), tree, images: ["a", "b"] })
    const keys = inputKeys(images, { platform: "linux/amd64" })
    expect(new Set([...keys.values()].map(({ inputKey }) => inputKey)).size).toBe(2)
  })

  test.each([
    ["none has a prefix", "", ""],
    ["both have the same", ", tag_prefix: cuda12-", ", tag_prefix: cuda12-"],
  ])("are refused with both lines where %s", (_, one, two) => {
    expect(
      problems(
        "images:",
        `  a: { image_name: ${shared}${one} }`,
        `  b: { image_name: ${shared}${two} }`,
        tag,
      ),
    ).toEqual([
      `spec.yml:3:20: images "a" and "b": both are published as "${shared}" (the first is in line 2; "tag_prefix" tells images of one repository apart)`,
    ])
  })

  test.each(["candidate-", "journal-", "passed-", "folder-passed-x-", "sha256-", "2026.4-", "2026.4-cuda-"])(
    "have no prefix that begins as other tags do: %s",
    (prefix) => {
      expect(problems("images:", `  a: { image_name: ${shared}, tag_prefix: ${prefix} }`, tag)).toEqual([
        `spec.yml:2:57: "tag_prefix" cannot begin like tags of other images, or of the pipeline itself: "${prefix}" (such as cuda12-)`,
      ])
    },
  )

  test("have a prefix that is a part of a tag", () => {
    expect(problems("images:", `  a: { image_name: ${shared}, tag_prefix: cuda12 }`, tag)).toEqual([
      'spec.yml:2:57: "tag_prefix" must be letters and digits with ".", "_" or "-" between them and at the end, such as cuda12-, not the text "cuda12"',
    ])
  })

  test("leave their prefix room in the tags of branches", () => {
    const { tags } = loadSpec(stackOf(variants))
    const [, cuda] = [...publishedAs(loadSpec(stackOf(variants))).values()]
    const long = branchTag(tags, "x".repeat(200))
    expect(cuda && underTag(cuda, long).tag).toHaveLength(128)
  })
})

describe("FROM of a repository with several images", () => {
  const child = (from: string, parent: string) => ({
    image_name: "ghcr.io/example/child",
    depend_on: parent,
    files: { Dockerfile: `ARG BASE_TAG=latest\nFROM ${from}\n` },
  })
  const linked = (from: string, parent: string) => {
    const tree = stackOf({ ...variants, child: child(from, parent) })
    return linkStack({ spec: loadSpec(tree), tree, images: ["cpu", "cuda", "child"] }).images.get("child")
  }

  test.each([
    [`${shared}:\${BASE_TAG}`, "cpu"],
    [shared, "cpu"],
    [`${shared}:cuda12-\${BASE_TAG}`, "cuda"],
    [`${shared}:cuda12-2026.4-main`, "cuda"],
  ])("%s is %s by its tag", (from, parent) => {
    expect(linked(from, parent)?.parents).toEqual([parent])
  })

  test("is refused where depend_on names the other", () => {
    expect(() => linked(`${shared}:cuda12-\${BASE_TAG}`, "cpu")).toThrow(
      "images/child/Dockerfile:2:6: FROM uses the image cuda of this stack, which child at spec.yml:10:5 does not name",
    )
  })
})

describe("the main branch", () => {
  test("is main, or what the spec says", () => {
    expect(loadSpec(stackOf({ a: {} })).tags.mainBranch).toBe("main")
    expect(loadSpec(stackOf({ a: {} }, { spec: { main_branch: "master" } })).tags.mainBranch).toBe("master")
  })

  test.each([
    ["-x", '"-x" cannot name a branch (such as main or master)'],
    ["a b", '"a b" cannot name a branch (such as main or master)'],
    ["refs/heads/main", '"refs/heads/main" cannot name a branch (such as main or master)'],
    ["/stable/", 'the branch "/stable/" would be tagged like the stable images'],
    ["stable", 'the branch "stable" would be tagged like the stable images'],
  ])("is a branch: %j", (name, message) => {
    const lines = ["images:", `  a: { image_name: ${shared} }`, tag, `main_branch: "${name}"`]
    expect(problems(...lines)).toEqual([`spec.yml:4:14: ${message}`])
  })

  test("is read before the spec is checked", () => {
    expect(writtenMainBranch("main_branch: master # long ago\nimages: 7")).toBe("master")
    expect(writtenMainBranch("images: {}")).toBeUndefined()
    expect(writtenMainBranch("main_branch: [")).toBeUndefined()
  })
})

describe("further tags", () => {
  const info = "all_info_cmds: { PY_VER: { description: Python, command: python -V } }"

  test("are those of all images, and the image's own", () => {
    const images = { a: { further_tags: ["python-{info:OS}", { tag: "{date}", branches: ["*"] }] }, b: {} }
    const spec = loadSpec(stackOf(images, { spec: { tag: { prefix: "2026.4", further_tags: ["latest"] } } }))
    expect(spec.images.get("a")?.furtherTags).toMatchObject([
      { template: "latest", parts: [{ kind: "text", text: "latest" }] },
      { template: "python-{info:OS}", parts: [{ kind: "text" }, { kind: "info", key: "OS" }] },
      { template: "{date}", branches: ["*"] },
    ])
    expect(spec.images.get("b")?.furtherTags.map(({ template }) => template)).toEqual(["latest"])
  })

  test.each([
    ["{now}", '"{now}" has an unknown "{now}" ({date}, {commit}, {prefix} and {info:KEY} are replaced)'],
    [
      "py-{info:PY_VR}",
      '"py-{info:PY_VR}" names "PY_VR", which "all_info_cmds" does not define (did you mean "PY_VER"?)',
    ],
    [
      "{info:PY_VER}",
      '"{info:PY_VER}" is up to what an image prints: it has to begin with a text of its own (such as python-{info:PY_VER})',
    ],
    ["a b", '"a b" gives a tag which is no tag (such as latest or "{date}")'],
    [
      "{date}/x",
      '"{date}/x" gives a tag, such as "1970-01-01/x", which is no tag (such as latest or "{date}")',
    ],
    ["stable", '"stable" gives a tag which is made for other purposes (such as latest or "{date}")'],
    [
      "{prefix}-x",
      '"{prefix}-x" gives a tag, such as "2026.4-x", which is made for other purposes (such as latest or "{date}")',
    ],
  ])("%s is none", (template, message) => {
    const lines = ["images:", `  a: { image_name: ${shared} }`, info]
    const all = `tag: { prefix: "2026.4", further_tags: [ "${template}" ] }`
    expect(problems(...lines, all)).toEqual([`spec.yml:4:42: ${message}`])
    const own = `  a: { image_name: ${shared}, further_tags: [ { tag: "${template}", branches: [ main ] } ] }`
    expect(problems("images:", own, info, tag)).toEqual([`spec.yml:2:68: ${message}`])
  })

  test("have a form", () => {
    const form = 'a tag such as latest or python-{info:PY_VER}, or a mapping of "tag" and "branches"'
    expect(problems("images:", `  a: { image_name: ${shared}, further_tags: [7, { tag: x }] }`, tag)).toEqual(
      [
        `spec.yml:2:60: item 1 of "further_tags" must be ${form}, not 7`,
        `spec.yml:2:63: item 2 of "further_tags" must be ${form}, not a mapping`,
      ],
    )
  })

  test("of an image do not begin like those of another one in its repository", () => {
    const lines = [
      "images:",
      `  a: { image_name: ${shared}, further_tags: [ cuda12-latest ] }`,
      `  b: { image_name: ${shared}, tag_prefix: cuda12-, further_tags: [ latest ] }`,
      tag,
    ]
    expect(problems(...lines)).toEqual([
      'spec.yml:2:61: "cuda12-latest" of a begins like the tags of b, in the same repository',
    ])
  })
})

describe("an image that is not published", () => {
  const spec = () => loadSpec(stackOf({ common: { publish: false }, leaf: { depend_on: "common" } }))

  test("has no place in a registry, and a name for FROM", () => {
    expect([...publishedAs(spec()).keys()]).toEqual(["leaf"])
    expect([...placesOf(spec(), "localhost:5000").keys()]).toEqual(["common", "leaf"])
  })

  test("gets no further tag of the stack, which its own commands may have no answer for", () => {
    const tag = { prefix: "2026.4", further_tags: ["latest", "r-{info:R}"] }
    const all_info_cmds = { R: { description: "R", command: "R --version" } }
    const stack = stackOf(
      { common: { publish: false }, leaf: { depend_on: "common" } },
      { spec: { tag, all_info_cmds } },
    )
    const counts = [...loadSpec(stack).images].map(([name, image]) => [name, image.furtherTags.length])
    expect(counts).toEqual([
      ["common", 0],
      ["leaf", 2],
    ])
  })

  test("is not asked whose its further tags are", () => {
    const images = [
      `  a: { image_name: ${shared}, publish: false }`,
      `  b: { image_name: ${shared}, tag_prefix: cuda12-, depend_on: a }`,
    ]
    const of = (own: string) =>
      problems("images:", ...images, 'tag: { prefix: "2026.4", further_tags: [ "cuda12-x" ] }', own)
    expect(of("")).toEqual([])
  })

  test("has no further tags, and is not tested on a GPU", () => {
    const images = `  a: { image_name: ${shared}, publish: false, further_tags: [latest] }`
    const gpu = 'gpu: { host: h, user: u, launch: "run {image}", image: a }'
    expect(problems("images:", images, tag, gpu)).toEqual([
      'spec.yml:2:61: "further_tags" of a, which is not published',
      'spec.yml:4:56: "gpu" names "a", which is not published',
    ])
  })
})

describe("the scheme of tags", () => {
  test("is that of quarters, or of versions", () => {
    expect(loadSpec(stackOf({ a: {} })).tags.form).toBe("quarter")
    const { tags } = loadSpec(stackOf({ a: {} }, { spec: { tag: { scheme: "version", prefix: "4.6.1" } } }))
    expect(tags).toMatchObject({ form: "version", prefix: "4.6.1" })
    expect(branchTag(tags, "main")).toBe("4.6.1-main")
  })

  const of = (...lines: readonly string[]) =>
    problems("images:", `  a: { image_name: ${shared} }`, "tag:", ...lines)

  test.each([
    [
      "4",
      '"prefix" must be a version, not "4" (two to four numbers with dots between them, and a v before them or none: 4.6.1)',
    ],
    [
      "4.6-1",
      '"prefix" must be a version, not "4.6-1" (two to four numbers with dots between them, and a v before them or none: 4.6.1)',
    ],
  ])("of versions has a version: %s", (prefix, message) => {
    expect(of("  scheme: version", `  prefix: "${prefix}"`)).toEqual([`spec.yml:5:11: ${message}`])
    expect(of("  scheme: version", '  prefix: "v4.6"')).toEqual([])
  })

  test("of quarters has a quarter", () => {
    expect(of('  prefix: "4.6.1"')).toEqual([
      'spec.yml:4:11: "prefix" must be <year>.<quarter>, not "4.6.1" (four digits, a dot and the quarter from 1 to 4: 2026.4)',
    ])
  })

  test("is one of these", () => {
    expect(of("  scheme: semver", '  prefix: "2026.4"')).toEqual([
      'spec.yml:4:11: "scheme" must be quarter or version, not the text "semver"',
    ])
  })

  test("of versions leaves the version to promotions, and others to further tags", () => {
    const further = (tags: string) =>
      of("  scheme: version", '  prefix: "4.6.1"', `  further_tags: [ ${tags} ]`)
    expect(further('latest, "{date}", "{commit}"')).toEqual([])
    expect(further('"{prefix}"')).toEqual([
      'spec.yml:6:19: "{prefix}" gives a tag, such as "4.6.1", which is made for other purposes (such as latest or "{date}")',
    ])
  })
})
