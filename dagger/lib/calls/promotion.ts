import { setTimeout as sleep } from "node:timers/promises"
import { planGpuTest, renderGpuPlan } from "../gpu/gpuTest.js"
import { formatJournal, parseJournal } from "../promote/journal.js"
import { evidenceCheck } from "../promote/evidence.js"
import type { EvidenceCheck, MeteredContext } from "../promote/promote.js"
import { digestsOf } from "../promote/promote.js"
import type { PromotedImage } from "../promote/promotion.js"
import { renderPromotionMarkdown } from "../promote/render.js"
import type { PromotionReport } from "../promote/report.js"
import { isPromotionOk } from "../promote/report.js"
import { rollback } from "../promote/rollback.js"
import { renderStatusMarkdown, status } from "../promote/status.js"
import { tagGlobalStable } from "../promote/tagGlobalStable.js"
import { lookBeforeTagStable, tagStable } from "../promote/tagStable.js"
import { globalStableTags, stableTags } from "../promote/tags.js"
import { wikiChangeOf } from "../promote/wikiEffects.js"
import { excerptOfOutput } from "../report/excerpt.js"
import { publishedAs } from "../spec/publishedAs.js"
import { fenced } from "../text/markdown.js"
import type { ActionOutcome } from "./actionOutcome.js"
import type { GpuLogin } from "./gpuTest.js"
import { attestVerdict, gpuOptions, preformatted, requireNamedHost, runGpu, testedImage } from "./gpuTest.js"
import { InputError } from "../problems.js"
import type { OpenSource } from "../gather/openSource.js"
import { openSource } from "../gather/openSource.js"
import type { ManifestPages, PageResult, PagesOfCall } from "./manifestPages.js"
import { openPages } from "./manifestPages.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { RegistryOptionsOfCall } from "../gather/request.js"
import { loginOf } from "../gather/secretHosts.js"
import { believerOf, signerOf } from "../gather/signing.js"
import type { SigningOptions } from "../gather/signing.js"

/** What every promotion takes. */
export interface PromotionCall extends RegistryOptionsOfCall, PagesOfCall {
  readonly dryRun: boolean
}

/** What making images stable takes besides. */
interface StableCall extends PromotionCall, GpuLogin, Pick<SigningOptions, "signingKey"> {
  readonly tag: string
  readonly skipGpuTest: boolean
}

/** Everything opened that a promotion works with. */
interface PromotionSetup extends OpenSource {
  readonly images: readonly PromotedImage[]
  readonly registry: RegistrySession
  readonly context: MeteredContext
  readonly pages: ManifestPages
}

/**
 * `2026.4-main` becomes `2026.4-stable`: looks first, then tests on the GPU, then promotes what was tested.
 * @throws InputError for mistakes in the source or the options, before anything is asked
 */
export async function promoteToStable(call: StableCall): Promise<ActionOutcome> {
  const { tag, dryRun } = call
  requireNamedHost(call, "--gpu-")
  const setup = await openPromotion(call)
  const { form } = setup.spec.tags
  stableTags(tag, form)
  const { images, context, pages } = setup
  const evidence = await evidenceOf(setup)
  const request = { images, tag, form, dryRun, pages, evidence: evidence?.whole }
  const signer = await signerOf({ signingKey: call.signingKey })
  const test = await gpuTestOf(setup, call)
  if (test.kind === "skipped")
    return finish(setup, await tagStable({ ...request, gate: test }, context), dryRun)
  if (evidence !== undefined) {
    const found = await lookBeforeTagStable(request, context)
    // Also where nobody could sign what a test would say.
    if (signer === undefined || found.outcome.kind !== "refused") {
      const gate = { kind: "attested" } as const
      return finish(setup, await tagStable({ ...request, gate, expected: digestsOf(found) }, context), dryRun)
    }
  }
  const look = await lookBeforeTagStable({ ...request, evidence: evidence?.beforeGpuTest }, context)
  if (look.outcome.kind !== "dry-run") return finish(setup, look, dryRun)
  const digests = digestsOf(look)
  const options = await test.optionsFor(digests)
  if (dryRun) return finish(setup, look, dryRun, renderGpuPlan(planGpuTest(options)))
  const verdict = await runGpu(options, setup.registry)
  const signed = await attestVerdict(verdict, options, setup.registry, signer)
  if (signed !== undefined) console.log(signed.message)
  const gate = { kind: "verdict", verdict } as const
  return finish(setup, await tagStable({ ...request, gate, expected: digests }, context), dryRun, verdict.log)
}

