import { describe, expect, test } from "vitest"
import { loadSpec } from "../../../dagger/lib/spec/loadSpec.js"
import { sourceOf, stackOf } from "../../support/source.js"
import type { Spec } from "../../../dagger/lib/spec/spec.js"

/** The spec of the old pipeline, to the letter of its format. */
const oldSpec = `root: datascience-notebook

images:
  datascience-notebook:
    image_name: ghcr.io/ucsd-ets/datascience-notebook
    build_args:
      PYTHON_VERSION: python-3.11.8
      PY_VER_SHORT: "3.11"
      JUPYTERHUB_VERSION: 4.1.5
    info_cmds: [PY_VER]

  rstudio-notebook:
    image_name: ghcr.io/ucsd-ets/rstudio-notebook
    depend_on: datascience-notebook
    integration_tests: true
    info_cmds: [PY_VER, CUDA_VERSION]
    prune: true

  scipy-ml-notebook:
    image_name: ghcr.io/ucsd-ets/scipy-ml-notebook
    depend_on: datascience-notebook
    integration_tests: false
    prune: false # comment if scipy-ml stops being the last container
    # prepull: false

tag:
  prefix: "2026.3"

all_info_cmds:
  PY_VER:
    description: Python Version
    command: python --version
  CUDA_VERSION:
    description: CUDA Version
    command: bash -c 'conda list | grep "cuda\\|cudnn\\|nccl"'
`

const oldFiles = {
  "images/change_ignore.json": `{
    "ChangeIgnore":[],
    "BuildAll":["tests_common","spec.yml","change_ignore.json", "conftest.py"]
}`,
  "images/datascience-notebook/Dockerfile": "FROM debian\n",
  "images/rstudio-notebook/Dockerfile": "FROM debian\n",
  "images/scipy-ml-notebook/Dockerfile": "FROM debian\n",
}

/** A spec of one image with these further keys, as text. */
function written(keys: string, image = ""): Spec {
  const spec = `images:\n  base:\n    image_name: ghcr.io/example/base\n${image}\ntag: {prefix: 2026.4}\n${keys}`
  return loadSpec(sourceOf({ "spec.yml": spec, "images/base/Dockerfile": "FROM debian\n" }))
}

describe.each(["spec.yml", "images/spec.yml"])("the old format at %s", (path) => {
  const spec = loadSpec(sourceOf({ [path]: oldSpec, ...oldFiles }))

  test("images, in the order of the file", () => {
    expect([...spec.images.values()]).toEqual([
      {
        name: "datascience-notebook",
        directory: "images/datascience-notebook",
        dockerfile: "images/datascience-notebook/Dockerfile",
        context: "images/datascience-notebook",
        repository: { registry: "ghcr.io", path: "ucsd-ets/datascience-notebook" },
        isPublished: true,
        furtherTags: [],
        buildArgs: new Map([
          ["PYTHON_VERSION", "python-3.11.8"],
          ["PY_VER_SHORT", "3.11"],
          ["JUPYTERHUB_VERSION", "4.1.5"],
        ]),
        copiesFrom: [],
        integrationTests: false,
        infoCommands: ["PY_VER"],
        platforms: ["linux/amd64"],
        location: { file: path, line: 4, column: 3 },
      },
      expect.objectContaining({
        name: "rstudio-notebook",
        parent: "datascience-notebook",
        integrationTests: true,
        infoCommands: ["PY_VER", "CUDA_VERSION"],
        location: { file: path, line: 12, column: 3 },
      }),
      expect.objectContaining({ name: "scipy-ml-notebook", integrationTests: false, infoCommands: [] }),
    ])
  })

  test("the rest, with defaults for what is new", () => {
    const { images, ...rest } = spec
    expect(images.size).toBe(3)
    expect(rest).toEqual({
      path,
      imagesDirectory: "images",
      tags: { form: "quarter", prefix: "2026.3", mainBranch: "main", reserved: 0 },
      infoCommands: new Map([
        ["PY_VER", { key: "PY_VER", description: "Python Version", command: "python --version" }],
        [
          "CUDA_VERSION",
          {
            key: "CUDA_VERSION",
            description: "CUDA Version",
            command: `bash -c 'conda list | grep "cuda\\|cudnn\\|nccl"'`,
          },
        ],
      ]),
      changeRules: {
        ignore: [],
        buildAll: ["tests_common", "spec.yml", "change_ignore.json", "conftest.py"],
      },
      tests: { timeoutSeconds: 300, imageTimeoutSeconds: 3600 },
      platforms: ["linux/amd64"],
      emulatedTests: "full",
      trustRegistry: true,
    })
  })
})

