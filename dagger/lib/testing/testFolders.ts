import type { SourceFile, SourceTree } from "../source/sourceTree.js"
import { filesBelow } from "../source/sourceTree.js"
import type { Spec } from "../spec/spec.js"
import type { Tree } from "../tree/tree.js"

/** Folder of tests that every image gets, below the folder of images. */
export const commonTests = "tests_common"
/** Folders of an image that hold tests: those that run in it, and those that run against its server. */
export const testDirectories = ["test", "integration_tests"] as const
/**
 * Files in the folder of images that change how pytest runs all tests. Those at the root of the checkout do not act:
 * they belong to whatever else is tested there.
 */
export const testSettings = ["conftest.py", "pytest.ini"] as const

/** What decides which tests an image gets. */
export interface TestOwner {
  readonly imagesDirectory: string
  /** The image's folder, and its ancestors' from the root down: their tests run in it too. */
  readonly directory: string
  readonly ancestors: readonly string[]
  /** Whether the spec asks for the tests against the running server. */
  readonly integrationTests: boolean
}

/** Every folder where tests of a stack may be, with a slash at the end. */
export function foldersOfTests({ images, imagesDirectory }: Spec): readonly string[] {
  const own = [...images.values()].flatMap(({ directory }) =>
    testDirectories.map((tests) => `${directory}/${tests}/`),
  )
  return [...new Set([`${imagesDirectory}/${commonTests}/`, ...own])]
}

/** What decides which tests an image of the tree gets. @throws UnknownImage */
export function testOwner(spec: Spec, tree: Tree, name: string): TestOwner {
  const { directory, integrationTests } = tree.node(name).image
  const ancestors = tree.ancestors(name).map((node) => node.image.directory)
  return { imagesDirectory: spec.imagesDirectory, directory, ancestors, integrationTests }
}

/** Where an image's tests are: paths from the root of the source, in the order they run. */
export interface TestFolders {
  /** Run inside the image: the common tests, its ancestors' from the root down, then its own. */
  readonly basic: readonly string[]
  /** Run beside its server. Not inherited: a child may serve something else. */
  readonly integration: readonly string[]
}

/** A path as tests know it: they are mounted from the folder of images, and the source's paths begin with that. */
export function belowImages(path: string): string {
  return path.slice(path.indexOf("/") + 1)
}

/** The test folders of an image that have tests in them. */
export interface FoundTests extends TestFolders {
  /** The spec asks for tests against the running server, and there are none. */
  readonly serverUntested: boolean
}

/** The folders where an image's tests are looked for, whether they are there or not. */
export function possibleTestFolders(owner: TestOwner): TestFolders {
  const { imagesDirectory, directory, ancestors, integrationTests } = owner
  const [inside, beside] = testDirectories
  return {
    // Images of one folder share their tests.
    basic: [
      `${imagesDirectory}/${commonTests}`,
      ...new Set([...ancestors, directory].map((each) => `${each}/${inside}`)),
    ],
    integration: integrationTests ? [`${directory}/${beside}`] : [],
  }
}

/** The folders that hold tests for an image; folders without a test file are left out. */
export function testFolders(tree: SourceTree, owner: TestOwner): FoundTests {
  const { basic, integration } = possibleTestFolders(owner)
  const found = integration.filter(hasTests(tree))
  return {
    basic: basic.filter(hasTests(tree)),
    integration: found,
    serverUntested: owner.integrationTests && found.length === 0,
  }
}

/** pytest's default names of test files. */
const testFile = /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/

/** Whether pytest looks for tests in a file. */
export function isTestFile({ path }: SourceFile): boolean {
  return testFile.test(path)
}

function hasTests(tree: SourceTree): (folder: string) => boolean {
  return (folder) => filesBelow(tree, folder).some(isTestFile)
}

/** A folder of tests with the folders whose files its tests may import: a change of any of them makes it run again. */
export interface TestScope {
  readonly folder: string
  /** The folder itself among them. */
  readonly sees: readonly string[]
}

/**
 * The folders that run inside an image, each with what it sees: the common tests, and those of what the image stands on
 * down to this one. What a child's tests import of an ancestor's is there, and a change of a child's own tests concerns
 * no folder above.
 * @param basic as `testFolders` gives them
 */
export function testScopes(basic: readonly string[], common: string): readonly TestScope[] {
  return basic.map((folder, index) => ({
    folder,
    sees: [...new Set([common, ...basic.slice(0, index + 1)])],
  }))
}
