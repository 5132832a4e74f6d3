import { spawn } from "node:child_process"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { checkout } from "./stack.js"
import { freePort } from "./freePort.js"

/** Settings of a call that serves. */
export interface ServingOptions {
  readonly cwd: string
  /** Port that the server listens on in its container. */
  readonly serverPort: number
  /** Milliseconds until it has to answer. */
  readonly timeout?: number
}

/**
 * Calls `./stack ... up` in the background, and ends it when `use` is done.
 * @throws Error where nothing answers in time, with what the call printed
 */
export async function serving(
  args: readonly string[],
  { cwd, serverPort, timeout = 300_000 }: ServingOptions,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const port = await freePort()
  // A process group of its own, to end all of it.
  const child = spawn(join(checkout, "stack"), [...args, "up", `--ports=${port}:${serverPort}`], {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const printed: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => printed.push(String(text)))
  const ended = new Promise<void>((done) =>
    child.once("exit", () => {
      done()
    }),
  )
  try {
    const url = `http://127.0.0.1:${port}`
    await answering(url, timeout, () => {
      if (child.exitCode !== null) throw new Error(`the call ended early: ${printed.join("").slice(-3000)}`)
    })
    await use(url)
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM")
    await ended
  }
}

async function answering(url: string, timeout: number, check: () => void): Promise<void> {
  const deadline = Date.now() + timeout
  for (;;) {
    check()
    try {
      await fetch(url)
      return
    } catch {
      if (Date.now() > deadline) throw new Error(`nothing answers at ${url} after ${timeout / 1000} s`)
      await pause(200)
    }
  }
}
