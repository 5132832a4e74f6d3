import { compareCodeUnits } from "../text/order.js"

/** What a path of the source tree is; `mode` keeps what git and a build keep of it. */
export interface SourceFile {
  /** POSIX path relative to the root of the source, without a leading `./`. */
  readonly path: string
  readonly kind: "file" | "symlink"
  /** Permission bits (`0o755` or `0o644`); times and owners are left out: a build does not see them. */
  readonly mode: number
  /** Size in bytes; of a symlink, the length of its target. */
  readonly size: number
  /** Hex SHA-256 of the content; of a symlink, of its target. */
  readonly sha256: string
  /** Of a symlink: what it names, as it is written. */
  readonly target?: string
}

/**
 * The source as data: every file's identity, and the text of those that the pipeline reads itself.
 * Paths are sorted by code unit, so that everything derived from a tree is the same on every machine.
 */
export interface SourceTree {
  readonly files: ReadonlyMap<string, SourceFile>
  /** Text of a small file (at most 1 MiB), or undefined where there is none at this path. */
  text(path: string): string | undefined
  /** What was there and is no part of the source, because git ignores it: files, and folders with a slash at the end. */
  readonly leftOut?: readonly string[]
}

/** Largest file in bytes that `SourceTree.text` gives. */
export const largestText = 1024 * 1024

/** The files below a directory (`images/base`), in the tree's order. */
export function filesBelow(tree: SourceTree, directory: string): readonly SourceFile[] {
  const prefix = directory === "" || directory === "." ? "" : `${directory}/`
  return [...tree.files.values()].filter((file) => file.path.startsWith(prefix))
}

/**
 * A tree of these files.
 * @param read gives the text of a file of the tree; called when a text is asked for, at most once for each path
 */
export function treeOf(files: readonly SourceFile[], read: (path: string) => string): SourceTree {
  const sorted = files.toSorted((a, b) => compareCodeUnits(a.path, b.path))
  const byPath = new Map(sorted.map((file) => [file.path, file]))
  const texts = new Map<string, string>()
  const text = (path: string): string | undefined => {
    const file = byPath.get(path)
    if (file?.kind !== "file" || file.size > largestText) return undefined
    const known = texts.get(path) ?? read(path)
    texts.set(path, known)
    return known
  }
  return { files: byPath, text }
}

/**
 * A tree without some paths.
 * @param leftOut files, and folders with a slash at the end
 */
export function withoutPaths(tree: SourceTree, leftOut: readonly string[]): SourceTree {
  const nameIn = namesIn(leftOut)
  const files = [...tree.files].filter(([path]) => nameIn(path) === undefined)
  const text = (path: string) => (nameIn(path) === undefined ? tree.text(path) : undefined)
  return { files: new Map(files), leftOut, text }
}

/** Whether a path, of a file or a folder, is not here because git ignores it. */
export function isLeftOut({ leftOut = [] }: SourceTree, path: string): boolean {
  return namesIn(leftOut)(`${path}/`) !== undefined || leftOut.includes(path)
}

/** Finds the first of some paths (folders with a slash at the end) that a path is, or is below. */
export function namesIn(paths: readonly string[]): (path: string) => string | undefined {
  const named = new Set(paths)
  return (path) => {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      const folder = path.slice(0, slash + 1)
      if (named.has(folder)) return folder
    }
    return named.has(path) ? path : undefined
  }
}
