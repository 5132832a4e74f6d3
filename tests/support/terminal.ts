import { spawn } from "node:child_process"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { shellCommand } from "../../dagger/lib/text/shell.js"
import { checkout } from "./stack.js"

/** What a person at a terminal waits for, and then types. */
export interface Exchange {
  readonly when: RegExp
  readonly type: string
}

/** What stood on the terminal, and how the call ended. */
export interface TerminalSession {
  readonly status: number
  readonly screen: string
}

/**
 * Calls `./stack` at a terminal (util-linux's `script` makes one) and types.
 * @throws Error where it does not end in time, with what stood on the terminal last
 */
export async function atTerminal(
  args: readonly string[],
  exchanges: readonly Exchange[],
  { cwd, timeout = 120_000 }: { readonly cwd: string; readonly timeout?: number },
): Promise<TerminalSession> {
  const command = shellCommand([join(checkout, "stack"), ...args])
  const child = spawn("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    cwd,
  })
  const waiting = [...exchanges]
  let screen = ""
  let seen = 0
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString()
    const [next] = waiting
    if (next?.when.test(stripVTControlCharacters(screen.slice(seen))) !== true) return
    waiting.shift()
    seen = screen.length
    child.stdin.write(next.type)
  })
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      fail(new Error(`did not end within ${timeout / 1000} s: ${screen.slice(-2000)}`))
    }, timeout)
    child.once("exit", (status) => {
      clearTimeout(timer)
      done({ status: status ?? 1, screen: stripVTControlCharacters(screen) })
    })
  })
}
