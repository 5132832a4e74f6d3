import type { LinkRequest } from "../dockerfile/link.js"
import type { GitFacts } from "../git/gitFacts.js"
import { changedFiles, classifyChanges, isNamedBy } from "../plan/changes.js"
import type { ImageFacts, PlanFacts, PlanOptions } from "../plan/facts.js"
import { inputKeys } from "../plan/inputKey.js"
import type { Plan } from "../plan/planDocument.js"
import { folderKeys, testKey } from "../plan/testKey.js"
import { InputError, atOption } from "../problems.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import { placesOf } from "../spec/publishedAs.js"
import type { EmulatedTests } from "../spec/platforms.js"
import type { ImageSpec, Spec } from "../spec/spec.js"
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
import { mainBranchOf, openSource } from "./openSource.js"
import { publishedImages } from "./publishedImages.js"
import type { RegistrySession } from "./registrySession.js"
import type { ChosenPlatform } from "../engine/platform.js"
import { choosePlatforms } from "../engine/platform.js"
import { joinPlans, planForPlatform } from "../plan/platforms.js"
import { namedPlatforms, refusePartialTags } from "./platforms.js"
import { planFresh } from "./planFresh.js"
import { planToRepeat, refuseOtherPlatforms, refuseOtherSource } from "./repeatPlan.js"
import { ProofBook, refuseUnproved } from "./provedImage.js"
import type { StackRequest } from "./request.js"
import { believerOf } from "./signing.js"

/** An image with what decides whether it is published already. */
interface KeyedImage extends Omit<ImageFacts, "registry"> {
  /** Keys of the folders of its tests (`folderKeys`). */
  readonly folderKeys: ReadonlyMap<string, string>
  /** Key of all its tests, where only some are to run. */
  readonly wholeTestKey?: string | undefined
}

/** All of a run that does not depend on git. */
interface LinkedSource extends OpenSource, PinnedLink {
  readonly repositories: ReadonlyMap<string, ImagePlace>
  readonly platform: ChosenPlatform
  /** Parents before children. */
  readonly images: readonly KeyedImage[]
}

/** Everything known before anything is built. */
export interface Prepared extends LinkedSource {
  readonly git: GitFacts
  readonly plan: Plan
}

/** A run before anything is built: what is known for each of its platforms, and the plan of all of them. */
export interface PreparedStack {
  readonly plan: Plan
  /** At least one. */
  readonly platforms: readonly Prepared[]
  /** Where the spec trusts signers: what their statements prove. */
  readonly proofs?: ProofBook | undefined
}

/** What is known for one platform, as that of a run. */
export function onePlatform(prepared: Prepared): PreparedStack {
  return { plan: prepared.plan, platforms: [prepared] }
}

/** What tells of a run what is the same for all of its platforms: spec, git and source. */
export function firstPlatform({ platforms: [first] }: PreparedStack): Prepared {
  if (first === undefined) throw new RangeError("a run is for one platform at least")
  return first
}

/** What a branch is called that nobody names: its images are not published. */
export const unnamedBranch = "local"

/**
 * Gathers the facts of a run and plans it; nothing is built or written.
 * @throws InputError for mistakes in the source or the options
 */
export async function prepare(request: StackRequest, registry: RegistrySession): Promise<PreparedStack> {
  const repeated = planToRepeat(request)
  const asked = askAboutRun(request)
  const [stacks, git] = await Promise.all([openLinked(request, registry, repeated, () => asked), asked])
  const proofs = await proofsOf(stacks[0]?.spec, registry)
  if (repeated !== undefined) {
    refuseUnnamedBranch(request, repeated, git)
    await refuseUnproved(repeated, proofs, wholeTestKeysOf(stacks))
  }
  const platforms = await Promise.all(
    stacks.map((stack) => planned(request, registry, { ...stack, git }, repeated, proofs)),
  )
  if (repeated !== undefined) return { plan: repeated, platforms, proofs }
  const order = stacks[0]?.tree.nodes.map(({ name }) => name) ?? []
  return {
    plan: joinPlans(
      platforms.map(({ plan }) => plan),
      order,
    ),
    platforms,
    proofs,
  }
}

