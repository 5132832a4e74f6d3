import type { LinkRequest } from "../dockerfile/link.js"
import type { GitFacts } from "../git/gitFacts.js"
import { changedFiles, classifyChanges, isNamedBy } from "../plan/changes.js"
import type { ImageFacts, PlanFacts, PlanOptions } from "../plan/facts.js"
import { inputKeys } from "../plan/inputKey.js"
import { planStack } from "../plan/plan.js"
import type { Plan } from "../plan/planDocument.js"
import { folderKeys, testKey } from "../plan/testKey.js"
import { InputError, atOption } from "../problems.js"
import type { Repository } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import { publishedAs } from "../spec/publishedAs.js"
import type { BuildArguments } from "../spec/settings.js"
import { parseSettings } from "../spec/settings.js"
import { branchTag } from "../tag/branchTag.js"
import { testFolders, testOwner } from "../testing/testFolders.js"
import { selectImages } from "../tree/tree.js"
import type { PinnedLink } from "./bases.js"
import { linkPinned } from "./bases.js"
import { askGit } from "../engine/gitContainer.js"
import { judgeHash } from "../engine/judge.js"
import { knownOf } from "../tree/knownOf.js"
import type { AskGit, OpenSource } from "./openSource.js"
import { openSource } from "./openSource.js"
import { publishedImages } from "./publishedImages.js"
import type { RegistrySession } from "./registrySession.js"
import type { ChosenPlatform } from "../engine/platform.js"
import { choosePlatform } from "../engine/platform.js"
import { planToRepeat, refuseOtherPlatform, refuseOtherSource } from "./repeatPlan.js"
import type { StackRequest } from "./request.js"

/** An image with what decides whether it is published already. */
interface KeyedImage extends Omit<ImageFacts, "registry"> {
  /** Keys of the folders of its tests (`folderKeys`). */
  readonly folderKeys: ReadonlyMap<string, string>
}

/** All of a run that does not depend on git. */
interface LinkedSource extends OpenSource, PinnedLink {
  readonly repositories: ReadonlyMap<string, Repository>
  readonly platform: ChosenPlatform
  /** Parents before children. */
  readonly images: readonly KeyedImage[]
}

/** Everything known before anything is built. */
export interface Prepared extends LinkedSource {
  readonly git: GitFacts
  readonly plan: Plan
}

const mainBranch = "main"
/** What a branch is called that nobody names: its images are not published. */
export const unnamedBranch = "local"

/**
 * Gathers the facts of a run and plans it; nothing is built or written.
 * @throws InputError for mistakes in the source or the options
 */
export async function prepare(request: StackRequest, registry: RegistrySession): Promise<Prepared> {
  const repeated = planToRepeat(request)
  const { source, branch, base, previous, origin } = request
  const asked = askGit(source, { branch, base, previous, origin })
  const [stack, git] = await Promise.all([openLinked(request, registry, repeated, () => asked), asked])
  const found = { ...stack, git }
  if (repeated !== undefined) {
    refuseUnnamedBranch(request, repeated, git)
    return { ...found, plan: repeated }
  }
  const options = planOptions(request, stack, git)
  return { ...found, plan: planStack(await planFacts(found, options, registry)) }
}

async function openLinked(
  request: StackRequest,
  registry: RegistrySession,
  repeated: Plan | undefined,
  askGit: AskGit,
): Promise<LinkedSource> {
  const open = await openSource(request.source, askGit)
  const { spec, tree } = open
  selectImages(tree, request.only)
  const repositories = publishedAs(spec, request.registry)
  const buildArgs = parseSettings(spec, request.set)
  const chosen = await choosePlatform(spec.platform, request.publishing)
  const { platform } = chosen
  if (repeated !== undefined) refuseOtherPlatform(repeated, platform)
  const unpinned = { ...linkRequestOf(open, repositories, buildArgs), platform }
  await registry.loginEngine(repositories.values())
  const pinned = await linkPinned(unpinned, registry, repeated && basesOf(repeated))
  const images = keyedImages(open, pinned, platform, repositories, await judgeHash())
  if (repeated !== undefined) refuseOtherSource(repeated, spec.tagPrefix, images)
  return { ...open, ...pinned, repositories, platform: chosen, images }
}

function basesOf({ bases = [] }: Plan): ReadonlyMap<string, string> {
  return new Map(bases.map(({ reference, digest }) => [reference, digest]))
}

