import type { Directory } from "@dagger.io/dagger"
import type { Places } from "../dockerfile/authorsPlaces.js"
import type { LinkedStack } from "../dockerfile/link.js"
import { linkedDockerfile } from "../dockerfile/link.js"
import { directoryOf } from "../engine/textFiles.js"
import type { SourceCopy } from "../gather/openSource.js"
import { sourceFiles } from "../gather/openSource.js"
import { testDirectories } from "../testing/testFolders.js"

/** What an image is built from. */
export interface LinkedContext {
  /** Folders of images, the linked Dockerfile and its `.dockerignore`. */
  readonly directory: Directory
  /** Where the linked Dockerfile comes from. */
  readonly places: Places
}

/**
 * The build context of an image: its folder and those of what it is built on, with the linked Dockerfile beside them. No
 * more than these, and no tests that no instruction reads: the engine knows an image by its context, and tests of one
 * folder count as passed only where nothing of that has changed.
 */
export async function linkedContext(
  copy: SourceCopy,
  linked: LinkedStack,
  image: string,
): Promise<LinkedContext> {
  const lineage = linked.lineage(image)
  const text = linked.only(lineage)
  const images = lineage.flatMap((name) => linked.images.get(name) ?? [])
  const read = images.flatMap(({ contextFiles }) => contextFiles)
  const unread = images
    .flatMap(({ directory }) => testDirectories.map((tests) => `${directory}/${tests}/`))
    .filter((tests) => !read.some(({ path }) => path.startsWith(tests)))
  const include = images.map(({ directory }) => `${directory}/**`)
  const exclude = unread.map((tests) => `${tests}**`)
  const files = await sourceFiles(copy, ".", include, exclude)
  const texts = new Map([
    [linkedDockerfile, text.dockerfile],
    [".dockerignore", text.dockerignore],
  ])
  return { directory: files.withDirectory(".", await directoryOf(texts)), places: text }
}
