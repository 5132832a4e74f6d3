import { formatReference, parseReference, sameRepository } from "../reference/reference.js"
import type { PinnedReference, Repository } from "../reference/reference.js"
import type { AttachPatience, AttachStore } from "../registry/attach.js"
import { attachAll } from "../registry/attach.js"
import type { ImageStore } from "../registry/imageFacts.js"
import { imageLabels } from "../registry/imageFacts.js"
import type { Descriptor } from "../registry/manifest.js"
import { RegistryError } from "../registry/registryError.js"
import { bundleAttachment } from "./bundle.js"
import type { ClaimedImage, RunClaims } from "./claims.js"
import { claimedImages, contradictions, statementsOf } from "./claims.js"
import type { Believer, Claim } from "./evidence.js"
import { claimsAbout } from "./evidence.js"
import type { StatementSigner } from "./signer.js"
import type { InTotoStatement } from "./statement.js"
import { claimKindOf } from "./statement.js"

/** The part of a registry that statements are written to. */
export type EvidenceStore = AttachStore &
  ImageStore & { resolve(reference: PinnedReference): Promise<Descriptor | undefined> }

/** What became of the statements about one image. */
export interface AttestedImage {
  readonly image: string
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
}

/**
 * Signs what a run says of its images, and attaches it to the digests that its tags name: after asking the registry
 * whether it contradicts. One image after another, all statements about one by one write.
 */
export async function attestImages(run: RunClaims, attesting: Attesting): Promise<readonly AttestedImage[]> {
  const attested: AttestedImage[] = []
  for (const { report, step } of claimedImages(run)) {
    const { registry, path } = parseReference(step.reference)
    const image = { registry, path, digest: report.digest }
    const head = { image: report.name, reference: formatReference(image) }
    try {
      const { attached, kept } = await attestOne(image, { report, step }, run, attesting)
      attested.push({ ...head, attached, kept })
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      attested.push({ ...head, attached: [], kept: [], problem })
    }
  }
  return attested
}

async function attestOne(
  image: PinnedReference,
  claimed: Omit<ClaimedImage, "labels">,
  run: RunClaims,
  { store, signer, believer, patience, repositories }: Attesting,
): Promise<Pick<AttestedImage, "attached" | "kept">> {
  const own = repositories.get(claimed.report.name)
  if (own === undefined || !sameRepository(own, image)) {
    throw new Error(`${formatReference(image)} is not where the spec publishes ${claimed.report.name}`)
  }
  const found = await imageLabels(store, image)
  if (found === undefined)
    throw new RegistryError({ kind: "not-found", message: `there is no ${formatReference(image)}` })
  const known = { ...claimed, labels: found.labels }
  const [contradiction] = contradictions(known)
  if (contradiction !== undefined) throw new Error(contradiction)
  // The index of a multi-platform image would be joined by its platforms here: each digest gets statements of its own.
  const statements = statementsOf(known, run, signer.builder)
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
