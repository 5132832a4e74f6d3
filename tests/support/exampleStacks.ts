import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Files } from "./source.js"

const examples = new URL("../../docs/examples/", import.meta.url).pathname

/** The stacks of docs/examples. */
export function exampleNames(): readonly string[] {
  return readdirSync(examples, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** The files of a stack of docs/examples, by path. */
export function exampleStack(name: string): Files {
  const folder = join(examples, name)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name)
      return [path.slice(folder.length + 1), readFileSync(path, "utf8")]
    }),
  )
}
