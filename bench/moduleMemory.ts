import { readdirSync, readFileSync } from "node:fs"

/** The command of a module's process, wherever its container is. */
const moduleCommand = "/src/.dagger/main.mjs"
const pauseMilliseconds = 100

/** Watches the processes of modules on this machine until it is stopped. */
export function watchModuleMemory(): {
  /** @returns the most bytes of memory that one of them had at once; 0 where none was seen */
  readonly stop: () => number
} {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, ...modulePids().map(peakMemory))
  }, pauseMilliseconds)
  return {
    stop: () => {
      clearInterval(timer)
      return most
    },
  }
}

function modulePids(): readonly string[] {
  return readdirSync("/proc").filter(
    (name) => /^\d+$/.test(name) && read(name, "cmdline").includes(moduleCommand),
  )
}

/** The kernel's own mark of the most that a process ever had in memory, in bytes. */
function peakMemory(pid: string): number {
  const [, kilobytes = "0"] = /^VmHWM:\s+(\d+) kB$/m.exec(read(pid, "status")) ?? []
  return Number(kilobytes) * 1024
}

/** Of a process that has ended there is nothing to read. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8")
  } catch {
    return ""
  }
}
