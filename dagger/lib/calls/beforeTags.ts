import type { StatementSigner } from "../attestation/signer.js"
import type { PreparedStack } from "../gather/prepare.js"
import { firstPlatform } from "../gather/prepare.js"
import type { RegistrySession } from "../gather/registrySession.js"
import { webAddress } from "../git/webAddress.js"
import type { ScanTools } from "../gather/vulnerabilityScan.js"
import type { ArtifactTexts } from "../run/artifacts.js"
import { assembleReport, sourceFacts } from "../run/assembleReport.js"
import { attestRunning, hashesOf } from "../run/attestRunning.js"
import type { BeforeTags } from "../run/execute.js"
import type { EndedImage } from "../run/execution.js"
import { holdUnsigned } from "../run/holdUnsigned.js"
import { movesTags } from "../run/runTags.js"
import type { ScannedRun } from "../run/scanEnded.js"
import { platformsOfImages } from "../spec/platforms.js"
import type { RunCall } from "./buildStack.js"
import { pagesOf } from "./runPages.js"

/** What stands between a run's images and their tags. */
export interface TagGate {
  readonly pass: BeforeTags
  /** What it leaves for the artifacts. */
  readonly texts: () => ArtifactTexts
}

/**
 * What a run does when its images have ended, and before their tags move: it judges what is known of their packages,
 * signs, and holds back what nobody has signed where the spec trusts signers.
 */
export function beforeTags(stack: PreparedStack, call: RunCall, registry: RegistrySession): TagGate {
  const { signer, tools } = call
  const { plan, proofs } = stack
  let texts: ArtifactTexts = new Map()
  const pass: BeforeTags = async (images) => {
    const scan = tools && (await scanOf(images, stack, call, tools, registry))
    texts = scan?.texts ?? texts
    const judged = scan?.images ?? images
    const signed = signer === undefined ? judged : await attestEnded(judged, stack, call, signer, registry)
    if (proofs === undefined || !movesTags(call)) return signed
    if (signer !== undefined) proofs.forget()
    return holdUnsigned(signed, plan.tag, proofs)
  }
  return { pass, texts: () => texts }
}

async function scanOf(
  images: readonly EndedImage[],
  stack: PreparedStack,
  { startedAt }: RunCall,
  tools: ScanTools,
  registry: RegistrySession,
): Promise<ScannedRun> {
  const { scanEnded } = await import("../run/scanEnded.js")
  const { plan } = stack
  const first = firstPlatform(stack)
  const { spec, git } = first
  const { tag, platform } = plan
  const source = sourceFacts(git, plan.branch, spec.tags)
  const context = { spec, tag, platform, startedAt, source, remoteUrl: git.remoteUrl }
  return scanEnded(images, { tools, source: first, registry, context })
}

/** Signs what a run says so far: its report is written once more when the tags have moved. */
async function attestEnded(
  images: readonly EndedImage[],
  stack: PreparedStack,
  call: RunCall,
  signer: StatementSigner,
  registry: RegistrySession,
): Promise<readonly EndedImage[]> {
  const { plan } = stack
  const { git, spec, repositories } = firstPlatform(stack)
  const facts = { ...call, plan, git, spec, notices: [], retries: registry.retries }
  const report = assembleReport(facts, images)
  const pages = await pagesOf(stack, report.source, call.startedAt, images, registry)
  const source = git.remoteUrl === undefined ? undefined : webAddress(git.remoteUrl)
  const run = { report, plan, files: hashesOf(images, pages), source }
  const platforms = platformsOfImages(spec)
  return attestRunning(images, run, { registry, signer, repositories, platforms })
}
