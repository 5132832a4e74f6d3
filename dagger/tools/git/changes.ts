import { isUploaded } from "../../src/source/upload.js"
import type { Base, ChangedPath } from "../../src/git/gitFacts.js"
import { fields } from "./client.js"
import type { Git } from "./client.js"

/** A submodule's own files are not looked at: git would read the configuration of one more repository. */
const submodules = "--ignore-submodules=dirty"

/**
 * Files that differ between the base and the head; undefined where there is no base. Renames are told as a deletion
 * and an addition, a submodule by its own path.
 */
export async function committedChanges(
  git: Git,
  base: Base,
  head: string,
): Promise<ChangedPath[] | undefined> {
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
}

/** Compares contents where file times differ from the index, as they do after an upload. */
export async function workingTree(git: Git): Promise<WorkingTree> {
  const output = await git(
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    submodules,
  )
  const entries = fields(output)
    .map((entry) => ({ code: entry.slice(0, 2), path: entry.slice(3) }))
    // What is committed and never uploaded is missing here, and not deleted.
    .filter(({ code, path }) => code !== " D" || isUploaded(path))
  return {
    dirty: entries
      .filter(({ code }) => code !== "??")
      .map(({ code, path }) => ({ path, status: statusOf(code) })),
    untracked: entries.filter(({ code }) => code === "??").map(({ path }) => path),
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
