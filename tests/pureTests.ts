import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const root = dirname(import.meta.dirname)

/** What starts processes, listens or connects, and what tries a test with hundreds of values. */
const impure = /^(?:node:(?:child_process|net|https?|worker_threads)|ssh2|simple-git|fast-check)$/

/**
 * Files of unit tests that only compute, as paths from the root: nothing that they import, however far away, starts a
 * process, listens, connects or makes up values. They need no process each, and answer within seconds. What `fuzz` feeds
 * with texts of megabytes is not among them.
 */
export function pureTests(): readonly string[] {
  const known = new Map<string, boolean>()
  return readdirSync(join(root, "tests/unit"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts") && !path.startsWith("fuzz"))
    .map((path) => join(root, "tests/unit", path))
    .filter((path) => isPure(path, known))
    .map((path) => relative(root, path))
}

function isPure(path: string, known: Map<string, boolean>): boolean {
  const before = known.get(path)
  if (before !== undefined) return before
  // A circle of imports is as pure as the rest of it.
  known.set(path, true)
  const result = importsOf(path).every((name) => {
    if (!name.startsWith(".")) return !impure.test(name)
    const file = resolve(dirname(path), name).replace(/\.js$/, ".ts")
    return !existsSync(file) || isPure(file, known)
  })
  known.set(path, result)
  return result
}

/** What a file imports at run time. */
function importsOf(path: string): readonly string[] {
  const text = readFileSync(path, "utf8")
  const named = text.matchAll(/^(?:import|export) (?!type )[^"';]*from "([^"]+)"/gm)
  const bare = text.matchAll(/(?:^import |\bimport\()"([^"]+)"/gm)
  return [...named, ...bare].map(([, name = ""]) => name)
}