/**
 * `2026.4-stable` becomes `stable`.
 * @throws InputError for mistakes in the source or the options, before anything is asked
 */
export async function promoteToGlobalStable(
  call: PromotionCall & { readonly prefix: string },
): Promise<ActionOutcome> {
  const { prefix, dryRun } = call
  const setup = await openPromotion(call)
  const { form } = setup.spec.tags
  globalStableTags(prefix, form)
  const { images, context, pages } = setup
  const evidence = (await evidenceOf(setup))?.whole
  return finish(
    setup,
    await tagGlobalStable({ images, prefix, form, dryRun, pages, evidence }, context),
    dryRun,
  )
}

/**
 * Takes the last promotion to a tag back, or that of a journal.
 * @param call.journal JSON of the journal to undo
 * @throws InputError for mistakes in the source or the options; InvalidJournal
 */
export async function takeBack(
  call: PromotionCall & {
    readonly tag: string
    readonly journal?: string | undefined
    readonly force: boolean
  },
): Promise<ActionOutcome> {
  const { tag, dryRun, force } = call
  const setup = await openPromotion(call)
  const journal = call.journal === undefined ? {} : { journal: parseJournal(call.journal, "--journal") }
  const report = await rollback(
    { tag, form: setup.spec.tags.form, images: setup.images, force, dryRun, ...journal },
    setup.context,
  )
  return finish(setup, report, dryRun)
}

/**
 * What the stable tags name now, since when, and from which commit.
 * @param call.prefix `<year>.<quarter>`; the spec's where not given
 */
export async function promotionStatus(
  call: RegistryOptionsOfCall & { readonly prefix?: string | undefined },
): Promise<ActionOutcome> {
  const { spec, images, registry } = await openPromotion({ ...call, dryRun: true })
  const report = await status(images, call.prefix ?? spec.tags.prefix, registry.client, spec.tags.form)
  const ok = report.tags.every(({ problems }) => problems.length === 0)
  return { ok, report, markdown: renderStatusMarkdown(report) }
}

async function openPromotion(call: PromotionCall): Promise<PromotionSetup> {
  const open = await openSource(call.source)
  const repositories = publishedAs(open.spec, call.registry)
  const images = open.tree.nodes.flatMap(({ name }) => {
    const repository = repositories.get(name)
    return repository === undefined ? [] : [{ name, repository }]
  })
  if (images.length === 0) {
    const location = { file: open.spec.path, line: 1, column: 1 }
    throw new InputError([
      { location, message: "no image is published, so that there is nothing to promote" },
    ])
  }
  const registry = await RegistrySession.open(loginOf(call))
  registry.expect(repositories.values())
  const pages = openPages(call, open.spec.wiki)
  return { ...open, images, registry, context: contextOf(registry), pages }
}

/** What a promotion asks statements for: all, and all but that of a GPU test that is still to come. */
interface PromotionEvidence {
  readonly whole: EvidenceCheck
  readonly beforeGpuTest: EvidenceCheck
}

