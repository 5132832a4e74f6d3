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
