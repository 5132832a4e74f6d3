import { randomUUID } from "node:crypto"
import type { StatementSigner } from "../attestation/signer.js"
import { linkedDockerfile } from "../dockerfile/link.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import { givenIds } from "../engine/buildSecrets.js"
import { withBaseNotices } from "../gather/baseNotices.js"
import { linkedRun, requirePlanned } from "../gather/linkedRun.js"
import type { Prepared, PreparedStack } from "../gather/prepare.js"
import { onePlatform, prepare, testsOn } from "../gather/prepare.js"
import { publishedFacts } from "../gather/publishedFacts.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { StackRequest } from "../gather/request.js"
import { callRequest, checkRange } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { webAddress } from "../git/webAddress.js"
import { signerOfRun } from "../gather/signing.js"
import { atOption, InputError } from "../problems.js"
import { planMarkdown } from "../plan/markdown.js"
import type { Plan } from "../plan/planDocument.js"
import { imagesChangedText } from "../plan/planDocument.js"
import { parseManifest } from "../manifest/manifestData.js"
import type { TagStore } from "../registry/moveTag.js"
import type { CallRequest, SourceFacts, StackReport } from "../report/report.js"
import type { ArtifactTexts } from "../run/artifacts.js"
import { artifactsOf } from "../run/artifacts.js"
import { assembleReport } from "../run/assembleReport.js"
import { attestRunning, hashesOf } from "../run/attestRunning.js"
import { execute } from "../run/execute.js"
import type { EndedImage, Execution, ImageJob } from "../run/execution.js"
import { indexAnnotations, jobsOf, jobsOfPlatform } from "../run/jobs.js"
import { factsName, renderManifests } from "../run/manifests.js"
import type { ReviewedRun } from "./reviewRun.js"
import { branchTag } from "../tag/branchTag.js"
import type { ShownScreen } from "./screenFiles.js"
import { printResult } from "./screenFiles.js"
import type { StackPlan } from "./stackPlan.js"
import { stackPlan } from "./stackPlan.js"
import type { StackRun } from "./stackRun.js"
import { stackRun } from "./stackRun.js"

/**
 * Plans, builds, tests and publishes. What happens to an image is in the result.
 * @param screen where `./stack` shows the result
 * @throws InputError for mistakes in the source or the options; nothing was built then
 */
export async function buildStack(request: StackRequest, screen?: ShownScreen): Promise<StackRun> {
  const startedAt = Date.now()
  checkRange(request)
  const registry = await RegistrySession.open(loginOf(request))
  const signer = await signerOfRun(request)
  const prepared = await prepare(request, registry)
  if (signer !== undefined) refuseSeveralPlatforms(prepared)
  requireSecretsOf(prepared, givenIds(request.secrets))
  const { target } = request
  if (target !== undefined) {
    for (const { spec } of prepared.platforms) branchTag(spec.tags, target, "--target")
  }
  const { secrets, publishing, parallel } = request
  const call = {
    request: callRequest(request),
    secrets,
    publishing,
    parallel,
    filter: "",
    startedAt,
    signer,
    target,
  }
  return runPlan(prepared, { ...call, screen, purpose: "pages" }, registry)
}

/** How a plan is carried out, and by which call. */
export interface RunCall extends Pick<Execution, "publishing" | "parallel" | "purpose"> {
  readonly request: CallRequest
  readonly secrets: BuildSecrets
  /** pytest's `-k` expression; empty for all tests. */
  readonly filter: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Where `./stack` shows the result. */
  readonly screen: ShownScreen | undefined
  /** Signs what the run says of its images; nobody where it is absent. */
  readonly signer?: StatementSigner | undefined
  /** Branch whose published images the run's are compared with. */
  readonly target?: string | undefined
}

/** @throws InputError where an index of several platforms would have to be signed */
function refuseSeveralPlatforms({ platforms }: PreparedStack): void {
  if (platforms.length === 1) return
  const message = "images of several platforms cannot be signed yet"
  throw new InputError([{ location: atOption("--signing-key"), message, hint: "leave it out" }])
}

