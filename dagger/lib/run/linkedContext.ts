import { dag, type Directory } from "@dagger.io/dagger"
import type { Places } from "../dockerfile/authorsPlaces.js"
import type { LinkedStack } from "../dockerfile/link.js"
import type { LinkedFolder } from "../dockerfile/linkedImage.js"
import { linkedDockerfile } from "../dockerfile/link.js"
import { directoryOf } from "../engine/textFiles.js"
import type { SourceCopy } from "../gather/openSource.js"
import { sourceFiles } from "../gather/openSource.js"

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
  const text = linked.only(lineage, image)
  const contexts = lineage.flatMap((name) => linked.images.get(name)?.context ?? [])
  const files = await contextsIn(copy, contexts)
  const texts = new Map([
    [linkedDockerfile, text.dockerfile],
    [".dockerignore", text.dockerignore],
  ])
  return { directory: files.withDirectory(".", await directoryOf(texts)), places: text }
}

/** Contexts in their places of the linked build's. */
export async function contextsIn(copy: SourceCopy, contexts: readonly LinkedFolder[]): Promise<Directory> {
  const inPlace = contexts.filter(({ folder, place }) => folder === place)
  const include = inPlace.map(({ folder }) => `${folder}/**`)
  const exclude = inPlace.flatMap(({ folder, unread }) => unread.map((tests) => `${folder}/${tests}**`))
  let files = include.length === 0 ? dag.directory() : await sourceFiles(copy, ".", include, exclude)
  const shared = contexts.filter(({ folder, place }) => folder !== place)
  for (const place of new Set(shared.map((context) => context.place))) {
    const images = shared.filter((context) => context.place === place)
    const { folder = ".", unread = [] } = images[0] ?? {}
    // What one of the images reads is there for all: to the others it is nothing.
    const unreadByAll = unread.filter((tests) => images.every((image) => image.unread.includes(tests)))
    const without = [".git", "**/.git", ...unreadByAll.map((tests) => `${tests}**`)]
    files = files.withDirectory(place, await sourceFiles(copy, folder, ["**"], without))
  }
  return files
}
