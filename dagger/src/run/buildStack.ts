import { randomUUID } from "node:crypto"
import { linkStack } from "../dockerfile/link.js"
import { requireSecrets } from "../dockerfile/secrets.js"
import type { Plan } from "../plan/planDocument.js"
import { imagesChangedText } from "../plan/planDocument.js"
import { planMarkdown } from "../plan/markdown.js"
import { listOf } from "../text/format.js"
import { renderSummary } from "../report/summary.js"
import { artifactsOf } from "./artifacts.js"
import { assembleReport } from "./assembleReport.js"
import { linkedDockerfile } from "./buildImage.js"
import { execute } from "./execute.js"
import type { Execution, ImageState } from "./execution.js"
import { jobsOf, lineageOf, linkRequestFor } from "./jobs.js"
import { renderManifests } from "./manifests.js"
import type { Prepared } from "./prepare.js"
import { buildContext, prepare } from "./prepare.js"
import { RegistryEdge } from "./registryEdge.js"
import type { StackRequest } from "./request.js"
import { callRequest, checkRange } from "./request.js"
import { loginOf } from "./secretHosts.js"
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
  const report = assembleReport({ ...facts, notices: noticesOf(prepared), retries: registry.retries }, states)
  const manifests = renderManifests(states, {
    spec: prepared.spec,
    tag,
    platform,
    startedAt,
    source: report.source,
    ...(git.remoteUrl !== undefined && { remoteUrl: git.remoteUrl }),
    published: await registry.publishedFacts(states),
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
 * @throws InputError for mistakes in the source or the options
 */
export async function planOnly(request: StackRequest): Promise<StackPlan> {
  checkRange(request)
  const registry = await RegistryEdge.open(loginOf(request))
  const { plan } = await prepare(request, registry)
  printResult(planMarkdown(plan))
  return new StackPlan(JSON.stringify(plan, null, 2))
}

function noticesOf({ plan, platform, unresolvedBases, unknownConfigs }: Prepared): readonly string[] {
  const unresolved = [...unresolvedBases].map(
    ([reference, why]) => `${reference} could not be resolved: ${why}`,
  )
  return [...plan.notices, ...platform.notices, ...unresolved, ...unknownConfigNotices(unknownConfigs)]
}

/** One line for all: most often it is one registry that only the engine reaches. */
function unknownConfigNotices(unknown: ReadonlyMap<string, string>): readonly string[] {
  const [why] = unknown.values()
  if (why === undefined) return []
  const names = listOf([...unknown.keys()])
  return [`whether ${names} has ONBUILD or SHELL is not known, and taken for no: ${why}`]
}

async function carryOut(
  request: StackRequest,
  prepared: Prepared,
  registry: RegistryEdge,
): Promise<readonly ImageState[]> {
  const { plan, spec } = prepared
  const runId = randomUUID()
  const linkRequest = linkRequestFor(plan, prepared.linkRequest, runId)
  const linked = linkStack(linkRequest)
  const given = new Set(request.secrets.keys())
  requireSecrets(given, [...linked.images.values()], [...prepared.linked.images.values()])
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
    ...(spec.hub !== undefined && { hubVersion: spec.hub.version }),
    parallel: request.parallel,
    runId,
  }
  return execute(execution, {
    write: (repository, digest, tag) => registry.writeTag(repository, digest, tag),
    read: (repository, tag) => registry.resolve({ ...repository, tag }),
  })
}

function planTexts(plan: Plan): readonly (readonly [string, string])[] {
  return [
    ["plan.json", `${JSON.stringify(plan, null, 2)}\n`],
    ["plan.md", planMarkdown(plan)],
    ["artifacts/IMAGES_CHANGED", imagesChangedText(plan)],
  ]
}
