import { dirname } from "node:path"
import { simpleGit } from "simple-git"

/** A git command that failed, with what git said, in one line. */
export class GitFailed extends Error {
  override readonly name = "GitFailed"
  /** Whether git gave no reason: where the status is the answer to a question, it says no. */
  readonly silent: boolean

  constructor(
    readonly exitCode: number,
    said: string,
  ) {
    const lines = said.split("\n").map((line) => line.trim())
    const words = lines.filter((line) => line !== "").join("; ")
    super(words === "" ? `git exited with status ${exitCode}` : words)
    this.silent = words === ""
  }
}

/** Runs git in one folder; gives its standard output. Rejects with GitFailed on any exit status but 0. */
export type Git = (...args: readonly string[]) => Promise<string>

/** The ambient environment must not reach git: a caller's `GIT_DIR` or locale would change the answers. */
function environment(directory: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    // No user's configuration: there is no file below it.
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ATTR_NOSYSTEM: "1",
    // A repository further up is somebody else's.
    GIT_CEILING_DIRECTORIES: dirname(directory),
    // The source may be read-only, and asking must not change it.
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    // A partial clone would otherwise run `remote.origin.uploadpack` of its own configuration.
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "",
    // `refs/replace` would show another history than the one that was pushed.
    GIT_NO_REPLACE_OBJECTS: "1",
  }
}

/**
 * Settings that win over the repository's own. A source's `.git/config` is not to be trusted: hooks, the file system
 * monitor and filters are commands that git would run.
 */
const settings = [
  // Protected configuration: the files belong to whoever uploaded them.
  "safe.directory=*",
  "core.quotepath=off",
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "core.untrackedCache=false",
  "log.showSignature=false",
]

/**
 * Opens a folder for reading facts. simple-git refuses settings and variables that could run commands; those named
 * here only switch such commands off.
 * @param directory absolute, without symlinks
 * @param filters names of filter drivers to switch off
 */
export function openGit(directory: string, filters: readonly string[] = []): Git {
  const env = environment(directory)
  const git = simpleGit({
    baseDir: directory,
    config: [...settings, ...filters.flatMap(withoutFilter)],
    allowEnvironment: Object.keys(env),
    unsafe: { allowUnsafeFsMonitor: true, allowUnsafeHooksPath: true, allowUnsafeFilter: true },
    // Its defaults take a process that exits without closing its output as complete, and a failure that prints
    // nothing to standard error as a success.
    completion: { onClose: true, onExit: false },
    errors: (error, { exitCode, stdErr, stdOut }) => {
      if (exitCode === 0) return error
      // It keeps only the text of an error, so the exit status goes first.
      return Buffer.concat([Buffer.from(`${exitCode} `), ...stdErr, ...stdOut])
    },
  }).env(env)
  return (...args) => git.raw([...args]).catch(rethrow)
}

function rethrow(error: unknown): never {
  const [, exitCode, said] = /^(\d+) ([^]*)$/.exec(error instanceof Error ? error.message : "") ?? []
  throw exitCode === undefined ? error : new GitFailed(Number(exitCode), said ?? "")
}

function withoutFilter(name: string): readonly string[] {
  return [`filter.${name}.clean=`, `filter.${name}.process=`, `filter.${name}.required=false`]
}

/** The output, or undefined where git says no with an exit status. */
export async function ask(git: Git, ...args: readonly string[]): Promise<string | undefined> {
  try {
    return await git(...args)
  } catch (error) {
    if (error instanceof GitFailed) return undefined
    throw error
  }
}

/**
 * The output, or undefined where git says no without a word. Some failures have the same exit status as "no", so what
 * git printed tells them apart: `git merge-base` exits with 1 where it could not read a commit in between.
 * @throws GitFailed where git could not find out
 */
export async function askStrictly(git: Git, ...args: readonly string[]): Promise<string | undefined> {
  try {
    return await git(...args)
  } catch (error) {
    if (error instanceof GitFailed && error.silent) return undefined
    throw error
  }
}

/** Splits output of `-z`. */
export function fields(output: string): readonly string[] {
  return output.split("\0").filter((field) => field !== "")
}
