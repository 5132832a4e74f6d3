import { cp, mkdir, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Files } from "./source.js"
import { checkout, commitAll, removeFolder, run, writeFiles } from "./stack.js"

/** A repository with this checkout's workflows in it, as GitHub would hold it. */
export interface WorkflowRepository {
  readonly folder: string
  /** Changes files on a branch, made where it is not there, and commits. @returns the commit */
  commit(branch: string, message: string, files: Files): Promise<string>
  /** The merge of a branch into main that GitHub makes for a pull request. @returns its commit */
  pullRequest(number: number, branch: string): Promise<string>
  remove(): Promise<void>
}

/**
 * Makes one with a first commit on main.
 * @param paths what it has of this checkout: files and folders, as git knows them or would
 * @param files what it has beside, or instead
 */
export async function workflowRepository(
  paths: readonly string[],
  files: Files = {},
): Promise<WorkflowRepository> {
  const folder = await mkdtemp(join(tmpdir(), "workflow-repository-"))
  const listed = await git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard", ...paths)
  for (const path of listed.split("\0").filter((name) => name !== "")) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await cp(join(checkout, path), join(folder, path))
  }
  await writeFiles(folder, files)
  await commitAll(folder, "first", { init: true })
  return {
    folder,
    commit: async (branch, message, changes) => {
      await git(folder, "checkout", "--quiet", ...((await hasBranch(folder, branch)) ? [] : ["-b"]), branch)
      await writeFiles(folder, changes)
      return commitAll(folder, message)
    },
    pullRequest: async (number, branch) => {
      await git(folder, "checkout", "--quiet", "--detach", "main")
      await git(folder, ...person, "merge", "--quiet", "--no-ff", "--message=Merge for the test", branch)
      await git(folder, "update-ref", `refs/pull/${number}/merge`, "HEAD")
      return (await git(folder, "rev-parse", "HEAD")).trim()
    },
    remove: () => removeFolder(folder),
  }
}

const person = ["-c", "user.name=GitHub", "-c", "user.email=noreply@example.org"]

async function hasBranch(folder: string, branch: string): Promise<boolean> {
  const { status } = await run("git", ["rev-parse", "--verify", "--quiet", `refs/heads/${branch}`], {
    cwd: folder,
  })
  return status === 0
}

async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run("git", args, { cwd })
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
  return stdout
}
