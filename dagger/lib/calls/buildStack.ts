import { randomUUID } from "node:crypto"
import type { Directory } from "@dagger.io/dagger"
import type { StatementSigner } from "../attestation/signer.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import { givenIds } from "../engine/buildSecrets.js"
import { withBaseNotices } from "../gather/baseNotices.js"
import { linkedRun, requirePlanned } from "../gather/linkedRun.js"
import type { Prepared, PreparedStack } from "../gather/prepare.js"
import { firstPlatform, prepare, testsOn } from "../gather/prepare.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { StackRequest } from "../gather/request.js"
import { callRequest, checkRange } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { requireBuiltElsewhere } from "../gather/platforms.js"
import { signerOfRun } from "../gather/signing.js"
import type { ScanTools } from "../gather/vulnerabilityScan.js"
import { atOption, InputError } from "../problems.js"
import type { Plan } from "../plan/planDocument.js"
import { parseManifest } from "../manifest/manifestData.js"
import type { TagStore } from "../registry/moveTag.js"
import type { CallRequest, StackReport } from "../report/report.js"
import type { ArtifactTexts } from "../run/artifacts.js"
import { artifactsOf } from "../run/artifacts.js"
import { assembleReport } from "../run/assembleReport.js"
import type { BeforeTags } from "../run/execute.js"
import { execute } from "../run/execute.js"
import type { EndedImage, Execution, ImageJob } from "../run/execution.js"
import { indexAnnotations, jobsOf, jobsOfPlatform } from "../run/jobs.js"
import type { IndexWriter } from "../run/joinPlatforms.js"
import { beforeTags } from "./beforeTags.js"
import type { ReviewedRun } from "./reviewRun.js"
import { pagesOf } from "./runPages.js"
import { branchTag } from "../tag/branchTag.js"
import { writtenUsers } from "../testing/writtenUsers.js"

/** What a run has to tell, and everything that it left behind. */
export interface RunOutcome {
  readonly report: StackReport
  readonly artifacts: Directory
}

/**
 * Plans, builds, tests and publishes. What happens to an image is in the result.
 * @throws InputError for mistakes in the source or the options; nothing was built then
 */
export async function buildStack(request: StackRequest): Promise<RunOutcome> {
  const startedAt = Date.now()
  checkRange(request)
  const registry = await RegistrySession.open(loginOf(request))
  const signer = await signerOfRun(request)
  const prepared = await prepare(request, registry)
  for (const { plan, platform } of prepared.platforms) requireBuiltElsewhere(plan, platform)
  refuseEarlyTags(prepared, request)
  const tools = await scanToolsOfRun(prepared, request)
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
    tools,
    target,
  }
  return runPlan(prepared, { ...call, purpose: "pages" }, registry)
}

/** How a plan is carried out, and by which call. */
export interface RunCall extends Pick<Execution, "publishing" | "parallel" | "purpose"> {
  readonly request: CallRequest
  readonly secrets: BuildSecrets
  /** pytest's `-k` expression; empty for all tests. */
  readonly filter: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Signs what the run says of its images; nobody where it is absent. */
  readonly signer?: StatementSigner | undefined
  /** Scans its images before their tags move; nobody where it is absent. */
  readonly tools?: ScanTools | undefined
  /** Branch whose published images the run's are compared with. */
  readonly target?: string | undefined
}

/** @throws InputError where tags would move before what has to come first */
function refuseEarlyTags(
  { proofs }: PreparedStack,
  { publishing, vulnerabilityDatabase }: StackRequest,
): void {
  if (publishing !== "each" || (proofs ?? vulnerabilityDatabase) === undefined) return
  const message =
    proofs === undefined
      ? "with it tags move before images are scanned"
      : "the spec trusts signers, and with it tags move before anything is signed"
  throw new InputError([{ location: atOption("--publish-each"), message, hint: "leave it out" }])
}

