import { candidateTag } from "../plan/facts.js"
import { formatReference, parseReference, sameRepository } from "../reference/reference.js"
import type { PinnedReference, Repository } from "../reference/reference.js"
import type { AttachPatience, AttachStore } from "../registry/attach.js"
import { attachAll } from "../registry/attach.js"
import type { ImageStore } from "../registry/imageFacts.js"
import { imageLabels } from "../registry/imageFacts.js"
import { joinIndex } from "../registry/joinIndex.js"
import type { Descriptor } from "../registry/manifest.js"
import { readManifest } from "../registry/manifest.js"
import { RegistryError } from "../registry/registryError.js"
import { bundleAttachment } from "./bundle.js"
import type { ClaimedImage, RunClaims, RunImage } from "./claims.js"
import { claimedImages, contradictions, statementsOf } from "./claims.js"
import type { Believer, Claim } from "./evidence.js"
import { claimsAbout } from "./evidence.js"
import type { ClaimedIndex } from "./indexClaims.js"
import {
  annotationsOfIndex,
  claimedIndexes,
  contradictionOfIndex,
  partsOfIndex,
  statementsOfIndex,
} from "./indexClaims.js"
import type { StatementSigner } from "./signer.js"
import type { InTotoStatement } from "./statement.js"
import { claimKindOf } from "./statement.js"

/** The part of a registry that statements are written to. */
export type EvidenceStore = AttachStore &
  ImageStore & { resolve(reference: PinnedReference): Promise<Descriptor | undefined> }

/** What became of the statements about one image. */
export interface AttestedImage {
  readonly image: string
  /** Which of several platforms; absent for an index, too. */
  readonly platform?: string | undefined
  readonly reference: string
  /** Kinds of statements that were signed and attached. */
  readonly attached: readonly string[]
  /** Kinds of those that were there already. */
  readonly kept: readonly string[]
  /** Why nothing was attached. */
  readonly problem?: string
}

/** Who signs, and what is done with it. */
export interface Attesting {
  readonly store: EvidenceStore
  readonly signer: StatementSigner
  /** Tells which statements are there already. */
  readonly believer?: Believer | undefined
  readonly patience: AttachPatience
  /** Where each image may be: nothing else is written to. */
  readonly repositories: ReadonlyMap<string, Repository>
  /** What each image is for, in the order of its index. */
  readonly platforms: ReadonlyMap<string, readonly string[]>
}

/**
 * Signs what runs say of their images, and attaches it to the digests that they name: after asking the registry whether
 * it contradicts. One image after another, all statements about one by one write. Where several runs tell of one platform
 * each, their images are joined, as the candidate of an index; nothing that people use moves.
 */
export async function attestImages(
  runs: readonly RunClaims[],
  attesting: Attesting,
): Promise<readonly AttestedImage[]> {
  const attested: AttestedImage[] = []
  for (const run of runs) {
    for (const claimed of claimedImages(run)) {
      const { report, step } = claimed
      const { registry, path } = parseReference(step.reference)
      const image = { registry, path, digest: report.digest }
      const several = (attesting.platforms.get(report.name) ?? []).length > 1
      const platform = several ? claimed.platform : undefined
      const head = { image: report.name, platform, reference: formatReference(image) }
      attested.push(await reported(head, () => attestOne(image, claimed, run, attesting)))
    }
  }
  for (const index of claimedIndexes(runs, attesting.platforms)) {
    const unsigned = attested.find(({ image, problem }) => image === index.image && problem !== undefined)
    const { reference } = index.parts[0].step
    const head = { image: index.image, reference }
    // Of what is not signed nothing is joined.
    if (unsigned === undefined) attested.push(await reported(head, () => attestIndex(index, attesting)))
  }
  return attested
}

type Attested = Pick<AttestedImage, "attached" | "kept">

async function reported(
  head: Pick<AttestedImage, "image" | "platform" | "reference">,
  attest: () => Promise<Attested>,
): Promise<AttestedImage> {
  try {
    return { ...head, ...(await attest()) }
  } catch (error) {
    return {
      ...head,
      attached: [],
      kept: [],
      problem: error instanceof Error ? error.message : String(error),
    }
  }
}

