import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { constants, tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import type { Files } from "./source.js"

/** The checkout under test. */
export const checkout = resolve(import.meta.dirname, "../..")

/** What a command left: both streams, and how it ended. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Settings of one call of `./stack`. */
export interface CallOptions {
  /** Folder to call it in: the user's. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds after which it is ended; it then has status 124. */
  readonly timeout?: number
}

/** Where `./stack` keeps reports of last runs when tests call it: not among those of the user. */
export const stateHome = join(tmpdir(), "stack-tests-state")

/** Calls `./stack` as a user does. Never throws for a failing call: its status is part of the result. */
export function stack(args: readonly string[], options: CallOptions): Promise<Ended> {
  const env = { XDG_STATE_HOME: stateHome, ...options.env }
  return run(join(checkout, "stack"), args, { ...options, env })
}

/** Runs a program; a status that is not 0 is part of the result. */
export function run(program: string, args: readonly string[], options: CallOptions): Promise<Ended> {
  const { cwd, env = {}, timeout = 900_000 } = options
  return new Promise((done) => {
    const settings = { cwd, env: { ...process.env, ...env }, timeout, maxBuffer: 1 << 28 }
    execFile(program, args, settings, (error, stdout, stderr) => {
      done({ status: statusOf(error), stdout, stderr })
    })
  })
}

/** A program that runs in a process group of its own, as a terminal's foreground job does. */
export interface RunningProgram {
  readonly pid: number
  /** What it has said on stderr so far. */
  stderr(): string
  /** Sends a signal to it and to all that it has started: SIGINT is what Ctrl-C does. */
  signal(name: NodeJS.Signals): void
  /** How it ended; a status of 128 and more stands for a signal, as in a shell. */
  readonly ended: Promise<Ended>
}

/** Starts a program that the test interrupts. */
export function start(program: string, args: readonly string[], options: CallOptions): RunningProgram {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} could not be started`)
  const output = { stdout: "", stderr: "" }
  child.stdout.on("data", (text: Buffer) => (output.stdout += text.toString()))
  child.stderr.on("data", (text: Buffer) => (output.stderr += text.toString()))
  // Not "close": what it has started may hold its pipes open.
  const ended = once(child, "exit").then(([status, signal]: (number | NodeJS.Signals | null)[]) => ({
    status: typeof status === "number" ? status : 128 + constants.signals[signal as NodeJS.Signals],
    ...output,
  }))
  return {
    pid,
    stderr: () => output.stderr,
    signal: (name) => child.exitCode === null && child.signalCode === null && process.kill(-pid, name),
    ended,
  }
}

function statusOf(error: { code?: number | string | null; killed?: boolean } | null): number {
  if (error === null) return 0
  if (error.killed === true) return 124
  return typeof error.code === "number" ? error.code : 1
}

/** A folder of its own with files in it, and a git repository with one commit on `main` where asked for. */
export async function workspace(files: Files, { git = true, modes = {} } = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stack-e2e-"))
  await writeFiles(folder, files, modes)
  if (git) await commitAll(folder, "first", { init: true })
  return folder
}

/** Writes or replaces files below a folder. */
export async function writeFiles(
  folder: string,
  files: Files,
  modes: Readonly<Record<string, number>> = {},
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    if (typeof content === "string") await writeFile(target, content)
    else await symlink(content.symlink, target)
    const mode = modes[path]
    if (mode !== undefined) await chmod(target, mode)
  }
}

/** Commits everything in a folder, and returns the commit. */
export async function commitAll(folder: string, message: string, { init = false } = {}): Promise<string> {
  const git = async (...args: string[]) => {
    const author = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    const ended = await run("git", [...author, ...args], { cwd: folder })
    if (ended.status !== 0) throw new Error(`git ${args.join(" ")}: ${ended.stderr}`)
    return ended.stdout.trim()
  }
  if (init) await git("init", "--quiet", "--initial-branch=main")
  await git("add", "--all")
  await git("commit", "--quiet", "--allow-empty", `--message=${message}`)
  return git("rev-parse", "HEAD")
}

/** Removes a folder of a test. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}
