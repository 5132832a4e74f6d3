import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { Directory } from "@dagger.io/dagger"
import { proposeSpec, renderProposal } from "../adopt/proposal.js"
import { readSource } from "../source/readSource.js"
import { quarterAt } from "../starter/starter.js"
import type { ActionOutcome } from "./actionOutcome.js"

/** Proposes a spec for a repository that has Dockerfiles and none. @throws InputError where there is nothing to adopt */
export async function adoptStack(source: Directory): Promise<ActionOutcome> {
  const folder = await mkdtemp(join(process.cwd(), "adopted-"))
  await source.filter({ exclude: [".git", "**/.git"] }).export(folder)
  const proposal = proposeSpec(await readSource(folder), quarterAt(Date.now()))
  const { spec, images, undecided } = proposal
  return {
    ok: true,
    report: {
      version: 1,
      images: images.map(({ keys, ...image }) => ({ ...image, keys: Object.fromEntries(keys) })),
      undecided,
    },
    markdown: renderProposal(proposal),
    files: new Map([["spec.yml", spec]]),
  }
}
