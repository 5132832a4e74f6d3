import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { TimedStep } from "../../dagger/lib/report/report.js"
import { stackFiles } from "../support/source.js"
import { commitAll, removeFolder, stack, workspace, writeFiles } from "../support/stack.js"
import { ReadReport, imageFiles } from "../support/testImages.js"

/** Fresh for each run: nothing of it is in the engine's cache. */
const once = Math.random().toString(36).slice(2, 10)
/** Long enough to be seen side by side on a machine with other work. */
const busy = (seconds: number, verdict = "True") =>
  `import time\ndef test_${once}():\n    time.sleep(${seconds})\n    assert ${verdict}\n`

const childOf = (seconds: number) =>
  `ARG BASE_TAG=latest\nFROM ghcr.io/example/parent:\${BASE_TAG}\nRUN sleep ${seconds} && echo ${once}\n`

const family = {
  parent: { files: imageFiles([`RUN echo ${once}`], { "test/test_parent.py": busy(4) }) },
  left: {
    depend_on: "parent",
    files: { Dockerfile: childOf(4), "test/test_left.py": busy(4) },
  },
  right: {
    depend_on: "parent",
    files: { Dockerfile: childOf(3), "test/test_right.py": busy(4, "False") },
  },
  other: { files: { Dockerfile: "FROM debian:bookworm-slim\n" } },
}

let folder = ""
let first: ReadReport
let second: ReadReport

async function buildAll(out: string): Promise<ReadReport> {
  const call = ["build-stack", "--source=.", "--parallel=4", "artifacts", "export", `--path=${out}`]
  const ended = await stack(call, { cwd: folder })
  expect(ended.status, ended.stderr.slice(-3000)).toBe(0)
  return ReadReport.from(join(folder, out))
}

beforeAll(async () => {
  folder = await workspace(stackFiles(family))
  first = await buildAll("first")
  await writeFiles(folder, {
    "images/other/Dockerfile": "FROM debian:bookworm-slim\nRUN true\n",
    "README.md": "",
  })
  await commitAll(folder, "something else")
  second = await buildAll("second")
})

afterAll(() => removeFolder(folder))

function step(name: string, kind: TimedStep["name"]): TimedStep {
  const found = first.image(name).steps.find((each) => each.name === kind)
  if (found === undefined) throw new Error(`${name} has no ${kind}`)
  return found
}

/** Milliseconds that two steps ran at once; negative where one waited for the other. */
function shared(one: TimedStep, other: TimedStep): number {
  const end = (each: TimedStep) => each.startedAt + each.milliseconds
  return Math.min(end(one), end(other)) - Math.max(one.startedAt, other.startedAt)
}

test("siblings are tested side by side", () => {
  expect(shared(step("left", "tests"), step("right", "tests"))).toBeGreaterThan(1000)
})

test.each(["left", "right"])("the parent is tested while %s is built", (child) => {
  expect(shared(step("parent", "tests"), step(child, "build"))).toBeGreaterThan(1000)
})

test.each(["left", "right"])(
  "%s is tested when its parent has passed, with its parent's tests, too",
  (child) => {
    expect(shared(step("parent", "tests"), step(child, "tests"))).toBeLessThanOrEqual(0)
    const ids = first.image(child).suites.flatMap(({ run }) => run.tests.map(({ id }) => id.split("::")[0]))
    expect(ids).toEqual(["parent/test/test_parent.py", `${child}/test/test_${child}.py`])
  },
)

describe("a second run, after a commit that changes something else", () => {
  const startOf = (run: ReadReport, name: string) => run.image(name).suites[0]?.run.startedAt ?? 0

  test.each(["parent", "left"])("takes the pass of %s from the cache", (name) => {
    expect(second.image(name).outcome.kind).toBe("passed")
    expect(startOf(second, name)).toBe(startOf(first, name))
  })

  test("runs failed tests again", () => {
    expect(second.image("right").outcome.kind).toBe("tests-failed")
    expect(startOf(second, "right")).toBeGreaterThan(startOf(first, "right"))
  })
})

/** A test that sleeps, and tells as its failure from when to when it ran. */
const tells = `
import pytest, time
def tell():
    began = time.time()
    time.sleep(3)
    assert False, f"from {began:.2f} to {time.time():.2f}"
def test_${once}(): tell()
`
const asUser = (user: string, name: string) => `
@pytest.mark.as_user(${user})
def test_${name}(): tell()
`

/** Runs tests that tell their times. @returns seconds since 1970, by the names of tests */
async function timesOf(parallel: number, tests: string) {
  const alone = await workspace(
    stackFiles({ alone: { files: imageFiles([], { "test/test_users.py": tests }) } }),
  )
  try {
    const call = ["build-stack", "--source=.", `--parallel=${parallel}`, "artifacts", "export", "--path=out"]
    await stack(call, { cwd: alone })
    const { report } = await ReadReport.from(join(alone, "out"))
    const found = report.images.flatMap(({ suites }) => suites.flatMap(({ run }) => run.tests))
    const times = found.map(({ id, message }) => {
      const [, from, to] = /from ([\d.]+) to ([\d.]+)/.exec(message) ?? []
      return [id.replace(/^.*::test_/, ""), { from: Number(from), to: Number(to) }] as const
    })
    return new Map(times)
  } finally {
    await removeFolder(alone)
  }
}

test("tests of other users share the places of --parallel as folders do: with one, nothing runs beside another", async () => {
  const users = ["1:1", "2:2", "3:3"].map((user, index) => asUser(`"${user}"`, `user_${index}`))
  const times = await timesOf(1, [tells, ...users].join(""))
  const inOrder = [...times.values()].toSorted((one, other) => one.from - other.from)
  expect(inOrder).toHaveLength(4)
  for (const [index, { from }] of inOrder.entries())
    expect(from).toBeGreaterThanOrEqual(inOrder[index - 1]?.to ?? 0)
})

test("a user whom the file names does not wait for the image's own; one that is computed does; one in a comment is nobody", async () => {
  const users = [asUser('"1:1"', "written"), asUser('"2:" + "2"', "computed"), '# as_user("3:3")\n']
  const times = await timesOf(4, [tells, ...users].join(""))
  expect([...times.keys()].toSorted()).toEqual([once, "computed", "written"].toSorted())
  const own = times.get(once)
  expect(times.get("written")?.from).toBeLessThan(own?.to ?? 0)
  expect(times.get("computed")?.from).toBeGreaterThanOrEqual(own?.to ?? Infinity)
})
