import { dag, Directory } from "@dagger.io/dagger"
import { directoryOf } from "../engine/textFiles.js"
import { quarterAt, starterTexts } from "../starter/starter.js"

/** The files of a new stack. @throws InputError for a name, a registry or a module that is none */
export async function newStack(
  name: string,
  registry: string,
  mainBranch: string,
  module?: string,
): Promise<Directory> {
  const prefix = quarterAt(Date.now())
  const texts = await directoryOf(starterTexts({ name, registry, prefix, module, mainBranch }))
  return dag.currentModule().source().directory("starter").withDirectory(".", texts)
}
