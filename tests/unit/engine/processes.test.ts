import { spawn } from "node:child_process"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { engineShell, stateFolder, withLibraries } from "../../support/engineShell.js"

const started: { kill(signal: NodeJS.Signals): boolean }[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL")
})

/** A process that lives until it is ended; with `stubborn` it ignores the polite way. */
function sleeper({ stubborn = false } = {}) {
  const script = stubborn
    ? "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    : "echo ready; exec sleep 60"
  const child = spawn("bash", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] })
  started.push(child)
  const ended = new Promise<string | null>((done) => {
    child.once("exit", (_, signal) => {
      done(signal)
    })
  })
  return new Promise<{ pid: string; ended: Promise<string | null>; running(): boolean }>((done) => {
    child.stdout.once("data", () => {
      done({
        pid: String(child.pid),
        ended,
        running: () => child.exitCode === null && child.signalCode === null,
      })
    })
  })
}

describe("a recorded process", () => {
  it("is known across shells, and ended by pid", async () => {
    const home = await stateFolder()
    const { pid, ended } = await sleeper()
    await engineShell(home, `record engine ${pid}`)
    expect((await engineShell(home, "pid_of engine")).stdout).toBe(`${pid}\n`)
    await engineShell(home, "stop engine 5")
    expect(await ended).toBe("SIGTERM")
    expect((await engineShell(home, "alive engine")).status).toBe(1)
  })

  it("is known though whoever started it was killed at once", async () => {
    const home = await stateFolder()
    // A start that is killed after the fork, and before the daemon is on record.
    const script = `eval "$(declare -f record | sed '1s/record/record_late/')"
      record() { echo forked; sleep 0.5; record_late "$@"; }
      daemon engine sleep 60`
    const killed = spawn("bash", ["-c", withLibraries(script)], {
      env: { ...process.env, STACK_ENGINE_HOME: home },
    })
    killed.stdout.once("data", () => killed.kill("SIGKILL"))
    await expect.poll(async () => (await engineShell(home, "alive engine")).status).toBe(0)
    expect(killed.signalCode).toBe("SIGKILL")
    await engineShell(home, "stop engine 5")
    expect((await engineShell(home, "alive engine")).status).toBe(1)
  })

  it("is killed, and said to be, when it does not end by itself", async () => {
    const home = await stateFolder()
    const { pid, ended } = await sleeper({ stubborn: true })
    const stop = await engineShell(home, `record engine ${pid}; stop engine 1`)
    expect(await ended).toBe("SIGKILL")
    expect(stop.stderr).toContain(`engine (pid ${pid}) did not end in 1 s: killed`)
  })

  it("is not taken for another process that has got its pid since", async () => {
    const home = await stateFolder()
    const stranger = await sleeper()
    const script = `echo '${stranger.pid} 1' >"$run_dir/engine.pid"`
    await engineShell(home, script)
    expect((await engineShell(home, "alive engine")).status).toBe(1)
    expect((await engineShell(home, "stop engine 1")).status).toBe(0)
    expect(stranger.running()).toBe(true)
  })

  it.each(["", "junk", "4194399 5"])("is not alive by a pid file with %j", async (content) => {
    const home = await stateFolder()
    expect((await engineShell(home, `echo '${content}' >"$run_dir/engine.pid"; alive engine`)).status).toBe(1)
  })
})

describe("with_lock", () => {
  it("lets one in after the other, and says that it waits", async () => {
    const home = await stateFolder()
    const critical = `slow() { echo in >>"$home/log"; sleep 0.5; echo out >>"$home/log"; }; with_lock slow`
    const both = await Promise.all([engineShell(home, critical), engineShell(home, critical)])
    expect((await engineShell(home, 'cat "$home/log"')).stdout).toBe("in\nout\nin\nout\n")
    expect(both.map(({ stderr }) => stderr).join("")).toContain(
      "waiting for another ./stack that builds, starts or stops",
    )
  })
})

describe("require_port", () => {
  it("names who has taken the port", async () => {
    const home = await stateFolder()
    const server = createServer().listen(0, "127.0.0.1")
    await new Promise((done) => server.once("listening", done))
    const { port } = server.address() as AddressInfo
    const need = (address: string) =>
      engineShell(home, `require_port ${String(port)} '${address}' "the local registry" "Stop it."`)
    const taken = await need("*")
    const elsewhere = await need("10.87.0.1")
    server.close()
    expect(taken.status).toBe(1)
    expect(taken.stderr).toMatch(
      new RegExp(
        `^stack: port ${String(port)}, needed for the local registry, is taken by \\S+, pid \\d+: .+\n +Stop it.\n$`,
      ),
    )
    expect(elsewhere).toMatchObject({ status: 0, stderr: "" })
  })
})
