import type { Base, BranchState, Commit, GitNotice } from "../../lib/git/gitFacts.js"
import { ask, askStrictly, GitFailed } from "./client.js"
import type { Git } from "./client.js"

/** What the caller knows beyond the repository. */
export interface BaseOptions {
  /** Branch, tag or commit to compare with, `origin`'s first; by default `main`. */
  readonly base?: string | undefined
  /** What the branch was before the push: the `before` of GitHub's push event. */
  readonly previous?: string | undefined
}

/** The choice, and what was unusual about it. */
export interface BaseChoice {
  readonly base: Base
  readonly notices: readonly GitNotice[]
}

/** What the choice is made from. */
export interface Position {
  readonly head: Commit
  readonly branch: BranchState
  readonly shallow: boolean
}

interface ResolvedBase {
  /** As a person writes it: `origin/main`. */
  readonly name: string
  readonly tip: string
}

const defaultBranch = "main"
/** What GitHub sends as `before` where a branch is new. */
const nullCommit = /^0+$/

/**
 * Chooses the commit that the head is compared with, and says why; none, in git's words, where commits in between
 * cannot be read.
 */
export async function chooseBase(git: Git, position: Position, options: BaseOptions): Promise<BaseChoice> {
  try {
    return await choose(git, position, options)
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error
    const message = `git cannot say what to compare with: ${error.message}`
    return { base: { kind: "none", why: message }, notices: [{ kind: "changes-unknown", message }] }
  }
}

async function choose(git: Git, position: Position, options: BaseOptions): Promise<BaseChoice> {
  const { head } = position
  if (head.parents.length === 0) return firstCommit()
  const wanted = options.base ?? defaultBranch
  const resolved = await resolveBase(git, wanted)
  if (isOnBase(position, wanted, resolved)) return choosePrevious(git, position, options.previous)
  const forced = await forcePush(git, head, options.previous)
  const choice =
    resolved === undefined ? baseMissing(position, wanted) : await mergeBase(git, position, resolved)
  return { base: choice.base, notices: [...choice.notices, ...forced] }
}

/** Whether a commit is here, not only named by another one. */
export async function hasCommit(git: Git, commit: string): Promise<boolean> {
  return (await ask(git, "cat-file", "-e", "--end-of-options", `${commit}^{commit}`)) !== undefined
}

function firstCommit(): BaseChoice {
  const message = "the head is the first commit: every file counts as new"
  return { base: { kind: "first-commit", why: message }, notices: [{ kind: "first-commit", message }] }
}

/** A remote's branch goes before a local one of the same name, which may be old. */
async function resolveBase(git: Git, wanted: string): Promise<ResolvedBase | undefined> {
  const candidates = [
    { name: `origin/${wanted}`, ref: `refs/remotes/origin/${wanted}` },
    { name: wanted, ref: wanted },
  ]
  for (const { name, ref } of candidates) {
    const tip = await ask(git, "rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`)
    if (tip !== undefined) return { name, tip: tip.trim() }
  }
  return undefined
}

/** A detached head without a branch's name counts as main where it is main's tip: that is how CI checks out. */
function isOnBase({ head, branch }: Position, wanted: string, resolved: ResolvedBase | undefined): boolean {
  if (branch.kind === "branch") return branch.name === wanted.replace(/^origin\//, "")
  return resolved?.tip === head.sha
}

async function choosePrevious(
  git: Git,
  position: Position,
  previous: string | undefined,
): Promise<BaseChoice> {
  const { head } = position
  if (previous === undefined || nullCommit.test(previous))
    return { base: await firstParent(git, position), notices: [] }
  if (await isAncestor(git, previous, head.sha)) {
    const why = `on the base branch: compared with ${short(previous)}, where it was before the push`
    return { base: { kind: "push", commit: await fullId(git, previous), why }, notices: [] }
  }
  const notices = await forcePush(git, head, previous)
  const shared = await commonAncestor(git, previous, head.sha)
  if (shared === undefined) return { base: await firstParent(git, position), notices }
  const why = `on the base branch after a force push: compared with ${short(shared)}, the last commit that both histories share`
  return { base: { kind: "push", commit: shared, why }, notices }
}

async function firstParent(git: Git, { head, shallow }: Position): Promise<Base> {
  const [parent] = head.parents
  if (parent !== undefined && (await hasCommit(git, parent))) {
    const why = `on the base branch: compared with the previous commit ${short(parent)}`
    return { kind: "previous-commit", commit: parent, why }
  }
  return { kind: "none", why: `the previous commit is not in this clone${shallowHint(shallow)}` }
}

async function mergeBase(git: Git, { head, shallow }: Position, resolved: ResolvedBase): Promise<BaseChoice> {
  const commit = await commonAncestor(git, resolved.tip, head.sha)
  if (commit === undefined) {
    const message = `${resolved.name} and the head share no commit in this clone${shallowHint(shallow)}`
    return { base: { kind: "none", why: message }, notices: [{ kind: "no-common-history", message }] }
  }
  const why = `compared with ${short(commit)}, where the branch left ${resolved.name}`
  return { base: { kind: "merge-base", ref: resolved.name, tip: resolved.tip, commit, why }, notices: [] }
}

function baseMissing({ shallow }: Position, wanted: string): BaseChoice {
  const message = `neither origin/${wanted} nor ${wanted} is in this clone${shallowHint(shallow)}${shallow ? ", or" : ":"} name another with --base`
  return { base: { kind: "none", why: message }, notices: [{ kind: "base-missing", message }] }
}

/** Whether a push replaced history, or made the branch; nothing to say about an ordinary push. */
async function forcePush(
  git: Git,
  head: Commit,
  previous: string | undefined,
): Promise<readonly GitNotice[]> {
  if (previous === undefined) return []
  if (nullCommit.test(previous)) return [{ kind: "new-branch", message: "the push made this branch" }]
  if (!(await hasCommit(git, previous))) {
    const message = `${short(previous)}, where the branch was before the push, is not in this clone: it was force pushed, or the clone is shallow`
    return [{ kind: "force-push", message }]
  }
  if (await isAncestor(git, previous, head.sha)) return []
  return [{ kind: "force-push", message: `a force push replaced ${short(previous)}` }]
}

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  if (!(await hasCommit(git, older))) return false
  return (await askStrictly(git, "merge-base", "--is-ancestor", older, newer)) !== undefined
}

async function commonAncestor(git: Git, a: string, b: string): Promise<string | undefined> {
  if (!(await hasCommit(git, a))) return undefined
  const found = (await askStrictly(git, "merge-base", a, b))?.trim()
  return found === "" ? undefined : found
}

async function fullId(git: Git, commit: string): Promise<string> {
  return (await git("rev-parse", "--verify", "--end-of-options", `${commit}^{commit}`)).trim()
}

function shallowHint(shallow: boolean): string {
  return shallow ? ", which is shallow: fetch the whole history (`fetch-depth: 0`)" : ""
}

function short(commit: string): string {
  return commit.slice(0, 12)
}
