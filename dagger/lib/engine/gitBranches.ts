import type { Directory } from "@dagger.io/dagger"
import type { KnownBranches } from "../git/knownBranches.js"
import { readKnownBranches } from "../git/knownBranches.js"
import { offlineToolbox, toolCommand } from "./toolbox.js"

/** Asks git which branches the checkout knows, in a container of its own. @throws Error where the tool cannot run */
export async function askBranches(source: Directory): Promise<KnownBranches> {
  const asked = (await offlineToolbox())
    .withMountedDirectory("/source", source.filter({ include: [".git"] }))
    .withExec(toolCommand("gitBranches", "--repo", "/source"))
  return readKnownBranches(await asked.stdout())
}
