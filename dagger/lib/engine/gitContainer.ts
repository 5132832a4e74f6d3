import { Directory, ReturnType } from "@dagger.io/dagger"
import type { GitFacts } from "../git/gitFacts.js"
import { readGitFacts } from "../git/gitFacts.js"
import { offlineToolbox, toolCommand } from "./toolbox.js"

/** What the caller knows of the run that git does not. */
export interface GitQuestion {
  /** Branch of the run, where the checkout is detached as CI's are. */
  readonly branch?: string | undefined
  /** What to compare with; the tool's default is origin/main, else main. */
  readonly base?: string | undefined
  /** Head of the branch before a push (GitHub's `before`). */
  readonly previous?: string | undefined
  /** Address of the repository, which stands in none of what is uploaded of it. */
  readonly origin?: string | undefined
}

/**
 * Asks git about the source, in a container of its own.
 * @throws Error where the tool could not run at all; what git cannot tell is part of the facts
 */
export async function askGit(source: Directory, question: GitQuestion): Promise<GitFacts> {
  const options = Object.entries(question).flatMap(([name, value]: [string, string | undefined]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  )
  const asked = (await offlineToolbox())
    .withMountedDirectory("/source", source)
    .withExec(toolCommand("gitFacts", "--repo", "/source", ...options), { expect: ReturnType.Any })
  if ((await asked.exitCode()) !== 0) throw new Error(`git could not be asked: ${await asked.stderr()}`)
  return readGitFacts(await asked.stdout())
}
