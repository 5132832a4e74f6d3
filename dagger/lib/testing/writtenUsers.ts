import type { SourceTree } from "../source/sourceTree.js"
import { filesBelow } from "../source/sourceTree.js"
import { belowImages, isTestFile } from "./testFolders.js"

/** A user that tests run as besides the image's own. */
export interface OtherUser {
  /** `uid:gid` */
  readonly user: string
  /** Files that have tests for it, sorted; none where any may. */
  readonly files: readonly string[]
}

/** `pytest.mark.as_user("1000:100")`, as it stands in a file whoever it is meant for. */
const mark = /\bas_user\(\s*(?:ids\s*=\s*)?(["'])([^"'\n]+)\1/g

/**
 * The users that the test files of a folder name, by their text. pytest alone knows for certain, once it has imported
 * all of them: a mark may stand in a comment, and one that is computed is not found.
 * @param folder from the root of the source
 */
export function writtenUsers(tree: SourceTree, folder: string): readonly OtherUser[] {
  const users = new Map<string, string[]>()
  for (const { path } of filesBelow(tree, folder).filter(isTestFile)) {
    const named = [...(tree.text(path) ?? "").matchAll(mark)].flatMap(([, , user]) => user ?? [])
    for (const user of new Set(named)) users.set(user, [...(users.get(user) ?? []), belowImages(path)])
  }
  return [...users].map(([user, files]) => ({ user, files }))
}
