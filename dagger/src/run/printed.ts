import { dag } from "@dagger.io/dagger"

/**
 * Prints a text under the running function, and gives what a `sync` function has to return: the CLI takes it for the
 * id of an object, and shows nothing else of it.
 */
export async function printed(text: string): Promise<string> {
  console.log(text)
  return dag.directory().id()
}
