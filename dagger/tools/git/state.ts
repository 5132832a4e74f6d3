import { lstat, readFile, realpath } from "node:fs/promises"
import { join } from "node:path"
import type { RepositoryState } from "../../src/git/gitFacts.js"
import { ask, GitFailed } from "./client.js"
import type { Git } from "./client.js"

/** Whether git can answer questions about this folder, and why not. */
export async function repositoryState(directory: string, git: Git): Promise<RepositoryState> {
  const kind = await kindOf(join(directory, ".git"))
  if (kind === "missing") return withoutGitFolder(directory)
  try {
    return await inspect(directory, git)
  } catch (error) {
    if (kind === "file") return { state: "worktree-file", why: await worktreeReason(directory) }
    if (error instanceof GitFailed)
      return { state: "unreadable", why: `git cannot read the repository: ${error.message}` }
    throw error
  }
}

async function inspect(directory: string, git: Git): Promise<RepositoryState> {
  if ((await git("rev-parse", "--is-bare-repository")).trim() === "true") return bare
  const top = (await git("rev-parse", "--show-toplevel")).replace(/\n$/, "")
  if ((await realpath(top)) !== directory) {
    return { state: "not-the-root", why: `the repository's files are in ${top}, not in the source folder` }
  }
  if ((await ask(git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")) === undefined) {
    return { state: "empty", why: "the repository has no commit yet" }
  }
  return { state: "ok" }
}

const bare: RepositoryState = { state: "bare", why: "the repository is bare: it has no files to build" }

async function withoutGitFolder(directory: string): Promise<RepositoryState> {
  const parts = await Promise.all(["HEAD", "objects", "refs"].map((name) => kindOf(join(directory, name))))
  if (parts.join(" ") === "file folder folder") return bare
  return { state: "not-a-repository", why: "the source has no .git: it is not the root of a git repository" }
}

async function worktreeReason(directory: string): Promise<string> {
  const text = await readFile(join(directory, ".git"), "utf8")
  const target = /^gitdir: (.*)$/m.exec(text)?.[1] ?? "an unknown place"
  return `.git is a file that points to ${target}, which was not uploaded: this is a git worktree or a submodule; run from the main checkout`
}

async function kindOf(path: string): Promise<"file" | "folder" | "missing"> {
  try {
    return (await lstat(path)).isDirectory() ? "folder" : "file"
  } catch {
    return "missing"
  }
}
