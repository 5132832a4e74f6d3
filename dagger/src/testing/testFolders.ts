import type { SourceTree } from "../source/sourceTree.js"
import { filesBelow } from "../source/sourceTree.js"

/** Where an image's tests are: paths from the root of the source, in the order they run. */
export interface TestFolders {
  /** Run inside the image: the common tests, its ancestors' from the root down, then its own. */
  readonly basic: readonly string[]
  /** Run beside its server. Not inherited: a child may serve something else. */
  readonly integration: readonly string[]
}

/** What decides where tests are looked for. */
export interface TestOwner {
  readonly imagesDirectory: string
  /** The image's folder, and its ancestors' from the root down. */
  readonly directory: string
  readonly ancestors: readonly string[]
  /** Whether the spec asks for the tests against the running server. */
  readonly integrationTests: boolean
}

/** The folders that hold tests for an image; folders without a test file are left out. */
export function testFolders(tree: SourceTree, owner: TestOwner): TestFolders {
  const basic = [
    `${owner.imagesDirectory}/tests_common`,
    ...[...owner.ancestors, owner.directory].map((directory) => `${directory}/test`),
  ]
  const integration = owner.integrationTests ? [`${owner.directory}/integration_tests`] : []
  return { basic: basic.filter(hasTests(tree)), integration: integration.filter(hasTests(tree)) }
}

/** pytest's default names of test files. */
const testFile = /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/

function hasTests(tree: SourceTree): (folder: string) => boolean {
  return (folder) => filesBelow(tree, folder).some((file) => testFile.test(file.path))
}
