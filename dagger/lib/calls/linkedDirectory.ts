import { Directory } from "@dagger.io/dagger"
import { patternsOf } from "../dockerfile/ignoreFile.js"
import { linkedDockerfile } from "../dockerfile/link.js"
import { usualPlatform } from "../spec/platforms.js"
import { placesOf } from "../spec/publishedAs.js"
import { parseSettings } from "../spec/settings.js"
import { selectImages } from "../tree/tree.js"
import { contextsIn } from "../run/linkedContext.js"
import { namedPlatforms } from "../gather/platforms.js"
import { linkUnpinned } from "../gather/bases.js"
import { askGit } from "../engine/gitContainer.js"
import { RegistrySession } from "../gather/registrySession.js"
import { openSource } from "../gather/openSource.js"
import { directoryOf } from "../engine/textFiles.js"

/**
 * The linked Dockerfile of a stack for one platform, its first where none is named, with its `.dockerignore` under the name that docker looks for beside it.
 * @throws InputError for mistakes in the source or the options
 */
export async function linkedDirectory(
  source: Directory,
  only: readonly string[],
  set: readonly string[],
  platform?: string,
): Promise<Directory> {
  const { spec, tree, files, copy } = await openSource(source, () => askGit(source, {}))
  const images = selectImages(tree, only)
    .filter(({ image }) => platform === undefined || image.platforms.some((each) => each === platform))
    .map(({ name }) => name)
  const buildArgs = parseSettings(spec, set)
  const [first = usualPlatform] = namedPlatforms(spec, platform === undefined ? [] : [platform])
  const request = {
    spec,
    tree: files,
    images,
    platform: first,
    buildArgs,
    repositories: placesOf(spec),
  }
  const stack = await linkUnpinned(request, await RegistrySession.open(undefined))
  const linked = stack.whole
  const contexts = [...stack.images.values()].map(({ context }) => context)
  // Docker reads the checkout, with what git ignores.
  const ignored = patternsOf(files.leftOut ?? []).map((pattern) => `${pattern}\n`)
  const texts = await directoryOf(
    new Map([
      [linkedDockerfile, linked.dockerfile],
      [`${linkedDockerfile}.dockerignore`, linked.dockerignore + ignored.join("")],
    ]),
  )
  // What a checkout does not have in its place.
  const shared = contexts.filter(({ folder, place }) => folder !== place)
  return shared.length === 0 ? texts : (await contextsIn(copy, shared)).withDirectory(".", texts)
}
