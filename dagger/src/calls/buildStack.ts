import { randomUUID } from "node:crypto"
import { linkedDockerfile } from "../dockerfile/link.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import { withBaseNotices } from "../gather/baseNotices.js"
import { linkedRun, requirePlanned } from "../gather/linkedRun.js"
import type { Prepared } from "../gather/prepare.js"
import { prepare } from "../gather/prepare.js"
import { publishedFacts } from "../gather/publishedFacts.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { StackRequest } from "../gather/request.js"
import { callRequest, checkRange } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { planMarkdown } from "../plan/markdown.js"
import { imagesChangedText } from "../plan/planDocument.js"
import type { CallRequest, SourceFacts } from "../report/report.js"
import type { ArtifactTexts } from "../run/artifacts.js"
import { artifactsOf } from "../run/artifacts.js"
import { assembleReport } from "../run/assembleReport.js"
import { execute } from "../run/execute.js"
import type { EndedImage, Execution } from "../run/execution.js"
import { jobsOf } from "../run/jobs.js"
import { renderManifests } from "../run/manifests.js"
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
  const prepared = await prepare(request, registry)
  if (prepared.plan.skippedByRequest === undefined) requirePlanned(prepared, new Set(request.secrets.keys()))
  const { secrets, publishing, parallel } = request
  const call = { request: callRequest(request), secrets, publishing, parallel, filter: "", startedAt }
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
}

/** Carries out a plan: whatever happens to its images, there is a report, and artifacts. */
export async function runPlan(known: Prepared, call: RunCall, registry: RegistrySession): Promise<StackRun> {
  const prepared = { ...known, plan: withBaseNotices(known) }
  const { plan, git, spec } = prepared
  const images = plan.skippedByRequest === undefined ? await carryOut(prepared, call, registry) : []
  const notices = [...plan.notices, ...prepared.platform.notices]
  const { imagesDirectory } = spec
  const report = assembleReport(
    { ...call, plan, git, imagesDirectory, notices, retries: registry.retries },
    images,
  )
  const more =
    call.purpose === "pages"
      ? await pagesOf(prepared, report.source, call.startedAt, images, registry)
      : new Map<string, string>()
  return stackRun(await artifactsOf(report, images, more), report, call.screen)
}

async function carryOut(
  prepared: Prepared,
  { secrets, publishing, parallel, purpose, filter }: RunCall,
  registry: RegistrySession,
): Promise<readonly EndedImage[]> {
  const { plan, spec, copy } = prepared
  const runId = randomUUID()
  const execution: Execution = {
    jobs: jobsOf(prepared, new Set(secrets.keys()), purpose),
    linked: linkedRun(prepared, runId),
    copy,
    secrets,
    platform: plan.platform,
    imagesDirectory: spec.imagesDirectory,
    tag: plan.tag,
    publishing,
    limits: { spec: spec.tests, filter },
    hubVersion: spec.hub?.version,
    parallel,
    runId,
    purpose,
  }
  return execute(execution, {
    write: (repository, digest, tag) => registry.writeTag(repository, digest, tag),
    read: (repository, tag) => registry.resolve({ ...repository, tag }),
  })
}

/** The plan, the linked Dockerfile and the images' manifests, by path in the artifacts. */
async function pagesOf(
  { plan, linked, spec, git: { remoteUrl } }: Prepared,
  source: SourceFacts,
  startedAt: number,
  images: readonly EndedImage[],
  registry: RegistrySession,
): Promise<ArtifactTexts> {
  const { tag, platform } = plan
  const published = await publishedFacts(
    registry.client,
    images.map(({ job, digest }) => ({ ...job, digest })),
  )
  return new Map([
    ["plan.json", `${JSON.stringify(plan, null, 2)}\n`],
    ["plan.md", planMarkdown(plan)],
    ["artifacts/IMAGES_CHANGED", imagesChangedText(plan)],
    [linkedDockerfile, linked.whole.dockerfile],
    ...renderManifests(images, { spec, tag, platform, startedAt, source, remoteUrl, published }),
  ])
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
  const plan = withBaseNotices(prepared)
  if (plan.skippedByRequest === undefined) requirePlanned(prepared, secrets)
  printResult(planMarkdown(plan))
  return stackPlan(plan, screen)
}
