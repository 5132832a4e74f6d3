import { afterAll, beforeAll, expect, test } from "vitest"
import { parentsIn } from "../../dagger/lib/plan/planDocument.js"
import { localRegistry, publish } from "../support/dockerfileBuilds.js"
import { sharedEngine } from "../support/enginePlace.js"
import type { FixtureRun } from "../support/fixtureStacks.js"
import { FixtureStack, rootImage } from "../support/fixtureStacks.js"
import { addToConfig } from "../support/publishedConfig.js"
import type { StackImage } from "../support/source.js"
import { removeFolder, workspace } from "../support/stack.js"
import { imageFiles } from "../support/testImages.js"

/** Runs only where `[[` is known; leaves variables and files as its parent's configuration decides. */
const childLines = [
  'RUN if [[ -z "$NOPE" ]]; then echo cpu; else echo gpu; fi > /flavour',
  "RUN echo ${FOO-unset} > /foo",
  "ENV BAR=${FOO-unset}",
  "RUN date +%s%N > /stamp",
  "CMD echo $0",
]

const childTest = `import os, pathlib
def read(path): return pathlib.Path(path).read_text().strip()
def test_shell(): assert read("/flavour") == "cpu"
def test_argument(): assert (read("/foo"), os.environ["BAR"]) == ("unset", "unset")
def test_trigger(): assert read("/env.yml") == "child's"
`

const filesTest = `import os, pathlib
def test_files():
    assert sorted(os.listdir("/home/files")) == [".dockerignore", "environment.yml"]
    assert pathlib.Path("/home/seen").read_text() == "mine own\\n"
`

let world: FixtureStack
let along: FixtureRun

beforeAll(async () => {
  const external = await publishedBase()
  world = await FixtureStack.start(stackOn(external))
  // On main everything is built for each commit.
  await world.git("checkout", "--quiet", "-b", "feature")
  along = await world.publish("--parallel=4")
})

afterAll(() => world.stop())

test("built along with its parent, a child is what docker makes of it", () => {
  expect(new Set(Object.values(along.outcomes))).toEqual(new Set(["passed"]))
})

test("on a reused parent it is the same: SHELL, ONBUILD, unset arguments, labels", async () => {
  await world.commit({ "images/child/more.txt": "more\n" })
  const run = await world.publish()
  expect(run.actions).toEqual({ ...reused, child: "build" })
  expect(run.outcomes.child).toBe("passed")
  const [before, after] = [await labelNames(along), await labelNames(run)]
  expect(after).toEqual(before)
  expect(after).not.toContain("org.opencontainers.image.base.name")
})

test("a full rebuild of one image runs its RUN instructions again, and those of no other", async () => {
  const [base, child] = [await world.manifest("base", tag), await world.manifest("child", tag)]
  const run = await world.publish("--only=child", "--full-rebuild")
  expect(run.actions).toEqual({ base: "skip", child: "build", files: "skip", lab: "skip", tools: "skip" })
  expect(run.image("child").reasons[0]).toContain("every RUN runs again")
  expect((await world.manifest("base", tag)).digest).toBe(base.digest)
  const after = await world.manifest("child", tag)
  expect(after.layers).toHaveLength(child.layers.length)
  // /stamp is in one of them, and the nonce in none: a third build would be told apart by nothing but its layers.
  expect(after.layers.map(({ digest }) => digest)).not.toEqual(child.layers.map(({ digest }) => digest))
  expect(await configOf("child", after)).toEqual(await configOf("child", child))
})

test("a file that an external base's trigger reads is part of the image", async () => {
  await world.commit({
    "images/files/environment.yml": "other",
    "images/files/test/test_files.py": filesTest.replace("mine", "other"),
  })
  const run = await world.publish()
  expect(run.actions).toEqual({ ...reused, files: "build" })
  expect(run.outcomes.files).toBe("passed")
})

