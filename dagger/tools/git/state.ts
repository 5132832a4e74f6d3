import { lstat, readFile, realpath } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { RepositoryState } from "../../lib/git/gitFacts.js"
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
  const head = await ask(git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
  return head === undefined ? withoutHead(directory, git) : { state: "ok" }
}

/** Why HEAD names no commit that git can read. */
async function withoutHead(directory: string, git: Git): Promise<RepositoryState> {
  const lost = await lostAlternate(directory, git)
  if (lost !== undefined) return unreadable(borrowed(lost))
  const commit = (await ask(git, "rev-parse", "--verify", "--quiet", "HEAD"))?.trim()
  if (commit !== undefined) return unreadable(await unreadableCommit(commit, git))
  const branch = (await ask(git, "symbolic-ref", "--quiet", "HEAD"))?.trim()
  if (branch === undefined || (await kindOf(await pathIn(directory, git, branch))) === "file")
    return unreadable("HEAD names a branch that cannot be read: its file in .git/refs is empty or damaged")
  const refs = await ask(git, "for-each-ref", "--count=1", "--format=%(refname)")
  if (refs?.trim() === "") return { state: "empty", why: "the repository has no commit yet" }
  return unreadable(`HEAD names ${branch}, which is gone or has no commit yet`)
}

function unreadable(why: string): RepositoryState {
  return { state: "unreadable", why }
}

function borrowed(folder: string): string {
  return `the repository's objects lie in ${folder}, which was not uploaded: clone without --shared and --reference, or run "git repack -a -d" and remove .git/objects/info/alternates`
}

async function unreadableCommit(commit: string, git: Git): Promise<string> {
  const said = await git("cat-file", "commit", commit).catch(words)
  return `HEAD names the commit ${commit}, which cannot be read: ${said}`
}

function words(error: unknown): string {
  if (error instanceof GitFailed) return error.message
  throw error
}

/** The first folder of objects that this repository borrows and that is not here (gitrepository-layout(5)). */
async function lostAlternate(directory: string, git: Git): Promise<string | undefined> {
  const objects = await pathIn(directory, git, "objects")
  const list = join(objects, "info/alternates")
  if ((await kindOf(list)) !== "file") return undefined
  const lines = (await readFile(list, "utf8"))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
  const folders = lines.map((line) => resolve(objects, line))
  const kinds = await Promise.all(folders.map(kindOf))
  return folders.find((_, index) => kinds[index] === "missing")
}

/** Where a file of the repository is; a worktree shares most of them with its main checkout. */
async function pathIn(directory: string, git: Git, name: string): Promise<string> {
  return resolve(directory, (await git("rev-parse", "--git-path", name)).replace(/\n$/, ""))
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
