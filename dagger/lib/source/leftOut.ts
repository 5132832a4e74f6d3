import { rm, rmdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { trackedPaths } from "./gitIndex.js"
import type { SourceTree } from "./sourceTree.js"
import { namesIn, withoutPaths } from "./sourceTree.js"
import { isLeftByPython } from "../dockerfile/upload.js"

/**
 * A source without what git ignores, and without what Python left that git does not track: its images are those of a
 * fresh checkout, whatever lies in this one. What is left out is removed from the folder, too.
 * @param folder where the source was read
 * @param index the bytes of `.git/index`, where there is one
 * @param askIgnored asks git; only where there are files that it does not track: in CI there are none
 */
export async function withoutIgnored(
  folder: string,
  read: SourceTree,
  index: Buffer | undefined,
  askIgnored: () => Promise<readonly string[]>,
): Promise<SourceTree> {
  const tracked = index === undefined ? new Set<string>() : trackedPaths(index)
  const untracked = [...read.files.keys()].filter((path) => tracked?.has(path) !== true)
  const byPython = tracked === undefined ? [] : untracked.filter(isLeftByPython)
  const leftOut = [...byPython, ...(untracked.length > byPython.length ? await askIgnored() : [])]
  const left = withoutPaths(read, leftOut)
  // What was read was reached through folders, never through a symlink: nothing outside is removed.
  const nameIn = namesIn(leftOut)
  const removed = new Set([...read.files.keys()].flatMap((path) => nameIn(path) ?? []))
  await Promise.all([...removed].map((path) => remove(folder, path)))
  return left
}

/** Removes a file or folder with the folders that are empty then: git tracks none. */
async function remove(root: string, path: string): Promise<void> {
  await rm(join(root, path), { recursive: true, force: true })
  try {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) await rmdir(join(root, folder))
  } catch {
    // One that is not empty, or that another removal was faster with: that one goes on.
  }
}
