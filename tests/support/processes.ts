import { readdirSync, readFileSync } from "node:fs"

/** Often enough for a git that runs a tenth of a second. */
const pause = 10

/**
 * Reads the command lines of all processes of this machine, those in an engine's containers included, as often as it
 * can until it is stopped.
 */
export function watchCommandLines(): { readonly stop: () => readonly string[] } {
  const found = new Set<string>()
  const known = new Map<string, string>()
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const line = readCommandLine(pid)
      if (known.get(pid) === line) continue
      known.set(pid, line)
      found.add(line)
    }
  }, pause)
  return {
    stop: () => {
      clearInterval(timer)
      return [...found]
    },
  }
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")
  } catch {
    return ""
  }
}
