import { basename } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { childImage, FixtureStack, rootImage } from "../support/fixtureStacks.js"
import { PromotionWorld } from "../support/promotionWorld.js"
import type { Screen } from "../support/screen.js"
import { onScreen } from "../support/screen.js"
import { checkout, run } from "../support/stack.js"

// What a person sees who types a command: the last 40 lines of a terminal when the prompt is back. All calls go to one
// stack, whose images are built once.

const sums = `
def test_sums():
    value = 1 + 1
    print("computed", value)
    assert value == 3, "sums are wrong"
`
/** Long enough for a line on how far they are. */
const patient = (tests: number) => `
import pytest, time
@pytest.mark.parametrize("n", range(${tests}))
def test_patient(n): time.sleep(2)
`
const hostile = `
def test_hostile():
    print("::error::stolen\\n##[error]stolen")
    assert False
`
const wrong = "RUN echo preparing && echo this goes wrong >&2 && exit 7"
const images = {
  base: rootImage("base"),
  left: childImage("left", "base", [], { "test/test_sums.py": sums }),
  right: childImage("right", "base"),
  broken: childImage("broken", "base", [wrong]),
  slow: childImage("slow", "base", [`RUN echo ${Date.now()} && sleep 100`]),
  patient: childImage("patient", "base", [`RUN echo ${Date.now()} > /fresh`], {
    "test/test_patient.py": patient(11),
  }),
  counted: childImage("counted", "base", [`RUN echo ${Date.now()} > /counted`], {
    "test/test_patient.py": patient(25),
  }),
  hostile: childImage("hostile", "base", [], { "test/test_hostile.py": hostile }),
}

/** What nobody wants to see. */
const noise = /traceparent|xxh3|--set=|traces\/setup|unable to parse|failed to parse git|Directory@/

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

/** That no call of this stack is left. */
async function expectNothingRuns(): Promise<void> {
  const { stdout } = await run("pgrep", ["--full", `dagger call.*${basename(world.folder)}`], { cwd: "/" })
  expect(stdout).toBe("")
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
    expect(lastLine(screen)).toMatch(/^2 of \d images not good in .*; nothing published/)
  })

  test.concurrent("a mistake in an option is the last thing that is said", async () => {
    const screen = await world.onScreen(["build-stack", "--only=lefft"], { columns })
    expect(screen.text).not.toMatch(noise)
    expect(screen.status).toBe(1)
    expect(screen.text.replaceAll("\n", "")).toMatch(
      /--only: there is no image "lefft" \(did you mean "left"\?\)\S*$/,
    )
  })

  test.concurrent("a registry that refuses", async () => {
    const options = [...world.publishing().slice(0, 3), "--registry-password=env://WRONG"]
    const env = { WRONG: "not-it" }
    const screen = await world.onScreen(["build-stack", "--only=base", ...options], { columns, env })
    expect(screen.text).not.toMatch(noise)
    expect(screen.status).toBe(1)
    expect(screen.text).toMatch(/401|[Uu]nauthorized|refuse/)
    expect(screen.text).not.toContain("not-it")
  })

  test.concurrent("a run that was skipped by request", async () => {
    const screen = await world.onScreen(["build-stack", "--pull-request-title=x [skip ci]"], { columns })
    expect(screen.status).toBe(0)
    expect(screen.text.replaceAll("\n", " ")).toMatch(/skipped by request: /)
  })

  test.concurrent("Ctrl-C: one line, soon", async () => {
    const press = { key: "C-c", when: /slow: build/ }
    const screen = await world.onScreen(["build-stack", "--only=slow"], { columns, press })
    expect([screen.status, lastLine(screen)]).toEqual([
      130,
      "stack: stopped; what is built and pushed stays, and the same call takes it up",
    ])
    expect(screen.answered).toBeLessThan(10_000)
  })
})

describe("while it runs", () => {
  test("nothing goes on behind a Ctrl-C", expectNothingRuns)

  test.concurrent("at a terminal: how far the tests are; and Ctrl-C in the middle of them", async () => {
    const press = { key: "C-c", when: /\d+ of 2\d done/ }
    const screen = await world.onScreen(["build-stack", "--only=counted"], { columns: 160, press })
    expect([screen.status, screen.answered > 0, screen.answered < 10_000]).toEqual([130, true, true])
  })

  test.concurrent("through a pipe: how far tests and pushes are", async () => {
    const slowly = { kind: "first", act: () => sleep(20_000) } as const
    world.front.add({ method: "PUT", path: /patient\/blobs\/uploads/, after: 1, times: 1, fault: slowly })
    const { status, stderr } = await world.call("build-stack", "--only=patient", ...world.publishing())
    expect(stderr).toMatch(/^\[[\d. min]+ s\] patient: tests: \d+ of 1\d done$/m)
    expect(stderr).toMatch(/^\[[\d. min]+ s\] patient: publish: \d+ layers? pushed/m)
    expect(status).toBe(0)
  })
})

