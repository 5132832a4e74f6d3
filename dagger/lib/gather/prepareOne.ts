import type { Directory } from "@dagger.io/dagger"
import { linkStack } from "../dockerfile/link.js"
import { requireSecrets } from "../dockerfile/secrets.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import { givenIds } from "../engine/buildSecrets.js"
import { askGit } from "../engine/gitContainer.js"
import { judgeHash } from "../engine/judge.js"
import type { ChosenPlatform } from "../engine/platform.js"
import { choosePlatform, platformOfCall } from "../engine/platform.js"
import type { RegistryLogin } from "../engine/registryLogin.js"
import { loginToRegistry } from "../engine/registryLogin.js"
import type { GitFacts } from "../git/gitFacts.js"
import { noGitFacts } from "../git/gitFacts.js"
import type { OneImage } from "../plan/planOne.js"
import { planOne } from "../plan/planOne.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import { placesOf } from "../spec/publishedAs.js"
import { parseSettings } from "../spec/settings.js"
import { knownOf } from "../tree/knownOf.js"
import { selectImages } from "../tree/tree.js"
import { linkPinned } from "./bases.js"
import type { OpenSource } from "./openSource.js"
import { openSource } from "./openSource.js"
import type { Prepared } from "./prepare.js"
import { keyedImages, unnamedBranch } from "./prepare.js"
import { requirePlatformOf } from "./platforms.js"
import { publishedImage } from "./publishedImage.js"
import { RegistrySession } from "./registrySession.js"
import { referenceOf } from "./secretHosts.js"

/** One image, from source or from a registry. */
export interface SingleImage {
  readonly source: Directory
  readonly image: string
  /** Which of the image's platforms; the engine's own, else its first, where not given. */
  readonly platform?: string | undefined
  /** `image.ARG=value` */
  readonly set: readonly string[]
  readonly secrets: BuildSecrets
  /** Take this published image instead of building one. */
  readonly ref?: string | undefined
  readonly login?: RegistryLogin | undefined
}

/** What is known of a source before one of its images is looked at. */
interface OpenedOne extends OpenSource {
  readonly platform: ChosenPlatform
  readonly git: GitFacts
}

/**
 * Gathers what it takes to make one image, and plans that.
 * @param asked what git says, where somebody wants to know
 * @throws InputError for mistakes in the source or the options
 */
export async function prepareOne(single: SingleImage, asked?: Promise<GitFacts>): Promise<Prepared> {
  const { source, image, ref, platform: named } = single
  const [open, git = noGitFacts("unreadable", "nobody asked")] = await Promise.all([
    openSource(source, () => asked ?? askGit(source, {})),
    asked,
  ])
  selectImages(open.tree, [image])
  const { platforms } = open.tree.node(image).image
  requirePlatformOf(image, platforms, named)
  const platform = await choosePlatform(await platformOfCall(platforms, named), "nothing")
  const opened = { ...open, platform, git }
  return ref === undefined ? fromSource(single, opened) : asPublished(single, ref, opened)
}

/** Links the image with what it is made from; mistakes of other images are nothing to it. */
async function fromSource({ image, set, secrets }: SingleImage, open: OpenedOne): Promise<Prepared> {
  const { spec, tree, files, platform } = open
  const images = selectImages(tree, [image]).map(({ name }) => name)
  const repositories = placesOf(spec)
  const buildArgs = parseSettings(spec, set)
  const request = { spec, tree: files, images, platform: platform.platform, buildArgs, repositories }
  const pinned = await linkPinned(request, await RegistrySession.open(undefined))
  // The whole stack's secrets may be given: a run is repeated with what it was given.
  const all = () => [...linkStack({ ...request, images: tree.nodes.map(({ name }) => name) }).images.values()]
  requireSecrets(givenIds(secrets), [...pinned.linked.images.values()], all)
  const keyed = keyedImages(open, pinned, platform, repositories, await judgeHash())
  const own = keyed.find(({ name }) => name === image)
  if (own === undefined) throw new Error(`no keys of ${image}`)
  const sources = images.filter((name) => name !== image)
  const plan = planOne(oneImage(image, open, repositories), { ...own, sources })
  return { ...open, ...pinned, repositories, images: keyed, plan }
}

/** Asks which image it is; nothing is linked, and no base looked up, for what is not built. */
async function asPublished({ image, login }: SingleImage, ref: string, open: OpenedOne): Promise<Prepared> {
  const named = referenceOf(ref)
  if (login !== undefined) await loginToRegistry(named, login)
  const published = await publishedImage(named, open.platform.platform)
  const repositories = new Map([[image, named]])
  const plan = planOne(oneImage(image, open, repositories), { published, written: ref })
  const linked = linkStack({ spec: open.spec, tree: open.files, images: [] })
  const nothing = { unresolvedBases: new Map<string, string>(), unknownConfigs: new Map<string, string>() }
  return { ...open, ...nothing, linked, repositories, images: [], plan }
}

function oneImage(
  image: string,
  { spec, platform: { platform }, git }: OpenedOne,
  repositories: ReadonlyMap<string, ImagePlace>,
): OneImage {
  const tag = spec.tags.prefix
  const branch = git.branch.kind === "branch" ? git.branch.name : unnamedBranch
  const reference = formatReference(underTag(knownOf(repositories, image), tag))
  return { image, tag, branch, platform, reference }
}
