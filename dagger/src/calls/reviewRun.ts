import { runWiki } from "../engine/wikiContainer.js"
import { lookInto } from "../gather/lookInto.js"
import type { Prepared } from "../gather/prepare.js"
import type { RegistrySession } from "../gather/registrySession.js"
import { isInspected } from "../manifest/knownImage.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { formatReference } from "../reference/reference.js"
import type { ImageReference } from "../reference/reference.js"
import { RegistryError } from "../registry/registryError.js"
import { elapsedOf } from "../report/summary.js"
import type { StackReport } from "../report/report.js"
import type { Review, ReviewedImage } from "../review/review.js"
import { reviewedImage } from "../review/review.js"
import { branchTag } from "../tag/branchTag.js"
import { knownOf } from "../tree/knownOf.js"

/** What a run has ended with, and the branch whose images it is compared with. */
export interface ReviewedRun {
  readonly prepared: Prepared
  readonly report: StackReport
  /** Of the images that the run looked into, or knows from the registry. */
  readonly manifests: readonly ImageManifest[]
  readonly registry: RegistrySession
  /** Branch that a pull request goes into. */
  readonly target: string
}

/**
 * What a run changes in the images of another branch. Costs one question to the registry for an image that is the same;
 * of others both sides are looked into, but for what the wiki or the run knows already. Never fails: what cannot be
 * found out says why.
 */
export async function reviewRun(run: ReviewedRun): Promise<Review> {
  const against = branchTag(run.prepared.spec.tagPrefix, run.target)
  const wiki = rememberedWiki(run, against)
  const images = await Promise.all(
    run.report.images
      .filter(({ outcome }) => outcome.kind !== "build-failed" && outcome.kind !== "skipped")
      .map((image) => reviewOne(run, image, against, wiki)),
  )
  return { version: 1, against, images: images.flat() }
}

async function reviewOne(
  run: ReviewedRun,
  { name, digest, steps, ...image }: StackReport["images"][number],
  against: string,
  wiki: WikiManifests,
): Promise<readonly ReviewedImage[]> {
  const { registry, path } = knownOf(run.prepared.repositories, name)
  const reference = { registry, path, tag: against }
  const milliseconds = steps.length === 0 ? 0 : elapsedOf({ ...image, name, steps })
  try {
    const published = await run.registry.resolve(reference)
    if (published === undefined) return [{ kind: "new", name, milliseconds }]
    if (published === digest) return [{ kind: "same", name }]
    const after = await ownManifest(run, name, digest)
    // Neither built now nor in the registry: the plan had nothing to do with it.
    if (after === undefined) return [{ kind: "same", name }]
    if (typeof after === "string") return [{ kind: "unknown", name, why: after }]
    const before = await publishedManifest(run, { name, reference, digest: published }, wiki)
    if (typeof before === "string") return [{ kind: "unknown", name, why: before }]
    return [reviewedImage({ before, after, milliseconds })]
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return [{ kind: "unknown", name, why: `${registry}: ${error.reason}` }]
  }
}

/** The image of this run, of which it may have looked into nothing: then it is in the registry. */
async function ownManifest(
  { prepared, manifests, registry }: ReviewedRun,
  name: string,
  digest: string | undefined,
): Promise<ImageManifest | string | undefined> {
  const own = manifests.find((manifest) => manifest.name === name)
  if (own !== undefined && isInspected(own)) return own
  if (digest === undefined) return undefined
  const repository = knownOf(prepared.repositories, name)
  return lookInto(registry, { name, reference: { ...repository, digest }, platform: prepared.plan.platform })
}

async function publishedManifest(
  { prepared, registry }: ReviewedRun,
  {
    name,
    reference,
    digest,
  }: { readonly name: string; readonly reference: ImageReference; readonly digest: string },
  wiki: WikiManifests,
): Promise<ImageManifest | string> {
  const known = (await wiki()).get(formatReference(reference))
  if (known?.digest === digest && isInspected(known)) return known
  return lookInto(registry, { name, reference: { ...reference, digest }, platform: prepared.plan.platform })
}

/** What the wiki has of the images under a tag, by their references; asked once, and only where it is needed. */
type WikiManifests = () => Promise<ReadonlyMap<string, ImageManifest>>

function rememberedWiki({ prepared }: ReviewedRun, tag: string): WikiManifests {
  let asked: Promise<ReadonlyMap<string, ImageManifest>> | undefined
  const references = [...prepared.repositories.values()].map((each) => formatReference({ ...each, tag }))
  return () => (asked ??= askForManifests(prepared.spec.wiki, references))
}

/** A wiki that gives no answer knows nothing: the images themselves are looked into then. */
async function askForManifests(
  url: string | undefined,
  references: readonly string[],
): Promise<ReadonlyMap<string, ImageManifest>> {
  if (url === undefined) return new Map()
  const answer = await runWiki({ url }, { kind: "lookUp", references: [...references] }).catch(
    () => undefined,
  )
  if (answer?.kind !== "entries") return new Map()
  const known = answer.entries.flatMap((entry) =>
    entry.kind === "manifest" ? [[entry.reference, entry.manifest] as const] : [],
  )
  return new Map(known)
}
