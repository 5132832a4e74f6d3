import { spawn } from "node:child_process"
import { cp, rm } from "node:fs/promises"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { probeModule } from "../support/probeModule.js"
import { checkout, run, workspace } from "../support/stack.js"
import type { CallOptions, Ended } from "../support/stack.js"

/** A checkout of `./stack` whose module is the probe. */
let probe = ""
beforeAll(async () => {
  probe = await workspace(probeModule)
  for (const part of ["stack", "engine", "lib"])
    await cp(join(checkout, part), join(probe, part), { recursive: true })
  // The functions of another module.
  await rm(join(probe, "lib/functions.txt"))
})

function stack(args: readonly string[], options: Partial<CallOptions> = {}): Promise<Ended> {
  return run(join(probe, "stack"), args, {
    cwd: probe,
    ...options,
    env: { STACK_ENGINE: "own", ...options.env },
  })
}

describe("./stack FUNCTION", () => {
  it("prints the result alone on stdout, and progress on stderr", async () => {
    const { status, stdout, stderr } = await stack(["favourite"])
    expect({ status, stdout }).toEqual({ status: 0, stdout: "RED" })
    expect(stderr).toContain("stack: loading the module")
    expect(stderr).not.toContain("\u001b")
  })

  it("leaves the choice of progress to the caller", async () => {
    expect((await stack(["--progress=plain", "favourite"])).stderr).toContain("Probe.favourite")
    expect((await stack(["--silent", "favourite"])).stderr.trim()).toBe("")
    expect((await stack(["--progress=dots", "favourite"])).stderr).not.toContain("Probe.favourite")
  })

  it("passes the exit status on", async () => {
    const { status, stdout } = await stack(["--silent", "fails"])
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" })
  })

  it("takes relative paths from the caller's folder, and the module from its own checkout", async () => {
    const elsewhere = await workspace({ "here/a": "", "here/b": "" }, { git: false })
    expect((await stack(["--silent", "list", "--folder=here"], { cwd: elsewhere })).stdout).toBe("a\nb\n")
  })

  it("gives up after STACK_TIMEOUT", async () => {
    const { status, stderr } = await stack(["nap", "--seconds=120"], { env: { STACK_TIMEOUT: "8s" } })
    expect(status).toBe(124)
    expect(stderr).toContain("stack: given up after 8s (STACK_TIMEOUT)")
  })

  it("ends soon after its engine has ended", async () => {
    // Stands for the engine: what ends is what `./stack` watches, and the engine of the other tests stays.
    const stand = spawn("sleep", ["300"])
    const script = `source <(sed -e '/^main() {/,$d' -e 's|\${BASH_SOURCE\\[0\\]}|${probe}/stack|' '${probe}/stack')
      own_engine; own_pid=${String(stand.pid)}; dagger_bounded call --silent --mod '${probe}' nap --seconds=120`
    const call = run("bash", ["-c", script], { cwd: probe })
    setTimeout(() => stand.kill(), 5_000)
    const started = Date.now()
    const { status, stderr } = await call
    expect(Date.now() - started).toBeLessThan(40_000)
    expect(status).not.toBe(0)
    expect(stderr).toContain("stack: the engine has ended during the call")
  })
})

describe("./stack", () => {
  it("lists the functions of the module", async () => {
    expect((await stack(["functions"])).stdout).toContain("Everything an argument can be.")
  })

  it("explains itself", async () => {
    const { status, stdout } = await stack(["--help"])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Usage:\n {2}\.\/stack plan/)
  })
})
