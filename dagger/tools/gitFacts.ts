import { parseArgs } from "node:util"
import { gatherGitFacts } from "./git/gather.js"

/**
 * Prints the git facts of a source folder as JSON (`GitFacts` of src/git/gitFacts.ts).
 *
 *     tsx gitFacts.ts --repo DIR [--base REF] [--branch NAME] [--previous COMMIT]
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      repo: { type: "string", default: "." },
      base: { type: "string" },
      branch: { type: "string" },
      previous: { type: "string" },
    },
  })
  const facts = await gatherGitFacts(values.repo, {
    base: given(values.base),
    branch: given(values.branch),
    previous: given(values.previous),
  })
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

/** Workflows pass an empty text where an event has no such value. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value
}

await main()
