import { execFile } from "node:child_process"
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** A real git repository in a temporary folder. */
export class GitRepo {
  private constructor(readonly directory: string) {}

  /** An empty repository on `main`; `init` gives further arguments of `git init`. */
  static async create({ init = [] as readonly string[] } = {}): Promise<GitRepo> {
    const repo = new GitRepo(await temporaryFolder())
    await repo.git("init", "--quiet", "--initial-branch=main", ...init, ".")
    return repo
  }

  /** A clone, with further arguments of `git clone`; by URL, because a clone by path is never shallow. */
  async clone(...args: readonly string[]): Promise<GitRepo> {
    const copy = new GitRepo(await temporaryFolder())
    await this.git("clone", "--quiet", ...args, `file://${this.directory}`, copy.directory)
    return copy
  }

  /** Another folder seen as a repository: a worktree, a submodule, a copy. */
  at(directory: string): GitRepo {
    return new GitRepo(directory)
  }

  /** Runs git without the user's configuration, as one fixed person at one fixed time; gives its output, trimmed. */
  async git(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("git", ["-c", "protocol.file.allow=always", ...args], {
      cwd: this.directory,
      env: {
        PATH: process.env.PATH,
        HOME: "/nonexistent",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "Ada",
        GIT_AUTHOR_EMAIL: "ada@example.org",
        GIT_AUTHOR_DATE: "2026-10-01T10:00:00+02:00",
        GIT_COMMITTER_NAME: "Ada",
        GIT_COMMITTER_EMAIL: "ada@example.org",
        GIT_COMMITTER_DATE: "2026-10-02T10:00:00+02:00",
      },
    })
    return stdout.trim()
  }

  /** Writes files; `null` deletes one. */
  async write(files: Readonly<Record<string, string | null>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      const absolute = join(this.directory, path)
      if (content === null) {
        await rm(absolute)
        continue
      }
      await mkdir(dirname(absolute), { recursive: true })
      await writeFile(absolute, content)
    }
  }

  /** Writes files and commits everything; gives the commit's id. */
  async commit(message: string, files: Readonly<Record<string, string | null>> = {}): Promise<string> {
    await this.write(files)
    await this.git("add", "--all")
    await this.git("commit", "--quiet", "--allow-empty", "--message", message)
    return this.git("rev-parse", "HEAD")
  }
}

const folders: string[] = []

/** A new folder without symlinks in its path, removed by `removeTemporaryFolders`. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "stack-test-")))
  folders.push(folder)
  return folder
}

/** Removes every folder made here: for `afterAll`. */
export async function removeTemporaryFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}