/** @throws InputError where the secrets that are given do not fit what is built. @param given their ids */
function requireSecretsOf({ platforms }: PreparedStack, given: ReadonlySet<string>): void {
  for (const each of platforms) {
    if (each.plan.skippedByRequest === undefined) requirePlanned(each, given)
  }
}

/** Carries out a plan: whatever happens to its images, there is a report, and artifacts. */
export async function runPlan(
  known: PreparedStack,
  call: RunCall,
  registry: RegistrySession,
): Promise<StackRun> {
  const [prepared] = known.platforms
  if (prepared === undefined) throw new RangeError("a run is for one platform at least")
  const stack = { ...known, plan: withNoticesOf(known) }
  const { plan } = stack
  const { git, spec } = prepared
  const images = plan.skippedByRequest === undefined ? await carryOut(stack, call, registry) : []
  const notices = [...plan.notices, ...known.platforms.flatMap(({ platform }) => platform.notices)]
  const report = assembleReport({ ...call, plan, git, spec, notices, retries: registry.retries }, images)
  const more =
    call.purpose === "pages"
      ? await pagesOf(stack, report.source, call.startedAt, images, registry)
      : new Map<string, string>()
  const { target } = call
  if (target === undefined || plan.skippedByRequest !== undefined)
    return stackRun(await artifactsOf(report, images, more), report, call.screen)
  const reviewed = await withReview(report, { prepared, registry, target }, more)
  const texts = new Map([...more, ["review.json", `${JSON.stringify(reviewed.review, null, 2)}\n`]])
  return stackRun(await artifactsOf(reviewed, images, texts), reviewed, call.screen)
}

/** The report with what the run changes against the images of a branch. */
async function withReview(
  report: StackReport,
  run: Pick<ReviewedRun, "prepared" | "registry" | "target">,
  pages: ArtifactTexts,
): Promise<StackReport> {
  const { reviewRun } = await import("./reviewRun.js")
  const texts = [...pages].filter(([path]) => path.startsWith("manifests/") && path.endsWith(".json"))
  const manifests = texts.map(([path, text]) => parseManifest(text, path))
  const review = await reviewRun({ ...run, report, manifests })
  // Again: looking into images asks registries, too.
  return { ...report, review, milliseconds: Date.now() - report.startedAt }
}

/** What of a stack of several platforms this engine emulates, or leaves out: no step of the plan would tell. */
function leftOutOf({ platforms }: PreparedStack): readonly string[] {
  return platforms.flatMap(({ spec, platform }) => (spec.platforms.length > 1 ? platform.notices : []))
}

/** The plan with what is not known of the bases of any platform. */
function withNoticesOf({ plan, platforms }: PreparedStack): Plan {
  return platforms.reduce(
    (all, each) => ({
      ...all,
      notices: withBaseNotices({ ...each, plan: { ...each.plan, notices: all.notices } }).notices,
    }),
    plan,
  )
}

async function carryOut(
  { plan, platforms }: PreparedStack,
  call: RunCall,
  registry: RegistrySession,
): Promise<readonly EndedImage[]> {
  const runId = randomUUID()
  const tags: TagStore = {
    write: (repository, digest, tag) => registry.writeTag(repository, digest, tag),
    read: (repository, tag) => registry.resolve({ ...repository, tag }),
  }
  const [only, ...others] = platforms
  if (only !== undefined && others.length === 0) {
    const jobs = jobsOf(only, givenIds(call.secrets), call.purpose)
    const { signer } = call
    const execution = executionOf(only, jobs, call, runId, registry)
    if (signer === undefined) return execute(execution, tags)
    return execute(execution, tags, (images) => attestEnded(images, only, call, signer, registry))
  }
  const { executePlatforms, platformRun } = await import("../run/joinPlatforms.js")
  const runs = platforms.map((each) => {
    const jobs = jobsOfPlatform(each, givenIds(call.secrets), call.purpose)
    return platformRun(executionOf(each, jobs, call, runId, registry), each.platform.isEmulated, plan)
  })
  const order = only?.tree.nodes.map(({ name }) => name) ?? []
  return executePlatforms(runs, order, tags, (name, repository, images, tag) =>
    registry.writeIndex(
      repository,
      images,
      only === undefined ? new Map() : indexAnnotations(only, name),
      tag,
    ),
  )
}

