import { filesBelow } from "../source/sourceTree.js"
import type { SourceTree } from "../source/sourceTree.js"
import type { FoundTests, TestOwner } from "../testing/testFolders.js"
import { commonTests, possibleTestFolders, testScopes, testSettings } from "../testing/testFolders.js"
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
 * Hex SHA-256 over all but the image that can change the verdict of its tests. Written as a label besides the input
 * key, so that a change of tests alone is found by content.
 */
export function testKey(tree: SourceTree, owner: TestTerms): string {
  const { basic, integration } = possibleTestFolders(owner)
  const folders = [...basic, ...integration].map((folder) => folderHash(tree, folder))
  return hashOf([keyVersion, owner.judge, owner.integrationTests, ...sharedTerms(tree, owner), folders])
}

/** What concerns all tests of an image: settings, and pytest's own files. */
function sharedTerms(tree: SourceTree, { imagesDirectory, settings = {} }: TestTerms): readonly unknown[] {
  const single = testSettings.map((name) => `${imagesDirectory}/${name}`)
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  return [given.toSorted(), single.flatMap((path) => tree.files.get(path) ?? []).map(fileRow)]
}

/**
 * Hex SHA-256 for each folder of an image's tests, over all but the image that can change the verdict of that folder's
 * tests: a pass of one folder is remembered by itself.
 * @param found folders that have tests
 */
export function folderKeys(
  tree: SourceTree,
  owner: TestTerms,
  { basic, integration }: Pick<FoundTests, "basic" | "integration">,
): ReadonlyMap<string, string> {
  const common = `${owner.imagesDirectory}/${commonTests}`
  const inside = testScopes(basic, common)
  const beside = integration.map((folder) => ({ folder, sees: [common, ...integration] }))
  const shared = sharedTerms(tree, owner)
  return new Map(
    [...inside, ...beside].map(({ folder, sees }) => [
      folder,
      hashOf([
        "folder-key/1",
        owner.judge,
        ...shared,
        folder,
        sees.map((each) => [each, folderHash(tree, each)]),
      ]),
    ]),
  )
}

/** Hashes of folders by tree: an ancestor's tests are part of the key of every image that is built on it. */
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
