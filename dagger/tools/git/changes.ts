import { isLeftByPython, isUploaded } from "../../lib/dockerfile/upload.js"
import type { Base, ChangedPath, GitFacts, GitNotice } from "../../lib/git/gitFacts.js"
import { fields, GitFailed } from "./client.js"
import type { Git } from "./client.js"

/** A submodule's own files are not looked at: git would read the configuration of one more repository. */
const submodules = "--ignore-submodules=dirty"

/** What differs from the base, and why that is not known where git could not read what it needs. */
export interface Changes extends WorkingTree {
  readonly changes: GitFacts["changes"]
  readonly notices: readonly GitNotice[]
}

/**
 * All changes. They are known together or not at all: a treeless clone may lack the trees of the base, a damaged
 * repository any object, or its index.
 */
export async function readChanges(git: Git, base: Base, head: string): Promise<Changes> {
  const committed = await unlessUnreadable(committedChanges(git, base, head))
  const tree = await unlessUnreadable(workingTree(git))
  const why = committed.why ?? tree.why
  return {
    ...(tree.found ?? { dirty: [], untracked: [], ignored: [] }),
    changes:
      why === undefined && committed.found !== undefined
        ? { kind: "known", files: committed.found }
        : { kind: "unknown", why: why ?? base.why },
    notices: why === undefined ? [] : [{ kind: "changes-unknown", message: why }],
  }
}

async function unlessUnreadable<T>(
  answer: Promise<T>,
): Promise<{ readonly found?: T; readonly why?: string }> {
  try {
    return { found: await answer }
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error
    return { why: `git cannot say what changed: ${error.message}` }
  }
}

/**
 * Files that differ between the base and the head; undefined where there is no base. Renames are told as a deletion
 * and an addition, a submodule by its own path.
 */
async function committedChanges(git: Git, base: Base, head: string): Promise<ChangedPath[] | undefined> {
  switch (base.kind) {
    case "none":
      return undefined
    case "first-commit": {
      const paths = fields(await git("ls-tree", "-r", "-z", "--name-only", "--full-tree", head))
      return paths.map((path) => ({ path, status: "added" }))
    }
    case "merge-base":
    case "previous-commit":
    case "push":
      // Plumbing: not `git diff`, whose output the repository's configuration can change.
      return pairs(
        await git(
          "diff-tree",
          "-r",
          "-z",
          "--no-renames",
          "--name-status",
          submodules,
          base.commit,
          head,
          "--",
        ),
      )
  }
}

/** What differs from the head without being committed. */
export interface WorkingTree {
  readonly dirty: ChangedPath[]
  readonly untracked: string[]
  readonly ignored: string[]
}

/** Compares contents where file times differ from the index, as they do after an upload. */
async function workingTree(git: Git): Promise<WorkingTree> {
  const output = await git(
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    // A folder that a pattern names stands for all that is in it.
    "--ignored=matching",
    submodules,
  )
  const entries = fields(output)
    .map((entry) => ({ code: entry.slice(0, 2), path: entry.slice(3) }))
    // What is committed and never uploaded is missing here, and not deleted.
    .filter(({ code, path }) => code !== " D" || isUploaded(path))
  const coded = (code: string) => entries.filter((entry) => entry.code === code).map(({ path }) => path)
  return {
    dirty: entries
      .filter(({ code }) => code !== "??" && code !== "!!")
      .map(({ code, path }) => ({ path, status: statusOf(code) })),
    untracked: coded("??").filter((path) => !isLeftByPython(path)),
    ignored: [...coded("!!"), ...coded("??").filter(isLeftByPython)],
  }
}

function pairs(output: string): ChangedPath[] {
  const parts = output.split("\0")
  const found: ChangedPath[] = []
  for (let index = 0; index + 1 < parts.length; index += 2) {
    found.push({ status: statusOf(parts[index] ?? ""), path: parts[index + 1] ?? "" })
  }
  return found
}

/** Letters of `git diff-tree --name-status` and of `git status`, index before working tree. */
function statusOf(code: string): ChangedPath["status"] {
  const decisive = code.trim().at(-1)
  if (decisive === "A" || code.startsWith("A")) return decisive === "D" ? "deleted" : "added"
  return decisive === "D" ? "deleted" : "modified"
}
