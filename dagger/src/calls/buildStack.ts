import { randomUUID } from "node:crypto"
import type { LinkedStack, LinkRequest } from "../dockerfile/link.js"
import { linkedDockerfile, linkStack } from "../dockerfile/link.js"
import { requireSecrets } from "../dockerfile/secrets.js"
import type { Plan } from "../plan/planDocument.js"
import { imagesChangedText } from "../plan/planDocument.js"
import { planMarkdown } from "../plan/markdown.js"
import { renderSummary } from "../report/summary.js"
import { artifactsOf } from "../run/artifacts.js"
import { baseNotices } from "../gather/baseNotices.js"
import { assembleReport } from "../run/assembleReport.js"
import { execute } from "../run/execute.js"
import type { EndedImage, Execution } from "../run/execution.js"
import { jobsOf, lineageOf, linkRequestFor } from "../run/jobs.js"
import { renderManifests } from "../run/manifests.js"
import type { Prepared } from "../gather/prepare.js"
import { buildContext, prepare } from "../gather/prepare.js"
import { RegistryEdge } from "../gather/registryEdge.js"
import type { StackRequest } from "../gather/request.js"
import { callRequest, checkRange } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { StackPlan } from "./stackPlan.js"
import { printResult } from "./screenFiles.js"
import { StackRun } from "./stackRun.js"

/**
 * Plans, builds, tests and publishes. What happens to an image is in the result.
 * @throws InputError for mistakes in the source or the options; nothing was built then
 */
export async function buildStack(request: StackRequest): Promise<StackRun> {
  const startedAt = Date.now()
  checkRange(request)
  const registry = await RegistryEdge.open(loginOf(request))
  const prepared = await prepare(request, registry)
  const { plan, git } = prepared
  const states = plan.skippedByRequest === undefined ? await carryOut(request, prepared, registry) : []
  const { branch, tag, platform, skippedByRequest } = plan
  const { publishing } = request
  const call = callRequest(request)
  const { imagesDirectory } = prepared.spec
  const facts = {
    request: call,
    git,
    branch,
    imagesDirectory,
    tag,
    platform,
    publishing,
    skippedByRequest,
    startedAt,
  }
  const notices = [...plan.notices, ...prepared.platform.notices, ...baseNotices(prepared)]
  const report = assembleReport({ ...facts, notices, retries: registry.retries }, states)
  const manifests = renderManifests(states, {
    spec: prepared.spec,
    tag,
    platform,
    startedAt,
    source: report.source,
    ...(git.remoteUrl !== undefined && { remoteUrl: git.remoteUrl }),
    published: await registry.publishedFacts(states.map(({ job, digest }) => ({ ...job, digest }))),
  })
  const texts = new Map([
    ...planTexts(plan),
    [linkedDockerfile, prepared.linked.dockerfile] as const,
    ...manifests,
  ])
  // What a `sync` prints is not shown by the CLI: the summary is printed here.
  printResult(renderSummary(report))
  return new StackRun(await artifactsOf(report, states, texts), JSON.stringify(report))
}

/**
 * Plans a run and does nothing of it.
 * @param secrets ids of those that the run will be given
 * @throws InputError for mistakes in the source or the options, and for a secret that the run could not do without
 */
export async function planOnly(request: StackRequest, secrets: ReadonlySet<string>): Promise<StackPlan> {
  checkRange(request)
  const registry = await RegistryEdge.open(loginOf(request))
  const prepared = await prepare(request, registry)
  const { plan } = prepared
  if (plan.skippedByRequest === undefined) linkedRun(prepared, secrets, randomUUID())
  printResult(planMarkdown(plan))
  return new StackPlan(JSON.stringify(plan, null, 2))
}

async function carryOut(
  request: StackRequest,
  prepared: Prepared,
  registry: RegistryEdge,
): Promise<readonly EndedImage[]> {
  const { plan, spec } = prepared
  const runId = randomUUID()
  const given = new Set(request.secrets.keys())
  const { linkRequest, linked } = linkedRun(prepared, given, runId)
  const execution: Execution = {
    context: (image) => buildContext(prepared.copy, linkRequest, lineageOf(linked, image)),
    secrets: request.secrets,
    platform: plan.platform,
    copy: prepared.copy,
    imagesDirectory: spec.imagesDirectory,
    jobs: jobsOf(prepared, given),
    tag: plan.tag,
    publishing: request.publishing,
    limits: { spec: spec.tests, filter: "" },
    hubVersion: spec.hub?.version,
    parallel: request.parallel,
    runId,
  }
  return execute(execution, {
    write: (repository, digest, tag) => registry.writeTag(repository, digest, tag),
    read: (repository, tag) => registry.resolve({ ...repository, tag }),
  })
}

/**
 * What the run builds, linked.
 * @throws InputError where the secrets that are given do not fit it
 */
function linkedRun(prepared: Prepared, given: ReadonlySet<string>, runId: string): LinkedRun {
  const linkRequest = linkRequestFor(prepared.plan, prepared.linkRequest, runId)
  const linked = linkStack(linkRequest)
  requireSecrets(given, [...linked.images.values()], () => [...prepared.linked.images.values()])
  return { linkRequest, linked }
}

interface LinkedRun {
  readonly linkRequest: LinkRequest
  readonly linked: LinkedStack
}

function planTexts(plan: Plan): readonly (readonly [string, string])[] {
  return [
    ["plan.json", `${JSON.stringify(plan, null, 2)}\n`],
    ["plan.md", planMarkdown(plan)],
    ["artifacts/IMAGES_CHANGED", imagesChangedText(plan)],
  ]
}