test("an image with files of another one: built on that by its digest, anew with it, and not without it", async () => {
  const tools = await world.manifest("tools", tag)
  await world.commit({ "images/lab/note": "other" })
  const own = await world.publish()
  expect(own.actions).toEqual({ ...reused, lab: "build" })
  const step = own.plan.steps.find(({ image }) => image === "lab")
  const parents = step === undefined ? [] : parentsIn(step)
  expect(parents).toContainEqual(expect.objectContaining({ from: "registry", digest: tools.digest }))
  await world.commit({ "images/tools/tool": "2", "images/lab/test/test_lab.py": labTest("2") })
  const both = await world.publish()
  expect(both.actions).toEqual({ ...reused, tools: "build", lab: "build" })
  expect(both.outcomes).toMatchObject({ tools: "passed", lab: "passed" })
  expect([...both.tests("lab").keys()]).toEqual(["test_base", "test_tool"])
  await world.commit({
    "images/tools/test/test_tools.py": "def test_tools(): assert False\n",
    "images/lab/note": "3",
  })
  const failed = await world.run(...world.login())
  expect(failed.actions).toEqual({ ...reused, tools: "retest", lab: "build" })
  expect(failed.image("lab").outcome).toMatchObject({ kind: "skipped", because: "tools" })
})

const tag = "2026.4-feature"

const reused = { base: "reuse", child: "reuse", files: "reuse", lab: "reuse", tools: "reuse" }

function labTest(tool: string): string {
  return `def test_tool(): assert open("/opt/tool").read() == "${tool}"\n`
}

async function labelNames(run: FixtureRun): Promise<readonly string[]> {
  return Object.keys(await world.labels("child", run.image("child").digest ?? "")).toSorted()
}

/** What containers of an image get, and what made it: without the layers themselves, and this pipeline's labels. */
async function configOf(image: string, manifest: { readonly digest: string }): Promise<unknown> {
  const { config, history } = await world.config(image, manifest.digest)
  const steps = (history ?? []).map(({ created_by }) => created_by)
  return { config: { ...config, Labels: {} }, steps }
}

/** An image of another registry with all that Dagger would leave out of it. */
async function publishedBase(): Promise<string> {
  const host = localRegistry()
  const path = `external-${Math.random().toString(36).slice(2, 10)}/base:1`
  const folder = await workspace({ ...imageFiles(["ENV LANG=C.UTF-8"]) }, { git: false })
  await publish([[{ folder }, `${host}/${path}`]])
  await removeFolder(folder)
  await addToConfig(`${host}/${path}`, {
    Shell: ["/bin/bash", "-o", "pipefail", "-c"],
    OnBuild: [
      "USER root",
      "ARG WHOSE",
      "COPY . /home/files",
      'RUN [[ -d /home/files ]] && echo "$(cat /home/files/environment.yml) $WHOSE" > /home/seen',
    ],
  })
  const port = host.split(":")[1] ?? ""
  return `${sharedEngine.bridge}:${port}/${path}`
}

function stackOn(external: string): Readonly<Record<string, StackImage>> {
  return {
    base: rootImage("base", [
      "ARG FOO=1",
      'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
      "RUN date +%s%N > /base-stamp",
      "ONBUILD USER root",
      "ONBUILD COPY environment.yml /env.yml",
    ]),
    child: {
      depend_on: "base",
      files: {
        Dockerfile: [
          "FROM ghcr.io/example/base:latest",
          "COPY *.txt /",
          ...childLines,
          "USER student",
          "",
        ].join("\n"),
        "some.txt": "some\n",
        "environment.yml": "child's",
        "test/test_child.py": childTest,
      },
    },
    tools: rootImage("tools", ["COPY tool /opt/tool"], { tool: "1" }),
    lab: {
      depend_on: "base",
      copies_from: ["tools"],
      files: {
        Dockerfile: [
          "FROM ghcr.io/example/base:latest",
          "COPY note /note",
          "COPY --from=ghcr.io/example/tools /opt/tool /opt/tool",
          "RUN --mount=from=ghcr.io/example/tools,target=/tools cmp /tools/opt/tool /opt/tool",
          "USER student",
          "",
        ].join("\n"),
        "environment.yml": "",
        note: "",
        "test/test_lab.py": labTest("1"),
      },
    },
    files: {
      build_args: { WHOSE: "own" },
      files: {
        Dockerfile: `FROM ${external}\nUSER student\n`,
        ".dockerignore": "Dockerfile\ntest\n",
        "environment.yml": "mine",
        "test/test_files.py": filesTest,
      },
    },
  }
}
