import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename } from "node:path"

/** By this, rules are found that a killed test has left. */
const mark = "stack-tests"

/** What becomes of a packet: lost without a word, or answered as by a machine where nobody listens. */
const targets = {
  lost: {
    rules: [
      ["INPUT", "--dport"],
      ["OUTPUT", "--sport"],
    ],
    jump: ["DROP"],
  },
  refused: { rules: [["INPUT", "--dport"]], jump: ["REJECT", "--reject-with", "tcp-reset"] },
} as const

/**
 * Cuts the line to a port of this machine, also for who is connected already.
 * @returns what mends it
 */
export function cutLine(port: number, how: keyof typeof targets = "lost"): () => void {
  const { rules, jump } = targets[how]
  const change = (operation: "-I" | "-D") => {
    for (const [chain, side] of rules) {
      const match = ["-p", "tcp", side, String(port), "-m", "comment", "--comment", `${mark} ${port}`]
      execFileSync("iptables", ["-w", operation, chain, ...match, "-j", ...jump])
    }
  }
  change("-I")
  return () => {
    change("-D")
  }
}

/** Mends all lines that tests have cut, also tests that were killed. */
export function mendLines(): void {
  const rules = execFileSync("iptables-save", ["--table", "filter"], { encoding: "utf8" })
  for (const [, rule = ""] of rules.matchAll(new RegExp(`^-A (.*"${mark} \\\\d+".*)$`, "gm"))) {
    execFileSync("bash", ["-c", `iptables -w -D ${rule}`])
  }
}

/**
 * Pids of Node's processes in containers that are connected to a port: a module's process, found without a word to the
 * engine.
 */
export function modulesConnectedTo(port: number): readonly number[] {
  const here = readlinkSync("/proc/self/ns/net")
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          basename(readlinkSync(`/proc/${pid}/exe`)) === "node" &&
          readlinkSync(`/proc/${pid}/ns/net`) !== here &&
          isConnected(readFileSync(`/proc/${pid}/net/tcp`, "latin1"), port)
        )
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
    .map(Number)
}

/** Whether a table of connections (proc(5)) has one to a port that stands. */
function isConnected(table: string, port: number): boolean {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return table.split("\n").some((line) => {
    const [, , address = "", state] = line.trim().split(/\s+/)
    return address.endsWith(remote) && state === "01"
  })
}

/**
 * Ends the module's process that is connected to a port, as the kernel does when memory is short.
 * @throws Error where there is not exactly one
 */
export function killModule(port: number): void {
  const pids = modulesConnectedTo(port)
  const [pid] = pids
  if (pid === undefined || pids.length > 1) throw new Error(`processes connected to ${port}: ${pids.join()}`)
  process.kill(pid, "SIGKILL")
}

/** Command lines of this machine's processes whose working directory is a folder. */
export function processesIn(folder: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder
          ? [readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")]
          : []
      } catch {
        return []
      }
    })
}
