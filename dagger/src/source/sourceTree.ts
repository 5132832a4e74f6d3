/** What a path of the source tree is; `mode` keeps what a build keeps of it: permission bits. */
export interface SourceFile {
  /** POSIX path relative to the root of the source, without a leading `./`. */
  readonly path: string
  readonly kind: "file" | "symlink"
  /** Permission bits (`0o755`); times and owners are left out: a build does not see them. */
  readonly mode: number
  /** Size in bytes; of a symlink, the length of its target. */
  readonly size: number
  /** Hex SHA-256 of the content; of a symlink, of its target. */
  readonly sha256: string
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

/** The files below a directory (`images/base`), in the tree's order. */
export function filesBelow(tree: SourceTree, directory: string): readonly SourceFile[] {
  const prefix = directory === "" || directory === "." ? "" : `${directory}/`
  return [...tree.files.values()].filter((file) => file.path.startsWith(prefix))
}