function executionOf(
  prepared: Prepared,
  jobs: readonly ImageJob[],
  { secrets, publishing, parallel, purpose, filter, startedAt }: RunCall,
  runId: string,
  registry: RegistrySession,
): Execution {
  const { plan, spec, copy, platform, git } = prepared
  const tests = testsOn(spec, platform)
  return {
    jobs,
    linked: linkedRun(prepared, runId, secrets.agent),
    copy,
    secrets,
    platform: plan.platform,
    tests,
    imagesDirectory: spec.imagesDirectory,
    tag: plan.tag,
    tagFacts: { scheme: spec.tags, startedAt, commit: git.head?.sha },
    askPublished: async (image, commands) => {
      const { askPublishedImage } = await import("../run/publishedAnswers.js")
      return askPublishedImage(registry.client, image, commands, plan.platform)
    },
    publishing,
    // pytest's -k takes the names of markers, too.
    limits: { spec: spec.tests, filter: tests === "smoke" && filter === "" ? "smoke" : filter },
    hubVersion: spec.hub?.version,
    parallel,
    runId,
    purpose,
  }
}

/** Signs what a run says so far: its report is written once more when the tags have moved. */
async function attestEnded(
  images: readonly EndedImage[],
  prepared: Prepared,
  call: RunCall,
  signer: StatementSigner,
  registry: RegistrySession,
): Promise<readonly EndedImage[]> {
  const { plan, git, spec } = prepared
  const report = assembleReport({ ...call, plan, git, spec, notices: [], retries: registry.retries }, images)
  const pages = await pagesOf(onePlatform(prepared), report.source, call.startedAt, images, registry)
  const source = git.remoteUrl === undefined ? undefined : webAddress(git.remoteUrl)
  const run = { report, plan, files: hashesOf(images, pages), source }
  return attestRunning(images, run, { registry, signer, repositories: prepared.repositories })
}

/** The plan, the linked Dockerfile and the images' manifests, by path in the artifacts. */
async function pagesOf(
  { plan, platforms }: PreparedStack,
  source: SourceFacts,
  startedAt: number,
  images: readonly EndedImage[],
  registry: RegistrySession,
): Promise<ArtifactTexts> {
  const [first] = platforms
  if (first === undefined) throw new RangeError("a run is for one platform at least")
  const { spec, git } = first
  const { tag, platform } = plan
  const { remoteUrl } = git
  const published = await publishedFacts(
    registry.client,
    images.flatMap(({ job, digest, platforms: parts = [] }) => [
      { ...job, digest },
      ...(parts.length < 2 ? [] : parts).map((part) => ({
        name: factsName(job.name, part.platform),
        repository: job.repository,
        digest: part.image.digest,
      })),
    ]),
    platform,
  )
  return new Map([
    ["plan.json", `${JSON.stringify(plan, null, 2)}\n`],
    ["plan.md", planMarkdown(plan)],
    ["artifacts/IMAGES_CHANGED", imagesChangedText(plan)],
    ...platforms.map(dockerfileOf),
    ...renderManifests(images, { spec, tag, platform, startedAt, source, remoteUrl, published }),
  ])
}

/** The linked text of the first platform has the usual name; of another one it has the platform's in it. */
function dockerfileOf({ linked, plan }: Prepared, index: number): readonly [string, string] {
  const name = index === 0 ? linkedDockerfile : `${plan.platform.replaceAll("/", "-")}.${linkedDockerfile}`
  return [name, linked.whole.dockerfile]
}

/**
 * Plans a run and does nothing of it.
 * @param secrets ids of those that the run will be given
 * @param screen where `./stack` shows the plan
 * @throws InputError for mistakes in the source or the options, and for a secret that the run could not do without
 */
export async function planOnly(
  request: StackRequest,
  secrets: ReadonlySet<string>,
  screen?: ShownScreen,
): Promise<StackPlan> {
  checkRange(request)
  const prepared = await prepare(request, await RegistrySession.open(loginOf(request)))
  const known = withNoticesOf(prepared)
  const plan = { ...known, notices: [...known.notices, ...leftOutOf(prepared)] }
  requireSecretsOf(prepared, secrets)
  printResult(planMarkdown(plan))
  return stackPlan(plan, screen)
}