function planOptions(request: StackRequest, { spec, platform }: LinkedSource, git: GitFacts): PlanOptions {
  const { tagPrefix, trustRegistry } = spec
  const branch = branchOf(request, git)
  return {
    branch,
    tag: branchTag(tagPrefix, branch),
    platform: platform.platform,
    publish: request.publishing !== "nothing",
    fullRebuild: request.fullRebuild,
    only: request.only,
    mainBranch,
    pullRequestTitle: request.pullRequestTitle,
    trustRegistry,
  }
}

/** Without a branch a run can still build and test; a published image needs the branch's name for its tag. */
function branchOf({ branch, publishing }: StackRequest, git: GitFacts): string {
  if (branch !== undefined) return branch
  if (git.branch.kind === "branch") return git.branch.name
  if (publishing === "nothing") return unnamedBranch
  const message = `the checkout does not say which branch this is (${git.branch.why})`
  throw new InputError([
    { location: atOption("--branch"), message, hint: "name it, to publish under its tag" },
  ])
}

/** @throws InputError where a plan that was made without a branch would be published */
function refuseUnnamedBranch({ publishing }: StackRequest, { branch }: Plan, git: GitFacts): void {
  const isNamedSo = git.branch.kind === "branch" && git.branch.name === unnamedBranch
  if (publishing === "nothing" || branch !== unnamedBranch || isNamedSo) return
  const message = "it was made without the name of a branch, whose tag it would publish under"
  throw new InputError([{ location: atOption("--plan"), message, hint: "plan again, with --branch" }])
}

function linkRequestOf(
  { spec, tree, files }: OpenSource,
  repositories: ReadonlyMap<string, Repository>,
  buildArgs: BuildArguments,
): LinkRequest {
  return { spec, tree: files, images: tree.nodes.map(({ name }) => name), buildArgs, repositories }
}

async function planFacts(
  found: Omit<Prepared, "plan">,
  options: PlanOptions,
  registry: RegistrySession,
): Promise<PlanFacts> {
  const images = await imageFacts(found, options, registry)
  const { git, spec, linked } = found
  const files = changedFiles(git)
  const scope = {
    imagesDirectory: spec.imagesDirectory,
    specPath: spec.path,
    rules: spec.changeRules,
    images: [...spec.images.values()].map(({ name, directory, dockerfile }) => ({
      name,
      directory,
      dockerfile,
      contextFiles: new Set(linked.images.get(name)?.contextFiles.map(({ path }) => path)),
    })),
  }
  const changes = files === undefined ? undefined : classifyChanges(scope, files)
  return { images, specPath: spec.path, git, changes, options }
}

/** Asks the registry about all of them. */
async function imageFacts(
  { spec, images, repositories }: LinkedSource,
  { tag }: PlanOptions,
  registry: RegistrySession,
): Promise<readonly ImageFacts[]> {
  const questions = images.map((image) => ({
    ...image,
    repository: knownOf(repositories, image.name),
    tag,
    prefix: spec.tagPrefix,
  }))
  const published = await publishedImages(registry.client, questions)
  return images.map((image) => ({
    ...image,
    registry: published.get(image.name) ?? { kind: "unknown", why: "no registry was asked" },
  }))
}

/** The images that are linked, with their keys. @param judge hash of what judges their tests */
export function keyedImages(
  { spec, tree, files }: OpenSource,
  { linked }: PinnedLink,
  platform: string,
  repositories: ReadonlyMap<string, Repository>,
  judge: string,
): readonly KeyedImage[] {
  const isIgnored = (path: string) => isNamedBy(spec.changeRules.ignore, spec.imagesDirectory, path)
  const isOfAll = (path: string) => isNamedBy(spec.changeRules.buildAll, spec.imagesDirectory, path)
  const buildAll = [...files.files.values()].filter(({ path }) => isOfAll(path))
  const keys = inputKeys(linked.images, { platform, isIgnored, buildAll })
  const nodes = tree.nodes.filter(({ name }) => linked.images.has(name))
  return nodes.map(({ name, image }) => {
    const { parents, bases } = knownOf(linked.images, name)
    const settings = { ...spec.tests, hub: spec.hub?.version, sizeBudget: image.sizeBudget }
    const owner = { ...testOwner(spec, tree, name), judge, settings }
    return {
      name,
      repository: formatReference(knownOf(repositories, name)),
      parents,
      bases,
      testKey: testKey(files, owner),
      folderKeys: folderKeys(files, owner, testFolders(files, owner)),
      ...knownOf(keys, name),
    }
  })
}