describe("functions beside build-stack", () => {
  test.concurrent("plan: the reasons, then the table, then the plan in one line", async () => {
    const screen = await world.onScreen(["plan"], { columns: 160 })
    expectTidy(screen)
    expect(screen.status).toBe(0)
    expect(screen.text).toMatch(/^Image +Action +Why\nbase +build +on main everything/m)
    expect(lastLine(screen)).toMatch(/^8 images: 8 to build\. Nothing is published/)
  })

  test.concurrent("test-image passes, and fails", async () => {
    const passed = await world.onScreen(["test-image", "--image=right"])
    expect([passed.status, lastLine(passed)]).toEqual([0, expect.stringMatching(/^all good in/)])
    const failed = await world.onScreen(["test-image", "--image", "left"])
    expectTidy(failed)
    expect([failed.status, lastLine(failed)]).toEqual([1, expect.stringMatching(/^1 of 1 image not good/)])
    expect(failed.text).toContain("E       assert 2 == 3")
  })

  test.concurrent("dockerfile names its files; of an unknown image it gives none", async () => {
    const made = await world.onScreen(["dockerfile", "--only=left"], { columns: 160 })
    expect([made.status, made.text]).toEqual([0, expect.stringMatching(/\/dockerfile\/stack\.Dockerfile$/m)])
    const failed = await world.onScreen(["dockerfile", "--only=lefft"], { columns: 160 })
    expect([failed.status, lastLine(failed)]).toEqual([1, expect.stringContaining('did you mean "left"?')])
  })

  test.concurrent("slips: a function, an option, a folder that is no stack", async () => {
    const slip = async (...words: readonly string[]) =>
      lastLine(await world.onScreen(words, { columns: 160 }))
    expect(await slip("biuld-stack")).toContain('no function "biuld-stack": did you mean "build-stack"?')
    expect(await slip("plan", "--ful-rebuild")).toContain('did you mean "--full-rebuild"?')
    const elsewhere = await world.onScreen(["plan"], { cwd: "/tmp", columns: 160 })
    expect([elsewhere.status, lastLine(elsewhere)]).toEqual([1, expect.stringContaining("is no stack")])
  })

  test.concurrent(
    "a dumb terminal gets lines without colours; so does one with NO_COLOR, in 200 columns",
    async () => {
      for (const options of [{ env: { TERM: "dumb" } }, { env: { NO_COLOR: "1" }, columns: 200 }]) {
        const screen = await world.onScreen(["plan", "--only=base"], options)
        expectTidy(screen)
        expect(lastLine(screen)).toMatch(/^8 images: 1 to build, 7 to skip/)
        // Bold and faint are no colours.
        expect(screen.colours).not.toMatch(/\u001b\[[\d;]*[349]\dm/)
      }
    },
  )

  test.concurrent("help of a function: in ./stack's words, and plain through a pipe", async () => {
    const { status, stdout, stderr } = await world.call("plan", "--help")
    expect([status, stderr]).toEqual([0, ""])
    expect(stdout).toContain("./stack plan [arguments]")
    expect(stdout).not.toMatch(/\u001b|dagger call|WARN/)
  })
})

describe("promotions at a terminal", () => {
  const tag = "2026.4-main"
  let promotions: PromotionWorld
  beforeAll(async () => {
    promotions = await PromotionWorld.start()
    await promotions.newImages(tag, "first")
  })
  afterAll(() => promotions.stop())

  test("each ends with its report, and with its verdict as the last line", async () => {
    const { registryLogin, wikiOptions, promotionOptions } = promotions
    const shown: readonly (readonly [string, readonly string[], number, RegExp])[] = [
      ["tag-stable", [`--tag=${tag}`, ...promotionOptions, "--dry-run"], 0, /Would promote 2026\.4-main to/],
      ["tag-stable", ["--tag=2026.4-none", ...promotionOptions], 1, /Refused/],
      ["tag-global-stable", ["--prefix=2026.4", ...registryLogin, ...wikiOptions], 1, /Refused/],
      ["rollback", ["--tag=stable", ...registryLogin, ...wikiOptions], 1, /./],
      ["status", registryLogin, 0, /./],
      ["gpu-test", [`--tag=${tag}`, ...registryLogin, "--dry-run"], 0, /./],
      ["gpu-test", [`--tag=${tag}`, ...registryLogin], 1, /./],
      ["diff", [`--from=${tag}`, `--to=${tag}`, ...wikiOptions], 0, /./],
      ["diff", [`--from=${tag}`, "--to=2026.1-main", ...wikiOptions], 1, /./],
      ["publish-manifests", ["--artifacts=.", ...wikiOptions], 1, /./],
    ]
    for (const [name, options, status, last] of shown) {
      const screen = await promotions.onScreen(name, options)
      expect(screen.text, name).not.toMatch(noise)
      expect([name, screen.status, lastLine(screen)], screen.text).toEqual([
        name,
        status,
        expect.stringMatching(last),
      ])
    }
    expect(promotions.leaks()).toEqual([])
  })
})

describe("plain dagger call, with the CLI that the engine brings", () => {
  const dagger = async (...args: readonly string[]) => {
    const script = `eval "$("${checkout}/engine/engine.sh" env)" && exec dagger call --mod "${checkout}" "$@"`
    return onScreen(["bash", "-c", script, "dagger", ...args], { cwd: world.folder, columns: 160 })
  }

  test.concurrent("shows what passed; only the id of the result stands below it", async () => {
    const screen = await dagger("build-stack", "--source=.", "--only=right")
    expect(screen.status).toBe(0)
    expect(screen.text).toMatch(/^ *all good in .*\n 0\.0s\n(?:\n)?Directory@\S+$/m)
  })

  test.concurrent("shows what failed, and the verdict as the last line", async () => {
    const screen = await dagger("build-stack", "--source=.", "--only=left")
    expect(screen.status).toBe(1)
    expect(screen.text).toContain("E       assert 2 == 3")
    expect(lastLine(screen)).toMatch(/1 of 8 images not good/)
  })

  test.concurrent("verdict: nothing but the table where it passes, and a failure where not", async () => {
    const passed = await dagger("build-stack", "--source=.", "--only=right", "verdict")
    expect([passed.status, lastLine(passed)]).toEqual([0, expect.stringMatching(/^all good in/)])
    const failed = await dagger("build-stack", "--source=.", "--only=left", "verdict")
    expect([failed.status, lastLine(failed)]).toEqual([1, expect.stringMatching(/not good/)])
  })

  test.concurrent("plan shows its table", async () => {
    const screen = await dagger("plan", "--source=.")
    expect(screen.text).toMatch(/^ *Image +Action +Why$/m)
  })
})

describe("through a pipe", () => {
  test.concurrent(
    "lines of the steps on stderr, the result alone on stdout, no colour, no frame",
    async () => {
      const { status, stdout, stderr } = await world.call("build-stack", "--only=left,broken")
      expect(status).toBe(1)
      expect(stdout).toMatch(/^image +plan /)
      expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^2 of \d images not good/)
      expect(stderr).toMatch(/^\[[\d.]+ s\] left: build \.\.\.$/m)
      expect(stderr).toMatch(/^\[[\d.]+ s\] left: tests took /m)
      // What the failed step has printed: the engine tells it to the CLI alone.
      expect(stderr).toContain("    | this goes wrong")
      expect(stdout + stderr).not.toMatch(/\u001b|[⠁-⣿]|┆|traceparent|xxh3/)
      expect(stderr.split("\n").length).toBeLessThan(60)
    },
  )

  test.concurrent("-v brings all of it", async () => {
    const { stderr } = await world.call("-v", "build-stack", "--only=right")
    expect(stderr).toMatch(/right: build DONE/)
    expect(stderr).toContain("Container.withExec")
  })

  test.concurrent("in GitHub Actions: groups, an error at the line, and no command of an image", async () => {
    const env = { GITHUB_ACTIONS: "true" }
    const { stdout, status } = await world.callWith(env, "build-stack", "--only=hostile")
    expect(status).toBe(1)
    expect(stdout).toMatch(/^::group::hostile$/m)
    expect(stdout).toMatch(
      /^::error file=images\/hostile\/test\/test_hostile\.py,line=4,title=hostile%3A hostile\/test\/test_hostile\.py%3A%3Atest_hostile failed::/m,
    )
    const stolen = commandsOf(stdout).filter((line) => line.includes("stolen"))
    expect(stolen.filter((line) => !line.startsWith("::error file=images/"))).toEqual([])
  })
})

/** The lines that the runner takes for commands: none between `stop-commands` and its word. */
function commandsOf(output: string): readonly string[] {
  let until: string | undefined
  return output.split("\n").filter((line) => {
    const text = line.trimStart()
    if (until !== undefined) {
      if (text.startsWith(`::${until}::`)) until = undefined
      return false
    }
    const stop = /^::stop-commands::(.+)$/.exec(text)?.[1]
    if (stop !== undefined) until = stop
    return text.startsWith("::") || text.includes("##[")
  })
}
