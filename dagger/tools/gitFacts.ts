import { parseArgs } from "node:util"
import { writeMissingConfiguration } from "./git/configuration.js"
import { gatherGitFacts } from "./git/gather.js"

/**
 * Prints the git facts of a source folder as JSON (`GitFacts` of lib/git/gitFacts.ts).
 *
 *     gitFacts --repo DIR [--base REF] [--branch NAME] [--previous COMMIT] [--origin URL]
 *
 * The folder is a copy of its own: the configuration, which is not uploaded, is written into it.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      repo: { type: "string", default: "." },
      base: { type: "string" },
      branch: { type: "string" },
      previous: { type: "string" },
      origin: { type: "string" },
    },
  })
  await writeMissingConfiguration(values.repo)
  const facts = await gatherGitFacts(values.repo, {
    base: given(values.base),
    branch: given(values.branch),
    previous: given(values.previous),
    origin: given(values.origin),
  })
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

/** Workflows pass an empty text where an event has no such value. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value
}

await main()
