import { randomUUID } from "node:crypto"
import { Directory } from "@dagger.io/dagger"
import type { LinkedImage } from "../dockerfile/link.js"
import { linkStack } from "../dockerfile/link.js"
import { requireSecrets, secretNotices } from "../dockerfile/secrets.js"
import { formatProblem } from "../problems.js"
import { publishedAs } from "../spec/publishedAs.js"
import { parseSettings } from "../spec/settings.js"
import type { StackReport } from "../report/report.js"
import { renderSummary } from "../report/summary.js"
import { listOption } from "../text/shell.js"
import { testFolders, testOwner } from "../testing/testFolders.js"
import { selectImages } from "../tree/tree.js"
import { artifactsOf } from "../run/artifacts.js"
import { assembleReport } from "../run/assembleReport.js"
import { linkPinned } from "../gather/bases.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import { execute } from "../run/execute.js"
import type { Execution, ImageJob } from "../run/execution.js"
import { askGit } from "../engine/gitContainer.js"
import { knownOf } from "../tree/knownOf.js"
import type { AskGit, OpenSource } from "../gather/openSource.js"
import { openSource } from "../gather/openSource.js"
import type { ChosenPlatform } from "../engine/platform.js"
import { choosePlatform } from "../engine/platform.js"
import type { BuildContext } from "../gather/prepare.js"
import { buildContext } from "../gather/prepare.js"
import { publishedImage } from "../gather/publishedImage.js"
import { RegistryEdge } from "../gather/registryEdge.js"
import type { RegistryLogin } from "../engine/registryLogin.js"
import { loginToRegistry } from "../engine/registryLogin.js"
import { secretsOf, stepsAtOnce } from "../gather/request.js"
import { printResult } from "./screenFiles.js"
import { referenceOf } from "../gather/secretHosts.js"
import { StackRun } from "./stackRun.js"

/** One image, from source or from a registry. */
export interface SingleImage {
  readonly source: Directory
  readonly image: string
  /** `image.ARG=value` */
  readonly set: readonly string[]
  readonly secrets: BuildSecrets
  /** Take this published image instead of building one. */
  readonly ref?: string
  readonly login?: RegistryLogin
}

/** An image's source with what it takes to build it. */
export interface OpenImage extends OpenSource {
  readonly context: BuildContext
  readonly linked: LinkedImage
  readonly platform: ChosenPlatform
}

/**
 * Links one image with what it is built on.
 * @throws InputError for mistakes in the source or the options
 */
export async function openImage(
  { source, image, set, secrets, ref, login }: SingleImage,
  ask: AskGit = () => askGit(source, {}),
): Promise<OpenImage> {
  const open = await openSource(source, ask)
  const { spec, tree, files } = open
  const images = selectImages(tree, [image]).map(({ name }) => name)
  const platform = await choosePlatform(spec.platform, "nothing")
  const request = {
    spec,
    tree: files,
    images,
    platform: platform.platform,
    buildArgs: parseSettings(spec, set),
    repositories: publishedAs(spec),
  }
  const { linkRequest, linked } = await linkPinned(request, await RegistryEdge.open(login))
  const taken = [...linked.images.values()]
  // The whole stack's secrets may be given: a run is repeated with what it was given.
  const all = () => [
    ...linkStack({ ...linkRequest, images: tree.nodes.map(({ name }) => name) }).images.values(),
  ]
  if (ref === undefined) requireSecrets(new Set(secrets.keys()), taken, all)
  const context = await buildContext(open.copy, linkRequest, images)
  return { ...open, context, linked: knownOf(linked.images, image), platform }
}

/**
 * Runs all tests of one image as `buildStack` does; never from a cache.
 * @throws InputError for mistakes in the source or the options
 */
export async function testImage(single: SingleImage, filter: string): Promise<StackRun> {
  const startedAt = Date.now()
  const asked = askGit(single.source, {})
  const [open, git] = await Promise.all([openImage(single, () => asked), asked])
  const job = await jobOf(single, open)
  const execution: Execution = {
    context: () => Promise.resolve(open.context),
    secrets: single.secrets,
    platform: open.platform.platform,
    copy: open.copy,
    imagesDirectory: open.spec.imagesDirectory,
    jobs: [job],
    tag: open.spec.tagPrefix,
    publishing: "nothing",
    limits: { spec: open.spec.tests, filter },
    hubVersion: open.spec.hub?.version,
    parallel: stepsAtOnce,
    runId: randomUUID(),
    fresh: true,
  }
  const nothingPublished = () => Promise.reject(new Error("a test run publishes nothing"))
  const states = await execute(execution, { write: nothingPublished, read: nothingPublished })
  const branch = git.branch.kind === "branch" ? git.branch.name : "local"
  const facts = {
    request: callOf(single, filter),
    git,
    branch,
    imagesDirectory: open.spec.imagesDirectory,
    tag: open.spec.tagPrefix,
    publishing: "nothing" as const,
    platform: open.platform.platform,
    startedAt,
  }
  const report: StackReport = assembleReport(
    { ...facts, notices: open.platform.notices, retries: [] },
    states,
  )
  printResult(renderSummary(report))
  return new StackRun(await artifactsOf(report, states, new Map()), JSON.stringify(report))
}

function callOf({ image, set, ref, secrets }: SingleImage, filter: string): StackReport["request"] {
  const options = [
    `--image=${image}`,
    ...set.map((setting) => listOption("set", setting)),
    ...(ref === undefined ? [] : [`--ref=${ref}`]),
    ...(filter === "" ? [] : [`--filter=${filter}`]),
  ]
  return { function: "test-image", arguments: options, ...secretsOf(secrets) }
}

async function jobOf({ image: name, ref, login, secrets }: SingleImage, open: OpenImage): Promise<ImageJob> {
  const { spec, tree, files, linked, platform } = open
  const { image } = tree.node(name)
  const named = ref === undefined ? undefined : referenceOf(ref)
  if (named !== undefined && login !== undefined) await loginToRegistry(named, login)
  const any = {
    name,
    parents: [],
    reasons: [ref === undefined ? "asked for by name" : `asked for as ${ref}`],
    inputKey: "",
    testKey: "",
    folderKeys: new Map<string, string>(),
    repository: named ?? image.repository,
    folders: testFolders(files, testOwner(spec, tree, name)),
    serverPort: image.serverPort,
    probes: [],
    sizeBudget: image.sizeBudget,
    notices: linked.notices.map(formatProblem),
  }
  if (named !== undefined) {
    const published = await publishedImage(named, platform.platform)
    return { ...any, action: "retest", published, hasSameContent: false }
  }
  return {
    ...any,
    action: "build",
    target: linked.target,
    builderArgs: linked.builderArgs,
    labels: new Map(),
    foreignLabels: [],
    notices: [...any.notices, ...secretNotices(new Set(secrets.keys()), linked)],
  }
}
