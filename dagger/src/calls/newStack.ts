import { dag, Directory } from "@dagger.io/dagger"
import { directoryOf } from "../engine/textFiles.js"
import { quarterAt, starterTexts } from "../starter/starter.js"

/** The files of a new stack. @throws InputError for a name or a registry that is none */
export async function newStack(name: string, registry: string): Promise<Directory> {
  const texts = await directoryOf(starterTexts({ name, registry, prefix: quarterAt(Date.now()) }))
  return dag.currentModule().source().directory("starter").withDirectory(".", texts)
}