describe("texts stay as they were written", () => {
  test.each([
    ["3.10", "3.10"],
    ['"3.10"', "3.10"],
    ["1.20", "1.20"],
    ["007", "007"],
    ["1e3", "1e3"],
    ["0x10", "0x10"],
    ["12345678901234567890", "12345678901234567890"],
    ["true", "true"],
    ["True", "True"],
    ["no", "no"],
    ['""', ""],
    ["!!str 3.10", "3.10"],
    ["2026-11-04", "2026-11-04"],
    ["|\n        two\n        lines", "two\nlines\n"],
  ])("build argument %s is %j", (value, text) => {
    const spec = written("", `    build_args:\n      ARG: ${value}\n`)
    expect(spec.images.get("base")?.buildArgs.get("ARG")).toBe(text)
  })

  test("names that look like numbers", () => {
    const spec = loadSpec(
      sourceOf({
        "spec.yml": `root: 3.10
images:
  b: {image_name: ghcr.io/example/b, depend_on: 3.10}
  3.10: {image_name: ghcr.io/example/a}
  7: {image_name: ghcr.io/example/c, depend_on: 3.10}
tag: {prefix: 2026.4}
`,
        "images/b/Dockerfile": "",
        "images/3.10/Dockerfile": "",
        "images/7/Dockerfile": "",
      }),
    )
    expect([...spec.images.keys()]).toEqual(["b", "3.10", "7"])
    expect(spec.images.get("b")?.parent).toBe("3.10")
  })

  test("an unquoted prefix and hub version", () => {
    expect(written("").tags.prefix).toBe("2026.4")
    expect(written("hub: {version: 5.40}").hub).toEqual({ version: "5.40" })
  })
})

describe("new keys", () => {
  test.each([
    ["6 GB", 6_000_000_000],
    ["1.5GiB", 1_610_612_736],
    ["800 MB", 800_000_000],
    ["123456", 123_456],
  ])("size_budget %s is %d bytes", (value, bytes) => {
    expect(written("", `    size_budget: ${value}\n`).images.get("base")?.sizeBudget).toBe(bytes)
  })

  test.each<[string, string, number | undefined]>([
    ["", "", undefined],
    ["max_age: 7 d", "", 7],
    ["max_age: 7 d", "    max_age: 48 h\n", 2],
    ["", "    max_age: 30d\n", 30],
  ])("max_age of the stack (%j) and of an image (%j): %s days", (stack, image, days) => {
    expect(written(stack, image).images.get("base")?.maxAge).toBe(days)
  })

  test("the port of a server", () => {
    expect(written("", "    server_port: 8787\n").images.get("base")?.serverPort).toBe(8787)
    expect(written("", "").images.get("base")).not.toHaveProperty("serverPort")
  })

  test("limits of tests", () => {
    expect(written("tests: {timeout: 90 s, image_timeout: 1.5 h, memory: 4 GB}").tests).toEqual({
      timeoutSeconds: 90,
      imageTimeoutSeconds: 5400,
      memoryBytes: 4_000_000_000,
    })
  })

  test("gpu, with and without what has a default", () => {
    const gpu = { host: "login.example.edu", user: "grader", image: "base", launch: "run -i {image}" }
    expect(written(`gpu: ${JSON.stringify(gpu)}`).gpu).toEqual({
      ...gpu,
      port: 22,
      tests: "/opt/workflow_tests",
      timeoutSeconds: 1800,
    })
    const given = { ...gpu, port: 2222, tests: "/t", timeout: 60, host_key: "SHA256:x" }
    expect(written(`gpu: ${JSON.stringify(given)}`).gpu).toEqual({
      ...gpu,
      port: 2222,
      tests: "/t",
      timeoutSeconds: 60,
      hostKey: "SHA256:x",
    })
  })

  test.each([
    "https://github.com/example/stack.wiki.git",
    "http://127.0.0.1:3000/wiki.git",
    "git@github.com:example/stack.wiki.git",
    "ssh://git@example.edu/wiki.git",
    "file:///srv/wiki.git",
  ])("wiki %s", (url) => {
    expect(written(`wiki: ${url}`).wiki).toBe(url)
  })

  test("a registry is kept for publishing; repositories stay as Dockerfiles name them", () => {
    const spec = written("registry: localhost:5000/stack")
    expect(spec.registry).toBe("localhost:5000/stack")
    expect(spec.images.get("base")?.repository).toEqual({ registry: "ghcr.io", path: "example/base" })
  })
})

