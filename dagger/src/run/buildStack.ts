import { randomUUID } from "node:crypto"
import { linkStack } from "../dockerfile/link.js"
import type { Plan } from "../plan/planDocument.js"
import { imagesChangedText } from "../plan/planDocument.js"
import { planMarkdown } from "../plan/markdown.js"
import type { ImageReport, SourceFacts, StackReport } from "../report/report.js"
import { artifactsOf, logPaths } from "./artifacts.js"
import { linkedDockerfile } from "./buildImage.js"
import { execute } from "./execute.js"
import type { Execution, ImageState } from "./execution.js"
import { jobsOf, linkRequestFor } from "./jobs.js"
import { renderManifests } from "./manifests.js"
import type { Prepared } from "./prepare.js"
import { buildContext, prepare } from "./prepare.js"
import { loginOf, RegistryEdge } from "./registryEdge.js"
import type { StackRequest } from "./request.js"
import { reproduceCommand } from "./request.js"
import { StackRun } from "./stackRun.js"

/**
 * Plans, builds, tests and publishes. What happens to an image is in the result.
 * @throws InputError for mistakes in the source or the options; nothing was built then
 */
export async function buildStack(request: StackRequest): Promise<StackRun> {
  const startedAt = Date.now()
  const login = loginOf(request)
  const registry = await RegistryEdge.open(login)
  const prepared = await prepare(request, (questions) => registry.ask(questions))
  const { plan } = prepared
  const states = plan.skippedByRequest === undefined ? await carryOut(request, prepared, registry) : []
  const report = reportOf(request, prepared, states, registry, startedAt)
  const manifests = renderManifests(states, {
    spec: prepared.spec,
    tag: plan.tag,
    platform: plan.platform,
    startedAt,
    source: report.source,
    ...(prepared.git.remoteUrl !== undefined && { remoteUrl: prepared.git.remoteUrl }),
    published: await registry.publishedFacts(states),
  })
  const texts = new Map([
    ...planTexts(plan),
    [linkedDockerfile, prepared.linked.dockerfile] as const,
    ...manifests,
  ])
  return new StackRun(artifactsOf(report, states, texts), JSON.stringify(report))
}

async function carryOut(
  request: StackRequest,
  prepared: Prepared,
  registry: RegistryEdge,
): Promise<readonly ImageState[]> {
  const { plan, spec } = prepared
  const linked = linkStack(linkRequestFor(plan, prepared.linkRequest))
  const login = loginOf(request)
  await registry.loginEngine([...prepared.repositories.values()])
  const execution: Execution = {
    context: buildContext(request.source, linked, linkedDockerfile),
    tests: request.source.directory(spec.imagesDirectory),
    jobs: jobsOf(prepared),
    tag: plan.tag,
    publish: request.publish,
    publishEach: request.publishEach,
    ...(login !== undefined && { login }),
    limits: { spec: spec.tests, filter: "" },
    ...(spec.hub !== undefined && { hubVersion: spec.hub.version }),
    parallel: request.parallel,
    runId: randomUUID(),
  }
  return execute(execution, (repository, digest, tag) => registry.writeTag(repository, digest, tag))
}

function planTexts(plan: Plan): readonly (readonly [string, string])[] {
  return [
    ["plan.json", `${JSON.stringify(plan, null, 2)}\n`],
    ["plan.md", planMarkdown(plan)],
    ["artifacts/IMAGES_CHANGED", imagesChangedText(plan)],
  ]
}

function reportOf(
  request: StackRequest,
  { plan, git, unresolvedBases }: Prepared,
  states: readonly ImageState[],
  registry: RegistryEdge,
  startedAt: number,
): StackReport {
  const source: SourceFacts = {
    branch: plan.branch,
    dirty: git.dirty.length + git.untracked.length > 0,
    ...(git.head !== undefined && {
      commit: git.head.sha,
      message: git.head.message,
      committedAt: git.head.committerTime,
    }),
  }
  const unresolved = [...unresolvedBases].map(
    ([reference, why]) => `${reference} could not be resolved: ${why}`,
  )
  return {
    version: 1,
    ...(plan.skippedByRequest !== undefined && { skippedByRequest: plan.skippedByRequest }),
    source,
    tag: plan.tag,
    publish: request.publish,
    startedAt,
    milliseconds: Date.now() - startedAt,
    images: states.map((state) => imageReport(state, plan.tag)),
    notices: [...plan.notices, ...unresolved],
    retries: registry.retries,
    reproduce: reproduceCommand("build-stack", request),
  }
}

function imageReport(state: ImageState, tag: string): ImageReport {
  const { job, journal, outcome, digest, unpackedBytes } = state
  return {
    name: job.name,
    action: job.action,
    reasons: job.reasons,
    outcome: outcome ?? { kind: "untested", reason: "nothing was done for it" },
    reference: `${job.repository.registry}/${job.repository.path}:${tag}`,
    ...(digest !== undefined && { digest }),
    published: state.published,
    inputKey: job.inputKey,
    ...(unpackedBytes !== undefined && { unpackedBytes }),
    steps: journal.steps,
    suites: state.suites.map(({ kind, run }) => ({ kind, run })),
    notices: state.notices,
    logs: logPaths(state),
  }
}