async function attestOne(
  image: PinnedReference,
  claimed: Omit<ClaimedImage, "labels">,
  run: RunClaims,
  attesting: Attesting,
): Promise<Attested> {
  requireOwn(image, claimed.report.name, attesting)
  const known = { ...claimed, labels: await uncontradicted(image, claimed, attesting) }
  const statements = statementsOf(known, run, attesting.signer.builder)
  return attachMissing(image, statements, run, attesting)
}

/** @throws Error where an image is not in the repository that the spec has for it */
function requireOwn(image: PinnedReference, name: string, { repositories }: Attesting): void {
  const own = repositories.get(name)
  if (own !== undefined && sameRepository(own, image)) return
  throw new Error(`${formatReference(image)} is not where the spec publishes ${name}`)
}

/** Labels of an image that is what a run says. @throws Error where the registry contradicts */
async function uncontradicted(
  image: PinnedReference,
  claimed: RunImage,
  { store }: Pick<Attesting, "store">,
): Promise<ReadonlyMap<string, string>> {
  const found = await imageLabels(store, image)
  if (found === undefined)
    throw new RegistryError({ kind: "not-found", message: `there is no ${formatReference(image)}` })
  const known = { ...claimed, report: { ...claimed.report, digest: image.digest }, labels: found.labels }
  const [contradiction] = contradictions(known)
  if (contradiction !== undefined) throw new Error(contradiction)
  return found.labels
}

/** Signs what is said of an index, which is joined now where no run has. */
async function attestIndex(index: ClaimedIndex, attesting: Attesting): Promise<Attested> {
  const { store, signer } = attesting
  const [{ run, step }] = index.parts
  const { registry, path } = parseReference(step.reference)
  const repository = { registry, path }
  for (const part of index.parts) {
    const image = { ...repository, digest: part.digest }
    requireOwn(image, index.image, attesting)
    await uncontradicted(image, part, attesting)
  }
  const digest =
    index.digest ??
    (await joinIndex(
      store,
      repository,
      partsOfIndex(index),
      annotationsOfIndex(index),
      candidateTag(index.inputKey),
    ))
  const image = { ...repository, digest }
  const manifest = await store.manifest(image)
  if (manifest === undefined) throw new Error(`there is no ${formatReference(image)}`)
  const contradiction = contradictionOfIndex(index, readManifest(manifest))
  if (contradiction !== undefined) throw new Error(contradiction)
  return attachMissing(image, statementsOfIndex({ ...index, digest }, signer.builder), run, attesting)
}

/** Signs and attaches those of the statements that are not there yet. */
async function attachMissing(
  image: PinnedReference,
  statements: readonly InTotoStatement[],
  run: RunClaims,
  { store, signer, believer, patience }: Attesting,
): Promise<Attested> {
  const there = believer === undefined ? [] : (await claimsAbout(store, believer, image, run.plan.tag)).claims
  const missing = statements.filter((statement) => !there.some((claim) => saysTheSame(claim, statement)))
  const created = new Date(run.report.startedAt).toISOString()
  await attachStatements({ store, signer, patience }, image, missing, created)
  const kinds = (of: readonly InTotoStatement[]) =>
    of.flatMap(({ predicateType }) => claimKindOf(predicateType) ?? [])
  return { attached: kinds(missing), kept: kinds(statements.filter((each) => !missing.includes(each))) }
}

function saysTheSame({ problem, statement }: Claim, other: InTotoStatement): boolean {
  return problem === undefined && JSON.stringify(statement) === JSON.stringify(other)
}

/**
 * Signs statements about one image, and attaches them.
 * @param created time of what is stated, ISO 8601
 * @throws Error, RegistryError
 */
export async function attachStatements(
  { store, signer, patience }: Pick<Attesting, "store" | "signer" | "patience">,
  image: PinnedReference,
  statements: readonly InTotoStatement[],
  created: string,
): Promise<void> {
  if (statements.length === 0) return
  const subject = await store.resolve(image)
  if (subject === undefined) throw new Error(`there is no ${formatReference(image)}`)
  const bundles = await Promise.all(
    statements.map(async (statement) => bundleAttachment(await signer.sign(statement), statement, created)),
  )
  await attachAll(store, image, subject, bundles, patience)
}