/** Undefined where the spec trusts no signers: then no statements are asked for. */
async function evidenceOf({ spec, registry }: PromotionSetup): Promise<PromotionEvidence | undefined> {
  const { trust, gpu } = spec
  const believer = await believerOf(spec)
  if (trust === undefined || believer === undefined) return undefined
  const terms = {
    store: registry.client,
    believer,
    gpu: gpu && { image: gpu.image, maxAgeSeconds: trust.gpuMaxAgeSeconds },
    vulnerabilitiesMaxAgeSeconds: trust.vulnerabilitiesMaxAgeSeconds,
    now: Date.now,
  }
  return { whole: evidenceCheck(terms), beforeGpuTest: evidenceCheck(terms, ["gpu"]) }
}

function contextOf(registry: RegistrySession): MeteredContext {
  return {
    store: registry.client,
    now: Date.now,
    sleep: (milliseconds) => sleep(milliseconds),
    random: Math.random,
    // The registry keeps it too; in the log it is at hand when this process is killed half-way.
    saveJournal: (journal) => {
      console.log(`journal: ${JSON.stringify(journal)}`)
      return Promise.resolve()
    },
    traffic: () => registry.readTraffic(),
  }
}

/** The GPU test that a call asks for. */
type GpuStep =
  | { readonly kind: "skipped"; readonly why: string }
  | {
      readonly kind: "test"
      /** Its options, given the digests by image that are about to be promoted. */
      readonly optionsFor: (digests: ReadonlyMap<string, string>) => ReturnType<typeof gpuOptions>
    }

/** The GPU test of what is to be promoted; its options are checked before anything is asked. @throws InvalidGpuTest */
async function gpuTestOf({ spec }: PromotionSetup, call: StableCall): Promise<GpuStep> {
  const { gpu } = spec
  if (call.skipGpuTest) return { kind: "skipped", why: "by request (--skip-gpu-test)" }
  if (gpu === undefined) return { kind: "skipped", why: "the spec has no GPU test" }
  const image = testedImage(spec, call)
  planGpuTest(await gpuOptions(spec, call, image, undefined))
  return {
    kind: "test",
    optionsFor: (digests) => gpuOptions(spec, call, image, digests.get(gpu.image)),
  }
}

/** Writes the pages, and puts everything that happened into the result. */
async function finish(
  setup: PromotionSetup,
  report: PromotionReport,
  dryRun: boolean,
  gpuLog?: string,
): Promise<ActionOutcome> {
  const pages = dryRun ? undefined : await writePages(setup, report)
  const again = pages?.ok === false ? " Run the same again: only what is missing is done." : ""
  const parts = [
    renderPromotionMarkdown(report),
    pages === undefined ? undefined : `Pages: ${pages.message}.${again}`,
    dryRun && gpuLog !== undefined ? preformatted(gpuLog) : undefined,
    dryRun || gpuLog === undefined || isPromotionOk(report) ? undefined : endOfGpuTest(gpuLog),
  ]
  const files = new Map([
    ...(report.journal === undefined ? [] : [["journal.json", formatJournal(report.journal)] as const]),
    ...(dryRun || gpuLog === undefined ? [] : [["logs/gpu-test.log", gpuLog] as const]),
    ...(pages?.files ?? []),
  ])
  return {
    ok: isPromotionOk(report) && pages?.ok !== false,
    report: { ...report, ...(pages !== undefined && { pages: pages.message }) },
    markdown: parts.flatMap((part) => (part === undefined ? [] : [`${part.trimEnd()}\n`])).join("\n"),
    files,
  }
}

/** What a person looks for first when the GPU test is why nothing was promoted. */
function endOfGpuTest(log: string): string {
  const lines = excerptOfOutput(log).join("\n")
  return `The end of the GPU test's output, all of it in \`logs/gpu-test.log\`:\n\n${fenced(lines, "text")}\n`
}

async function writePages(
  { pages }: PromotionSetup,
  report: PromotionReport,
): Promise<PageResult | undefined> {
  const change = wikiChangeOf(report)
  return change === undefined ? undefined : pages.apply(change)
}
