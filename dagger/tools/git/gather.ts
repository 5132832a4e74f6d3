import { realpath } from "node:fs/promises"
import { noGitFacts } from "../../lib/git/gitFacts.js"
import type { BranchState, Commit, GitFacts, GitNotice } from "../../lib/git/gitFacts.js"
import { chooseBase, hasCommit } from "./base.js"
import type { BaseOptions } from "./base.js"
import { readChanges } from "./changes.js"
import type { WorkingTree } from "./changes.js"
import { ask, openGit } from "./client.js"
import type { Git } from "./client.js"
import { clonedFrom } from "./configuration.js"
import { repositoryState } from "./state.js"
import { withoutCredentials } from "./url.js"

export interface GatherOptions extends BaseOptions {
  /** Name of the branch where the checkout does not say: CI checks out a commit, not a branch. */
  readonly branch?: string | undefined
  /** Address of the repository, where neither a configuration nor the clone itself says it. */
  readonly origin?: string | undefined
}

/**
 * Asks git everything that a plan uses. Nothing in the folder is changed, and no command that its configuration
 * names is run. Pitfalls are facts with a reason; only a missing git or a missing folder is an error.
 */
export async function gatherGitFacts(directory: string, options: GatherOptions = {}): Promise<GitFacts> {
  const root = await realpath(directory)
  const state = await repositoryState(root, openGit(root))
  if (state.state !== "ok") return noGitFacts(state.state, state.why)
  const filters = await filterDrivers(openGit(root))
  const git = openGit(root, filters)
  const head = await readCommit(git)
  const merged = await readMerged(git, head)
  const branch = await readBranch(git, options.branch)
  const shallow = (await git("rev-parse", "--is-shallow-repository")).trim() === "true"
  const choice = await chooseBase(git, { head, branch, shallow }, options)
  const { changes, dirty, untracked, ignored, notices } = await readChanges(git, choice.base, head.sha)
  const remoteUrl = options.origin ?? (await originOf(root, git))
  return {
    version: 1,
    repository: state,
    head,
    ...(merged !== undefined && { merged }),
    branch,
    base: choice.base,
    changes,
    dirty,
    untracked,
    ignored,
    shallow,
    ...(remoteUrl !== undefined && { remoteUrl: withoutCredentials(remoteUrl) }),
    notices: [
      ...noticesOf(head, branch, shallow, { dirty, untracked }),
      ...filterNotice(filters),
      ...choice.notices,
      ...notices,
    ],
  }
}

async function readCommit(git: Git): Promise<Commit> {
  const format = ["%H", "%at", "%ct", "%B"].join("%x00")
  const [sha = "", author, committer, ...message] = (
    await git("log", "-1", "--no-show-signature", "--encoding=UTF-8", `--format=${format}`, "HEAD")
  ).split("\0")
  return {
    sha,
    parents: await recordedParents(git),
    message: message.join("\0").trim(),
    authorTime: utc(author),
    committerTime: utc(committer),
  }
}

/** The second parent of a merge, where this clone has it. */
async function readMerged(git: Git, { parents }: Commit): Promise<GitFacts["merged"]> {
  const [, sha, ...more] = parents
  if (sha === undefined || more.length > 0 || !(await hasCommit(git, sha))) return undefined
  const message = await git("log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%B", sha)
  return { sha, message: message.trim() }
}

/** From the commit itself: `git log` hides the parents at the edge of a shallow clone. */
async function recordedParents(git: Git): Promise<string[]> {
  const [header = ""] = (await git("cat-file", "commit", "HEAD")).split("\n\n")
  return header.split("\n").flatMap((line) => (line.startsWith("parent ") ? [line.slice(7)] : []))
}

async function readBranch(git: Git, given: string | undefined): Promise<BranchState> {
  if (given !== undefined && given !== "") return { kind: "branch", name: given, given: true }
  const name = (await ask(git, "symbolic-ref", "--quiet", "--short", "HEAD"))?.trim()
  if (name !== undefined && name !== "") return { kind: "branch", name, given: false }
  return { kind: "detached", why: "the head is detached and no branch was named with --branch" }
}

async function originOf(root: string, git: Git): Promise<string | undefined> {
  return (await ask(git, "config", "--get", "remote.origin.url"))?.trim() ?? (await clonedFrom(root))
}

/** Filter drivers of the repository's own configuration: each is a command. */
async function filterDrivers(git: Git): Promise<readonly string[]> {
  const output = (await ask(git, "config", "--null", "--name-only", "--get-regexp", "^filter\\..*\\.")) ?? ""
  const names = output.split("\0").flatMap((key) => /^filter\.([^]*)\.[^.]*$/.exec(key)?.[1] ?? [])
  return [...new Set(names)]
}

function noticesOf(
  head: Commit,
  branch: BranchState,
  shallow: boolean,
  { dirty, untracked }: Pick<WorkingTree, "dirty" | "untracked">,
): GitNotice[] {
  const notices: GitNotice[] = []
  if (shallow) notices.push({ kind: "shallow", message: "the clone is shallow: older history is missing" })
  if (branch.kind === "detached") notices.push({ kind: "detached-head", message: branch.why })
  if (head.parents.length > 1) {
    notices.push({ kind: "merge-commit", message: `the head is a merge of ${head.parents.length} commits` })
  }
  if (dirty.length + untracked.length > 0) {
    const message = `the source has uncommitted changes: ${dirty.length} changed and ${untracked.length} untracked files`
    notices.push({ kind: "uncommitted-changes", message })
  }
  return notices
}

function filterNotice(filters: readonly string[]): GitNotice[] {
  if (filters.length === 0) return []
  const message = `filters of the repository's configuration are not run (${filters.join(", ")}): files they apply to may count as changed`
  return [{ kind: "unfiltered", message }]
}

function utc(seconds: string | undefined): string {
  return new Date(Number(seconds) * 1000).toISOString()
}