/** @throws InputError for a database or a scanner that is none; undefined where nothing is to be scanned */
async function scanToolsOfRun(
  { platforms: [first] }: PreparedStack,
  { source, scanner, vulnerabilityDatabase }: StackRequest,
): Promise<ScanTools | undefined> {
  if (vulnerabilityDatabase === undefined || first === undefined) return undefined
  const { databaseFile, scanToolsOf } = await import("../gather/vulnerabilityScan.js")
  const database = await databaseFile(vulnerabilityDatabase, "--vulnerability-database")
  return scanToolsOf(source, first.spec, { scanner, database })
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
): Promise<RunOutcome> {
  const prepared = firstPlatform(known)
  const stack = { ...known, plan: withNoticesOf(known) }
  const { plan } = stack
  const { git, spec } = prepared
  const gate = beforeTags(stack, call, registry)
  const images = plan.skippedByRequest === undefined ? await carryOut(stack, call, registry, gate.pass) : []
  const notices = [...plan.notices, ...known.platforms.flatMap(({ platform }) => platform.notices)]
  const report = assembleReport({ ...call, plan, git, spec, notices, retries: registry.retries }, images)
  const pages =
    call.purpose === "pages"
      ? await pagesOf(stack, report.source, call.startedAt, images, registry)
      : new Map<string, string>()
  const more = new Map([...pages, ...gate.texts()])
  const { target } = call
  if (target === undefined || plan.skippedByRequest !== undefined)
    return { report, artifacts: await artifactsOf(report, images, more) }
  const reviewed = await withReview(report, { prepared, registry, target }, more)
  const texts = new Map([...more, ["review.json", `${JSON.stringify(reviewed.review, null, 2)}\n`]])
  return { report: reviewed, artifacts: await artifactsOf(reviewed, images, texts) }
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

/** What of a stack of several platforms this engine emulates, or cannot do: no step of the plan would tell. */
function leftOutOf({ platforms }: PreparedStack): readonly string[] {
  return platforms.flatMap(({ spec, platform: { notices, unable } }) =>
    spec.platforms.length > 1 ? [...notices, ...(unable === undefined ? [] : [unable])] : [],
  )
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
  stack: PreparedStack,
  call: RunCall,
  registry: RegistrySession,
  gate: BeforeTags,
): Promise<readonly EndedImage[]> {
  const { plan, platforms } = stack
  const runId = randomUUID()
  const tags: TagStore = {
    write: (repository, digest, tag) => registry.writeTag(repository, digest, tag),
    read: (repository, tag) => registry.resolve({ ...repository, tag }),
  }
  const [only, ...others] = platforms
  if (only !== undefined && others.length === 0) {
    const jobs = jobsOf(only, givenIds(call.secrets), call.purpose)
    return execute(executionOf(only, jobs, call, runId, registry), tags, gate)
  }
  const { executePlatforms, platformRun } = await import("../run/joinPlatforms.js")
  const runs = platforms.map((each) => {
    const jobs = jobsOfPlatform(each, givenIds(call.secrets), call.purpose)
    return platformRun(executionOf(each, jobs, call, runId, registry), each.platform.isEmulated, plan)
  })
  const order = only?.tree.nodes.map(({ name }) => name) ?? []
  const writeIndex: IndexWriter = (name, repository, images, tag) => {
    const annotations = only === undefined ? new Map<string, string>() : indexAnnotations(only, name)
    return registry.writeIndex(repository, images, annotations, tag)
  }
  return executePlatforms(runs, order, tags, writeIndex, gate)
}

function executionOf(
  prepared: Prepared,
  jobs: readonly ImageJob[],
  { secrets, publishing, parallel, purpose, filter, startedAt }: RunCall,
  runId: string,
  registry: RegistrySession,
): Execution {
  const { plan, spec, files, copy, platform, git } = prepared
  const tests = testsOn(spec, platform)
  return {
    jobs,
    linked: linkedRun(prepared, runId, secrets.agent),
    copy,
    secrets,
    platform: plan.platform,
    tests,
    imagesDirectory: spec.imagesDirectory,
    writtenUsers: (folder) => writtenUsers(files, folder),
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

/**
 * Plans a run and does nothing of it.
 * @param secrets ids of those that the run will be given
 * @throws InputError for mistakes in the source or the options, and for a secret that the run could not do without
 */
export async function planOnly(request: StackRequest, secrets: ReadonlySet<string>): Promise<Plan> {
  checkRange(request)
  const prepared = await prepare(request, await RegistrySession.open(loginOf(request)))
  const known = withNoticesOf(prepared)
  const plan = { ...known, notices: [...known.notices, ...leftOutOf(prepared)] }
  requireSecretsOf(prepared, secrets)
  return plan
}
