import { runWiki } from "../engine/wikiContainer.js"
import { lookInto } from "../gather/lookInto.js"
import type { Prepared } from "../gather/prepare.js"
import type { RegistrySession } from "../gather/registrySession.js"
import { isInspected, toldOf } from "../manifest/knownImage.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import type { ImageReference } from "../reference/reference.js"
import { imageFacts, withoutVariant } from "../registry/imageFacts.js"
import { RegistryError } from "../registry/registryError.js"
import type { ImagePart } from "../report/platforms.js"
import { partsOf } from "../report/platforms.js"
import { elapsedOf } from "../report/summary.js"
import type { ImageReport, StackReport } from "../report/report.js"
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
  const against = branchTag(run.prepared.spec.tags, run.target)
  const wiki = rememberedWiki(run, against)
  const published = run.report.images.filter(({ publish }) => publish !== false)
  const images = await Promise.all(published.map((image) => reviewImage(run, image, against, wiki)))
  return { version: 1, against, images: images.flat() }
}

/** An image of a run on one platform. */
interface ReviewedPart {
  /** What it is called; of several platforms each is named. */
  readonly title: string
  readonly name: string
  readonly platform: string
  /** Its digest, where it is in the registry. */
  readonly digest: string | undefined
  readonly milliseconds: number
  /** What the branch has of it. */
  readonly before: { readonly reference: ImageReference; readonly digest: string | undefined }
}

async function reviewImage(
  run: ReviewedRun,
  image: ImageReport,
  against: string,
  wiki: WikiManifests,
): Promise<readonly ReviewedImage[]> {
  const { name } = image
  const reference = underTag(knownOf(run.prepared.repositories, name), against)
  const made = partsOf(image).filter(({ outcome: { kind } }) => kind !== "build-failed" && kind !== "skipped")
  if (made.length === 0) return []
  try {
    const published = await run.registry.resolve(reference)
    if (published === undefined) return [{ kind: "new", name, milliseconds: millisecondsOf(image) }]
    if (published === image.digest) return [{ kind: "same", name }]
    const parts = made.map((part) => partOf(run, image, part, { reference, digest: published }))
    const reviewed = await Promise.all(parts.map(async (part) => reviewPart(run, await part, wiki)))
    return reviewed.every(({ kind }) => kind === "same") ? [{ kind: "same", name }] : reviewed
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return [{ kind: "unknown", name, why: `${reference.registry}: ${error.reason}` }]
  }
}

async function partOf(
  { prepared, registry }: ReviewedRun,
  { name, platforms = [] }: ImageReport,
  part: ImagePart,
  published: { readonly reference: ImageReference; readonly digest: string },
): Promise<ReviewedPart> {
  const platform = part.part?.platform ?? prepared.plan.platform
  const title = platforms.length < 2 ? name : part.name
  const own = { title, name, platform, digest: part.digest, milliseconds: millisecondsOf(part) }
  // The branch may have several where this run has built one.
  if (knownOf(prepared.spec.images, name).platforms.length < 2) return { ...own, before: published }
  const reference = { ...published.reference, digest: published.digest }
  const facts = await imageFacts(registry.client, reference, platform)
  // An index without the platform has only others to show, as an image without an index has.
  const isOther = facts === undefined || withoutVariant(facts.platform) !== platform
  const digest = isOther ? undefined : facts.manifestDigest
  return { ...own, before: { reference: published.reference, digest } }
}

function millisecondsOf(image: ImageReport): number {
  return image.steps.length === 0 ? 0 : elapsedOf(image)
}

async function reviewPart(run: ReviewedRun, part: ReviewedPart, wiki: WikiManifests): Promise<ReviewedImage> {
  const { title: name, name: image, platform, digest, milliseconds, before } = part
  if (before.digest === undefined) return { kind: "new", name, milliseconds }
  if (before.digest === digest) return { kind: "same", name }
  const after = await ownManifest(run, part)
  // Neither built now nor in the registry: the plan had nothing to do with it.
  if (after === undefined) return { kind: "same", name }
  if (typeof after === "string") return { kind: "unknown", name, why: after }
  const known = await publishedManifest(run, part, before.digest, wiki)
  if (typeof known === "string") return { kind: "unknown", name, why: known }
  // A row is about one platform: the others of its index are in rows of their own.
  const alone = { name, platforms: undefined }
  const sides = { before: { ...known, ...alone }, after: { ...after, ...alone }, milliseconds }
  return reviewedImage({ ...sides, ...(name !== image && { part: { image, platform } }) })
}

/** The image of this run, of which it may have looked into nothing: then it is in the registry. */
async function ownManifest(
  { prepared, manifests, registry }: ReviewedRun,
  { title, name, platform, digest }: ReviewedPart,
): Promise<ImageManifest | string | undefined> {
  const all = manifests.filter((manifest) => manifest.name === name)
  // Of several platforms each has a manifest of its own.
  const own = title === name ? all[0] : all.find((each) => withoutVariant(each.platform) === platform)
  if (own !== undefined && isInspected(own)) return own
  if (digest === undefined) return undefined
  const { registry: host, path } = knownOf(prepared.repositories, name)
  return lookInto(registry, { name, reference: { registry: host, path, digest }, platform })
}

async function publishedManifest(
  { registry }: ReviewedRun,
  { name, platform, before: { reference } }: ReviewedPart,
  digest: string,
  wiki: WikiManifests,
): Promise<ImageManifest | string> {
  const page = (await wiki()).get(formatReference(reference))
  const known = page && toldOf(page, digest)
  if (known !== undefined && isInspected(known)) return known
  return lookInto(registry, { name, reference: { ...reference, digest }, platform })
}

/** What the wiki has of the images under a tag, by their references; asked once, and only where it is needed. */
type WikiManifests = () => Promise<ReadonlyMap<string, ImageManifest>>

function rememberedWiki({ prepared }: ReviewedRun, tag: string): WikiManifests {
  let asked: Promise<ReadonlyMap<string, ImageManifest>> | undefined
  const references = [...prepared.repositories.values()].map((each) => formatReference(underTag(each, tag)))
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
