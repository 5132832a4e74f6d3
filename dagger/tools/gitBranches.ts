import { realpath } from "node:fs/promises"
import { parseArgs } from "node:util"
import { openGit } from "./git/client.js"
import { writeMissingConfiguration } from "./git/configuration.js"
import { repositoryState } from "./git/state.js"

/**
 * Prints the branches that a clone knows, its own and those of origin, as JSON (`KnownBranches` of
 * lib/git/knownBranches.ts).
 *
 *     gitBranches --repo DIR
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { repo: { type: "string", default: "." } } })
  await writeMissingConfiguration(values.repo)
  const root = await realpath(values.repo)
  const git = openGit(root)
  const state = await repositoryState(root, git)
  if (state.state !== "ok") {
    print({ kind: "unknown", why: state.why })
    return
  }
  const names = await git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes/origin")
  print({ kind: "known", references: names.split("\n").filter((name) => name !== "") })
}

function print(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

await main()