describe("YAML as people write it", () => {
  test("anchors, aliases and merge keys", () => {
    const spec = loadSpec(
      sourceOf({
        "spec.yml": `images:
  a: &common
    image_name: ghcr.io/example/a
    build_args: &args {X: 1.10}
    integration_tests: true
  b:
    <<: *common
    image_name: ghcr.io/example/b
    depend_on: a
  c:
    image_name: ghcr.io/example/c
    depend_on: b
    build_args:
      <<: [*args, {Y: 2}]
tag: {prefix: 2026.4}
`,
        "images/a/Dockerfile": "",
        "images/b/Dockerfile": "",
        "images/c/Dockerfile": "",
      }),
    )
    const { a, b, c } = Object.fromEntries(spec.images)
    expect(b?.integrationTests).toBe(true)
    expect([...(b?.buildArgs ?? [])]).toEqual([["X", "1.10"]])
    expect([...(c?.buildArgs ?? [])]).toEqual([
      ["X", "1.10"],
      ["Y", "2"],
    ])
    expect(a?.parent).toBeUndefined()
  })

  test("anchors below keys of their own, x-..., whatever is in them", () => {
    const spec = loadSpec(
      sourceOf({
        "spec.yml": `x-common: &common
  integration_tests: true
  build_args: {X: 1.10}
x-list: [1, {a: b}]
x-nothing:
images:
  a: {<<: *common, image_name: ghcr.io/example/a}
tag: {prefix: 2026.4}
`,
        "images/a/Dockerfile": "",
      }),
    )
    expect(spec.images.get("a")?.integrationTests).toBe(true)
    expect([...(spec.images.get("a")?.buildArgs ?? [])]).toEqual([["X", "1.10"]])
  })

  test("carriage returns, a byte order mark's absence, comments, a document marker", () => {
    const text =
      "# a stack\r\n---\r\nimages:\r\n  base:\r\n    image_name: example/base\r\ntag: {prefix: 2026.4}\r\n"
    const spec = loadSpec(sourceOf({ "spec.yml": text, "images/base/Dockerfile": "" }))
    expect(spec.images.get("base")).toMatchObject({
      repository: { registry: "docker.io", path: "example/base" },
      isPublished: true,
      furtherTags: [],
      location: { line: 4, column: 3 },
    })
  })
})

test("several roots, with and without a list of them", () => {
  const images = { a: {}, b: { depend_on: "a" }, c: {} }
  const spec = loadSpec(stackOf(images))
  expect([...spec.images.values()].map(({ parent }) => parent)).toEqual([undefined, "a", undefined])
  expect(loadSpec(stackOf(images, { spec: { root: ["c", "a"] } })).images).toEqual(spec.images)
})

test("change rules may be absent, partly absent, and tolerate comments", () => {
  expect(loadSpec(stackOf({ a: {} })).changeRules).toEqual({ ignore: [], buildAll: [] })
  const files = { "images/change_ignore.json": '{\n\t"ChangeIgnore": ["README.md"], # none\n}' }
  expect(loadSpec(stackOf({ a: {} }, { files })).changeRules).toEqual({ ignore: ["README.md"], buildAll: [] })
})
