import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { childImage, FixtureStack, rootImage } from "../support/fixtureStacks.js"
import type { Screen } from "../support/screen.js"

// What a person sees who types a command: the last 40 lines of a terminal when the prompt is back.

const sums = `
def test_sums():
    value = 1 + 1
    print("computed", value)
    assert value == 3, "sums are wrong"
`
const wrong = "RUN echo preparing && echo this goes wrong >&2 && exit 7"
const images = {
  base: rootImage("base"),
  left: childImage("left", "base", [], { "test/test_sums.py": sums }),
  right: childImage("right", "base"),
  broken: childImage("broken", "base", [wrong]),
}

/** What nobody wants to see. */
const noise = /traceparent|xxh3|--set=|traces\/setup|unable to parse|Directory@/

let world: FixtureStack
beforeAll(async () => {
  world = await FixtureStack.start(images)
  // Built once, so that no screen below waits for packages.
  await world.call("build-stack", "--only=base,left,right")
})
afterAll(() => world.stop())

function lastLine({ text }: Screen): string {
  return text.trimEnd().split("\n").at(-1) ?? ""
}

function expectTidy(screen: Screen): void {
  expect(screen.text).not.toMatch(noise)
  expect(screen.text.split("\n").length).toBeLessThanOrEqual(40)
}

describe.each([80, 160])("build-stack at %i columns", (columns) => {
  test.concurrent("passes: a table that fits, where the logs are, and the verdict", async () => {
    const screen = await world.onScreen(["build-stack", "--only=right"], { columns })
    expectTidy(screen)
    expect(screen.status).toBe(0)
    expect(screen.text).toMatch(
      /^image +plan +tests +time +size +outcome\nbase .* passed\n(?:.*\n)?right .* passed$/m,
    )
    expect(screen.text.replaceAll("\n", "")).toMatch(/report and logs: \S+\/build-stack/)
    expect(lastLine(screen)).toMatch(/^all good in .* s; nothing published \(no --publish\)$/)
    // Green, as the terminal has it.
    expect(screen.colours).toContain("\u001b[32mpassed")
  })

  test.concurrent("a failing test and a failing build: image, test, lines, log, repetition", async () => {
    const screen = await world.onScreen(["build-stack", "--only=left,broken"], { columns })
    expectTidy(screen)
    expect(screen.status).toBe(1)
    for (const said of [
      "  failed: left/test/test_sums.py::test_sums",
      '    | >       assert value == 3, "sums are wrong"',
      "    | E       assert 2 == 3",
      "    | computed 2",
      "broken: FAILED to build",
    ])
      expect(screen.text).toContain(said)
    const joined = screen.text.replaceAll("\n", "")
    expect(joined).toMatch(/log: \S+\/build-stack\/logs\/left\.basic-tests\.log/)
    expect(joined).toContain("again: ./stack test-image --source=. --image=left --filter=test_sums")
    expect(lastLine(screen)).toMatch(/^2 of 4 images not good in .*; nothing published/)
  })

  test.concurrent("a mistake in an option is the last thing that is said", async () => {
    const screen = await world.onScreen(["build-stack", "--only=lefft"], { columns })
    expect(screen.text).not.toMatch(noise)
    expect(screen.status).toBe(1)
    expect(lastLine(screen)).toContain('--only: there is no image "lefft" (did you mean "left"?)')
  })

  test.concurrent("a run that was skipped by request", async () => {
    const screen = await world.onScreen(["build-stack", "--pull-request-title=x [skip ci]"], { columns })
    expect(screen.status).toBe(0)
    expect(lastLine(screen)).toMatch(/^skipped by request: /)
  })
})

describe("functions beside build-stack", () => {
  test.concurrent("plan: the reasons, then the table, then the plan in one line", async () => {
    const screen = await world.onScreen(["plan"], { columns: 160 })
    expectTidy(screen)
    expect(screen.status).toBe(0)
    expect(screen.text).toMatch(/^Image +Action +Why\nbase +build +on main everything/m)
    expect(lastLine(screen)).toMatch(/^4 images: 4 to build\. Nothing is published/)
  })

  test.concurrent("slips: a function, an option, a folder that is no stack", async () => {
    const slip = async (...words: readonly string[]) =>
      lastLine(await world.onScreen(words, { columns: 160 }))
    expect(await slip("biuld-stack")).toContain('no function "biuld-stack": did you mean "build-stack"?')
    expect(await slip("plan", "--ful-rebuild")).toContain('did you mean "--full-rebuild"?')
    const elsewhere = await world.onScreen(["plan"], { cwd: "/tmp", columns: 160 })
    expect([elsewhere.status, lastLine(elsewhere)]).toEqual([1, expect.stringContaining("is no stack")])
  })
})

describe("through a pipe", () => {
  test.concurrent(
    "lines of the steps on stderr, the result alone on stdout, no colour, no frame",
    async () => {
      const { status, stdout, stderr } = await world.call("build-stack", "--only=left,broken")
      expect(status).toBe(1)
      expect(stdout).toMatch(/^image +plan /)
      expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^2 of 4 images not good/)
      expect(stderr).toMatch(/^\[[\d.]+ s\] left: build \.\.\.$/m)
      expect(stderr).toMatch(/^\[[\d.]+ s\] left: tests took /m)
      // What the failed step has printed: the engine tells it to the CLI alone.
      expect(stderr).toContain("    | this goes wrong")
      expect(stdout + stderr).not.toMatch(/\u001b|[⠁-⣿]|┆|traceparent|xxh3/)
      expect(stderr.split("\n").length).toBeLessThan(60)
    },
  )
})
