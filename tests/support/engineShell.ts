import { spawn } from "node:child_process"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checkout, run } from "./stack.js"
import type { Ended } from "./stack.js"

const libraries = ["common", "prerequisites", "steps", "recipes", "processes", "network", "cache"]

/** A new, empty state directory: what STACK_ENGINE_HOME names. */
export function stateFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "stack-engine-"))
}

/** A script that runs with the engine's functions at hand. */
export function withLibraries(script: string): string {
  const sources = libraries.map((name) => `source '${checkout}/engine/lib/${name}.sh'`)
  return ["set -euo pipefail", ...sources, 'mkdir -p "$run_dir"', script].join("\n")
}

/** Runs a script with the engine's functions, and `home` as its state directory. */
export function engineShell(
  home: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const options = { cwd: checkout, env: { STACK_ENGINE_HOME: home, ...env }, timeout: 60_000 }
  // Node's pipes are sockets: bash would take itself for a remote login and read .bashrc, which changes the PATH.
  return run("bash", ["--norc", "-c", withLibraries(script)], options)
}

/** Starts such a script, and kills it and all it started as soon as it has printed a line: an interruption. */
export function killedAtFirstLine(home: string, script: string): Promise<void> {
  const child = spawn("bash", ["-c", withLibraries(script)], {
    env: { ...process.env, STACK_ENGINE_HOME: home },
    stdio: ["ignore", "pipe", "ignore"],
    // A process group of its own, to end all of it.
    detached: true,
  })
  child.stdout.once("data", () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
  })
  return new Promise((done) => {
    child.once("exit", () => {
      done()
    })
  })
}
