import { filesBelow } from "../source/sourceTree.js"
import type { SourceTree } from "../source/sourceTree.js"
import type { TestOwner } from "../testing/testFolders.js"
import { possibleTestFolders, testSettings } from "../testing/testFolders.js"
import { fileRow, hashOf } from "./inputKey.js"

/** What decides which tests an image gets, and when they pass. */
export interface TestTerms extends TestOwner {
  /** Hash of what judges: a pass is worth what the judge was, so one by another judge does not count. */
  readonly judge: string
  /** Further settings that can turn a verdict: time limits, memory, size budget. Plain data. */
  readonly settings?: Readonly<Record<string, string | number | boolean | undefined>>
}

const keyVersion = "test-key/2"

/**
 * Hex SHA-256 over all but the image that can change the verdict of its tests. Written as a label beside the input
 * key, so that a change of tests alone is found by content.
 */
export function testKey(tree: SourceTree, owner: TestTerms): string {
  const { imagesDirectory, integrationTests, judge, settings = {} } = owner
  const { basic, integration } = possibleTestFolders(owner)
  const single = testSettings.map((name) => `${imagesDirectory}/${name}`)
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  return hashOf([
    keyVersion,
    judge,
    integrationTests,
    given.toSorted(),
    single.flatMap((path) => tree.files.get(path) ?? []).map(fileRow),
    [...basic, ...integration].map((folder) => folderHash(tree, folder)),
  ])
}

/** Hashes of folders by tree: an ancestor's tests are part of the key of every image that stands on it. */
const hashes = new WeakMap<SourceTree, Map<string, string>>()

function folderHash(tree: SourceTree, folder: string): string {
  const known = hashes.get(tree) ?? new Map<string, string>()
  hashes.set(tree, known)
  const hash = known.get(folder) ?? hashOf(filesBelow(tree, folder).filter(isSource).map(fileRow))
  known.set(folder, hash)
  return hash
}

/** Python writes its caches beside the tests; they are no part of them. */
function isSource({ path }: { readonly path: string }): boolean {
  return !/(?:^|\/)(?:__pycache__|\.pytest_cache)\//.test(path)
}
