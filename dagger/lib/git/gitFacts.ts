import * as z from "zod"

/**
 * What git says about the source, gathered once by `tools/gitFacts.ts` in a container that has git and passed on as
 * JSON. Nothing here is guessed: where git cannot answer, the field says why.
 */

const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "a full commit id")
const why = z.string().min(1)

const changeStatus = z.enum(["added", "modified", "deleted"])

const changedPath = z.object({
  /** Relative to the root of the source, as git stores it: no quoting, any character. */
  path: z.string().min(1),
  status: changeStatus,
})

const commit = z.object({
  sha,
  /** First parent first; none for a first commit, more than one for a merge. */
  parents: z.array(sha),
  /** Whole message, title and body. */
  message: z.string(),
  /** RFC 3339 in UTC. */
  authorTime: z.string(),
  /** RFC 3339 in UTC; what `created` labels are made from. */
  committerTime: z.string(),
})

/** States of a source folder in which git can answer nothing; `ok` is the other one. */
const unusableState = z.enum([
  /** No `.git` at all. */
  "not-a-repository",
  /** `.git` is a file that names a folder which is not here: a worktree or submodule that was uploaded alone. */
  "worktree-file",
  /** A repository without files of its own. */
  "bare",
  /** No commit yet. */
  "empty",
  /** The repository starts in another folder. */
  "not-the-root",
  /** Git refused or failed, or cannot read the commit that HEAD names. */
  "unreadable",
])

const repository = z.discriminatedUnion("state", [
  z.object({ state: z.literal("ok") }),
  z.object({ state: unusableState, why }),
])

const branch = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("branch"), name: z.string().min(1), given: z.boolean() }),
  z.object({ kind: z.literal("detached"), why }),
])

/** What the head is compared with, and why that. */
const base = z.discriminatedUnion("kind", [
  /** Where the branch left `ref`. */
  z.object({ kind: z.literal("merge-base"), ref: z.string(), tip: sha, commit: sha, why }),
  /** On main: the first parent. */
  z.object({ kind: z.literal("previous-commit"), commit: sha, why }),
  /** On main: what the branch was before the push. */
  z.object({ kind: z.literal("push"), commit: sha, why }),
  /** There is nothing before the head: every file is new. */
  z.object({ kind: z.literal("first-commit"), why }),
  z.object({ kind: z.literal("none"), why }),
])

const changes = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("known"), files: z.array(changedPath) }),
  z.object({ kind: z.literal("unknown"), why }),
])

const notice = z.object({
  kind: z.enum([
    "shallow",
    "first-commit",
    "detached-head",
    "merge-commit",
    "force-push",
    "new-branch",
    "base-missing",
    "no-common-history",
    "uncommitted-changes",
    "unfiltered",
    "changes-unknown",
    "unusable",
  ]),
  message: why,
})

export const gitFactsSchema = z.object({
  version: z.literal(1),
  repository,
  head: commit.optional(),
  /** The last commit that a head with two parents merged in: a pull request's own, where CI checked out its merge. */
  merged: z.object({ sha, message: z.string() }).optional(),
  branch,
  base,
  /** Committed changes from `base` to the head; a rename is a deletion and an addition. */
  changes,
  /** Changes of tracked files that are not committed, by content: file times and owners say nothing. */
  dirty: z.array(changedPath),
  /** Files git does not know and does not ignore. */
  untracked: z.array(z.string()),
  /** Files and folders (with a slash at the end) that git ignores and does not track, and what Python left. */
  ignored: z.array(z.string()),
  /** Whether history was cut off when cloning. */
  shallow: z.boolean(),
  /** Address of the repository that this is a clone of, without credentials. */
  remoteUrl: z.string().optional(),
  /** Everything unusual, as a sentence each. */
  notices: z.array(notice),
})

export type GitFacts = z.infer<typeof gitFactsSchema>
export type Commit = z.infer<typeof commit>
export type ChangedPath = z.infer<typeof changedPath>
export type RepositoryState = z.infer<typeof repository>
export type BranchState = z.infer<typeof branch>
export type Base = z.infer<typeof base>
export type GitNotice = z.infer<typeof notice>

/**
 * Reads what `tools/gitFacts.ts` printed.
 * @throws Error naming every field that is not as expected
 */
export function readGitFacts(json: string): GitFacts {
  const parsed = gitFactsSchema.safeParse(JSON.parse(json))
  if (parsed.success) return parsed.data
  throw new Error(`the git facts are not of version 1: ${z.prettifyError(parsed.error)}`)
}

/** Facts of a source that git says nothing about: planning then goes by content alone. */
export function noGitFacts(state: z.infer<typeof unusableState>, reason: string): GitFacts {
  return {
    version: 1,
    repository: { state, why: reason },
    branch: { kind: "detached", why: reason },
    base: { kind: "none", why: reason },
    changes: { kind: "unknown", why: reason },
    dirty: [],
    untracked: [],
    ignored: [],
    shallow: false,
    notices: [{ kind: "unusable", message: reason }],
  }
}
