import { Directory } from "@dagger.io/dagger"
import { linkStack } from "../dockerfile/link.js"
import { publishedAs } from "../spec/publishedAs.js"
import { parseSettings } from "../spec/settings.js"
import { selectImages } from "../tree/tree.js"
import { linkedDockerfile } from "./buildImage.js"
import { platform } from "./prepare.js"
import { openSource } from "./openSource.js"
import { directoryOf } from "./textFiles.js"

/**
 * The linked Dockerfile of a stack, with its `.dockerignore` under the name that docker looks for beside it.
 * @throws InputError for mistakes in the source or the options
 */
export async function linkedDirectory(
  source: Directory,
  only: readonly string[],
  set: readonly string[],
): Promise<Directory> {
  const { spec, tree, files } = await openSource(source)
  const images = selectImages(tree, only).map(({ name }) => name)
  const buildArgs = parseSettings(spec, set)
  const linked = linkStack({
    spec,
    tree: files,
    images,
    platform,
    buildArgs,
    repositories: publishedAs(spec),
  })
  return directoryOf(
    new Map([
      [linkedDockerfile, linked.dockerfile],
      [`${linkedDockerfile}.dockerignore`, linked.dockerignore],
    ]),
  )
}