/** Asks git; what a branch is compared with is the spec's main branch, where the call names nothing else. */
async function askAboutRun({ source, branch, base, previous, origin }: StackRequest): Promise<GitFacts> {
  return askGit(source, { branch, base: base ?? (await mainBranchOf(source)), previous, origin })
}

/** Undefined where the spec trusts nobody: then nothing is asked, and nothing loaded. */
async function proofsOf(spec: Spec | undefined, { client }: RegistrySession): Promise<ProofBook | undefined> {
  const believer = spec && (await believerOf(spec))
  return believer && new ProofBook(client, believer)
}

/** Of keys for fewer tests, those for all. */
function wholeTestKeysOf(stacks: readonly LinkedSource[]): ReadonlyMap<string, string> {
  const images = stacks.flatMap(({ images: own }) => own)
  return new Map(
    images.flatMap(({ testKey: fewer, wholeTestKey }) =>
      wholeTestKey === undefined ? [] : [[fewer, wholeTestKey] as const],
    ),
  )
}

async function planned(
  request: StackRequest,
  registry: RegistrySession,
  found: Omit<Prepared, "plan">,
  repeated: Plan | undefined,
  proofs: ProofBook | undefined,
): Promise<Prepared> {
  if (repeated !== undefined) return { ...found, plan: planForPlatform(repeated, found.platform.platform) }
  const options = planOptions(request, found, found.git)
  const facts = await planFacts(found, options, registry, proofs)
  return { ...found, plan: await planFresh(facts, found, request) }
}

/** The source with its images, linked for each platform. */
async function openLinked(
  request: StackRequest,
  registry: RegistrySession,
  repeated: Plan | undefined,
  askGit: AskGit,
): Promise<readonly LinkedSource[]> {
  const open = await openSource(request.source, askGit)
  const { spec, tree } = open
  selectImages(tree, request.only)
  const repositories = placesOf(spec, request.registry)
  const buildArgs = parseSettings(spec, request.set)
  const wanted = namedPlatforms(spec, request.platforms)
  refusePartialTags(spec, wanted, request.publishing)
  const chosen = await choosePlatforms(wanted, request.publishing)
  if (repeated !== undefined)
    refuseOtherPlatforms(
      repeated,
      chosen.map(({ platform }) => platform),
    )
  await registry.loginEngine(repositories.values())
  const judge = await judgeHash()
  return Promise.all(
    chosen.map(async (platform) => {
      const own = repeated && planForPlatform(repeated, platform.platform)
      const unpinned = {
        ...linkRequestOf(open, repositories, buildArgs, platform),
        platform: platform.platform,
      }
      const pinned = await linkPinned(unpinned, registry, own && basesOf(own))
      const images = keyedImages(open, pinned, platform, repositories, judge)
      if (own !== undefined) refuseOtherSource(own, spec.tags, images)
      return { ...open, ...pinned, repositories, platform, images }
    }),
  )
}

function basesOf({ bases = [] }: Plan): ReadonlyMap<string, string> {
  return new Map(bases.map(({ reference, digest }) => [reference, digest]))
}

