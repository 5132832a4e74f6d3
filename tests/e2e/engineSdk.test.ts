import { beforeAll, describe, expect, it } from "vitest"
import { probeModule } from "../support/probeModule.js"
import { checkout, run, workspace, writeFiles } from "../support/stack.js"
import type { Ended } from "../support/stack.js"

let folder = ""
beforeAll(async () => {
  folder = await workspace(probeModule)
})

/** `dagger ARG...` in the module's folder, on the engine that runs. */
function dagger(args: readonly string[]): Promise<Ended> {
  const script = `eval "$('${checkout}/stack' engine env)"; exec dagger "$@"`
  return run("bash", ["-c", script, "dagger", ...args], { cwd: folder, timeout: 300_000 })
}

const call = (...args: readonly string[]) => dagger(["call", "--silent", ...args])

const defaults = {
  prefix: "p",
  text: "hi",
  times: 2,
  loud: false,
  word: "fallback",
  items: ["a", "b"],
  color: "blue",
  nullable: null,
  rest: [],
}

/** What the official SDK answers as well. */
describe("the engine's TypeScript SDK", () => {
  it.each([
    ["nothing but what is required", "", {}],
    ["numbers, booleans and text", "--times=3 --loud --word=w", { times: 3, loud: true, word: "w" }],
    ["lists", "--items=x --items=y", { items: ["x", "y"] }],
    ["a member of an enum", "--color=RED", { color: "red" }],
    ["what may be missing", "--optional=o --nullable=n", { optional: "o", nullable: "n" }],
    ["any number of values", "--rest=r --rest=s", { rest: ["r", "s"] }],
  ])("passes %s", async (_, options, expected) => {
    const { stdout } = await call("echo", "--text=hi", ...options.split(" ").filter(Boolean))
    expect(JSON.parse(stdout)).toEqual({ ...defaults, ...expected })
  })

  it("passes arguments of the constructor", async () => {
    const { stdout } = await call("--prefix=q", "echo", "--text=hi")
    expect(JSON.parse(stdout)).toEqual({ ...defaults, prefix: "q" })
  })

  it.each([
    [
      "objects with hidden state",
      "children whisper",
      "one: secret of one (Child)\ntwo: secret of two (Child)\n",
    ],
    ["an enum", "favourite", "RED"],
    ["an object of a type alias", "point y", "2"],
    ["a folder beside the module, filtered, inside a span", "names", "a.txt\n"],
    ["what a package from npm makes", "yaml", "a:\n  - 1\n  - 2\n"],
  ])("returns %s", async (_, args, expected) => {
    expect((await call(...args.split(" "))).stdout).toBe(expected)
  })

  it.each([
    ["an exception", "fails", /broken on purpose/],
    ["a failed exec, with its output", "exec-fails", /exit code: 3[^]*Stdout:\nout\nStderr:\nerr/],
    ["a number that is not whole", "whole", /cannot return float '1\.5'/],
  ])("reports %s", async (_, name, expected) => {
    const { status, stderr } = await call(name)
    expect(status).not.toBe(0)
    expect(stderr).toMatch(expected)
  })

  it("knows the author's lines", async () => {
    expect((await call("place")).stdout).toMatch(/at Probe\.place \(\/src\/src\/index\.ts:\d+:\d+\)/)
  })

  it("shows comments, types and defaults as help", async () => {
    const { stdout } = await call("echo", "--help")
    expect(stdout).toContain("Everything an argument can be.")
    expect(stdout).toMatch(/--text string +What to say\. \[required\]/)
    expect(stdout).toMatch(/--times int +\(default 2\)/)
    expect(stdout).toMatch(/--color RED,BLUE +\(default BLUE\)/)
    expect(stdout).toMatch(/--word string +\(default "fallback"\)/)
  })

  it("sees a changed source, and names file and line of one that cannot be read", async () => {
    await writeFiles(folder, { "src/parts/fallback.ts": 'export const fallback = "changed"\n' })
    expect(JSON.parse((await call("echo", "--text=hi")).stdout)).toMatchObject({ word: "changed" })
    await writeFiles(folder, { "src/parts/fallback.ts": "export const fallback = = 1\n" })
    const broken = await call("echo", "--text=hi")
    expect(broken.status).not.toBe(0)
    expect(broken.stderr).toContain("src/parts/fallback.ts:1:24")
  })
})

describe("compiled code that is kept from call to call", () => {
  const index = (secret: string) => `import { readdirSync, writeFileSync } from "node:fs"
import { func, object } from "@dagger.io/dagger"
@object()
export class Probe {
  /** What earlier calls have left there, ${secret}. */
  @func({ cache: "never" })
  seen(leave: string): string {
    const folder = process.env.NODE_COMPILE_CACHE ?? "none"
    const found = readdirSync(folder).filter((name) => name.startsWith("left-"))
    writeFileSync(folder + "/left-" + leave, "")
    return found.join()
  }
}
`
  const mark = String(Date.now())

  it("is of no other module: what one leaves there, no other one runs", async () => {
    const files = { ...probeModule, "src/index.ts": index(mark) }
    const evil = await workspace(files)
    const victim = await workspace({ ...files, "src/index.ts": index(`${mark}!`) })
    const seen = async (module: string, leave: string) => {
      const script = `eval "$('${checkout}/stack' engine env)"; exec dagger call --silent seen --leave=${leave}`
      return (await run("bash", ["-c", script], { cwd: module, timeout: 300_000 })).stdout
    }
    expect(await seen(evil, "evil")).toBe("")
    expect(await seen(evil, "again")).toContain("left-evil")
    expect(await seen(victim, "none")).toBe("")
  })
})
