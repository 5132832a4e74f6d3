import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { shellCommand, shellQuote } from "../../dagger/lib/text/shell.js"
import { run } from "./stack.js"

/** What stood on a terminal when a command had ended. */
export interface Screen {
  readonly status: number
  /** Its last lines, `rows` at most, without the empty ones below. */
  readonly text: string
  /** The same with the colours that were set. */
  readonly colours: string
  /** Milliseconds from the key that was pressed to the end, where one was. */
  readonly answered: number
}

/** A terminal, and what happens at it. */
export interface ScreenOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
  /** What is done in turn, each as soon as the screen shows something, with what it shows then. */
  readonly steps?: readonly { readonly when: RegExp; readonly act: (text: string) => unknown }[]
  /** A key of tmux, such as `C-c`, that is pressed after these, as soon as the screen shows something. */
  readonly press?: { readonly key: string; readonly when: RegExp }
  /** Milliseconds. */
  readonly timeout?: number
}

/** Behind what a terminal shows of Ctrl-C, where nothing else was said. */
const ended = /^(?:\^C)*ended with (\d+)$/m

/**
 * Runs a command at a terminal of a given size, and reads it as a person would: tmux is the terminal.
 * @throws Error where it does not end in time, with what stood on the screen last
 */
export async function onScreen(words: readonly string[], options: ScreenOptions): Promise<Screen> {
  const { cwd, env = {}, columns = 80, rows = 40, steps = [], press, timeout = 180_000 } = options
  const left = [...steps]
  const name = `stack-${randomUUID()}`
  const tmux = async (...args: readonly string[]) =>
    (await run("tmux", ["-L", name, "-f", "/dev/null", ...args], { cwd, env: { LC_ALL: "C.UTF-8" } })).stdout
  const settings = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  // The runner of the tests may have told those to be without colours.
  const command = shellCommand(["env", "--unset=NO_COLOR", ...settings, ...words])
  // Ctrl-C reaches this shell, too, which is to tell the status.
  const line = `trap : INT; ${command}; echo "ended with $?"; sleep 600`
  const size = ["-x", String(columns), "-y", String(rows)]
  await tmux("new-session", "-d", "-s", "one", ...size, `sh -c ${shellQuote(line)}`)
  const started = Date.now()
  let pressed: number | undefined
  try {
    while (Date.now() - started < timeout) {
      await sleep(100)
      const text = (await tmux("capture-pane", "-p", "-t", "one")).trimEnd()
      if (left[0]?.when.test(text) === true) await left.shift()?.act(text)
      else if (left.length === 0 && press !== undefined && pressed === undefined && press.when.test(text)) {
        pressed = Date.now()
        await tmux("send-keys", "-t", "one", press.key)
      }
      const status = ended.exec(text)?.[1]
      if (status === undefined) continue
      const colours = (await tmux("capture-pane", "-p", "-e", "-t", "one")).trimEnd()
      const answered = pressed === undefined ? 0 : Date.now() - pressed
      return { status: Number(status), text: withoutEnd(text), colours: withoutEnd(colours), answered }
    }
    throw new Error(
      `did not end within ${timeout / 1000} s:\n${await tmux("capture-pane", "-p", "-t", "one")}`,
    )
  } finally {
    await tmux("kill-server")
  }
}

function withoutEnd(text: string): string {
  return text.replace(ended, "").trimEnd()
}