function planOptions(request: StackRequest, { spec, platform }: LinkedSource, git: GitFacts): PlanOptions {
  const { tags, trustRegistry } = spec
  const branch = branchOf(request, git)
  return {
    branch,
    tag: branchTag(tags, branch),
    platform: platform.platform,
    unable: platform.unable,
    publish: request.publishing !== "nothing",
    fullRebuild: request.fullRebuild,
    only: request.only,
    mainBranch: tags.mainBranch,
    pullRequestTitle: request.pullRequestTitle,
    trustRegistry,
    today: new Date().toISOString().slice(0, 10),
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
  repositories: ReadonlyMap<string, ImagePlace>,
  buildArgs: BuildArguments,
  platform: ChosenPlatform,
): LinkRequest {
  const images = tree.nodes.filter(({ image }) => isFor(image, spec, platform)).map(({ name }) => name)
  return { spec, tree: files, images, buildArgs, repositories }
}

/** Whether an image is built for a platform; all are for one that stands in for those of the stack. */
function isFor({ platforms }: ImageSpec, spec: Spec, { platform }: ChosenPlatform): boolean {
  const isStacks = spec.platforms.some((each) => each === platform)
  return !isStacks || platforms.some((each) => each === platform)
}

async function planFacts(
  found: Omit<Prepared, "plan">,
  options: PlanOptions,
  registry: RegistrySession,
  proofs: ProofBook | undefined,
): Promise<PlanFacts> {
  const images = await imageFacts(found, options, registry, proofs)
  const { git, spec, linked } = found
  const files = changedFiles(git)
  const scope = {
    imagesDirectory: spec.imagesDirectory,
    specPath: spec.path,
    rules: spec.changeRules,
    images: [...spec.images.values()].map(({ name, directory, dockerfile, buildArgsFile }) => ({
      name,
      directory,
      dockerfile,
      buildArgsFile,
      contextFiles: new Set(linked.images.get(name)?.contextFiles.map(({ path }) => path)),
    })),
  }
  const changes = files === undefined ? undefined : classifyChanges(scope, files)
  return { images, specPath: spec.path, git, changes, options }
}

/** Asks the registry about all of them. */
async function imageFacts(
  { spec, images, repositories }: LinkedSource,
  { tag, platform }: PlanOptions,
  registry: RegistrySession,
  proofs: ProofBook | undefined,
): Promise<readonly ImageFacts[]> {
  const asked = images.filter(({ isPublished }) => isPublished)
  const questions = asked.map((image) => ({
    ...image,
    repository: knownOf(repositories, image.name),
    tag,
    scheme: spec.tags,
    platform,
    platforms: knownOf(spec.images, image.name).platforms,
  }))
  const published = await publishedImages(registry.client, questions, proofs)
  return images.map((image) => ({
    ...image,
    registry: image.isPublished
      ? (published.get(image.name) ?? { kind: "unknown", why: "no registry was asked" })
      : { kind: "known", otherTags: [] },
  }))
}

/** What of the tests runs for a platform here; a stack of one platform has no choice. */
export function testsOn({ platforms, emulatedTests }: Spec, { isEmulated }: ChosenPlatform): EmulatedTests {
  return isEmulated && platforms.length > 1 ? emulatedTests : "full"
}

/** The images that are linked, with their keys. @param judge hash of what judges their tests */
export function keyedImages(
  { spec, tree, files }: OpenSource,
  { linked }: PinnedLink,
  chosen: ChosenPlatform,
  repositories: ReadonlyMap<string, ImagePlace>,
  judge: string,
): readonly KeyedImage[] {
  const isIgnored = (path: string) => isNamedBy(spec.changeRules.ignore, spec.imagesDirectory, path)
  const isOfAll = (path: string) => isNamedBy(spec.changeRules.buildAll, spec.imagesDirectory, path)
  const buildAll = [...files.files.values()].filter(({ path }) => isOfAll(path))
  const { platform } = chosen
  const keys = inputKeys(linked.images, { platform, isIgnored, buildAll })
  const nodes = tree.nodes.filter(({ name }) => linked.images.has(name))
  return nodes.map(({ name, image }) => {
    const { parents, bases } = knownOf(linked.images, name)
    const { registry, path, tagPrefix } = knownOf(repositories, name)
    const { maxAge } = image
    const emulated = testsOn(spec, chosen)
    const settings = { ...spec.tests, hub: spec.hub?.version, sizeBudget: image.sizeBudget }
    const whole = { ...testOwner(spec, tree, name), judge, settings }
    const owner = emulated === "full" ? whole : { ...whole, settings: { ...settings, emulated } }
    return {
      name,
      repository: formatReference({ registry, path }),
      tagPrefix,
      isPublished: image.isPublished,
      parents,
      ancestors: tree.ancestors(name).map((node) => node.name),
      bases,
      ...(maxAge !== undefined && { maxAge }),
      testKey: testKey(files, owner),
      ...(owner !== whole && { wholeTestKey: testKey(files, whole) }),
      folderKeys: folderKeys(files, owner, testFolders(files, owner)),
      ...knownOf(keys, name),
    }
  })
}
