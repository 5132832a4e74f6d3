import { candidateTag } from "../plan/facts.js"
import type { Plan } from "../plan/planDocument.js"
import { joinedAction, joinedKey, publishedIndex } from "../plan/platforms.js"
import type { Repository } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { PlatformDigest } from "../registry/joinIndex.js"
import type { TagStore } from "../registry/moveTag.js"
import type { ImageOutcome } from "../report/report.js"
import { isFailedOutcome } from "../report/report.js"
import type { BeforeTags } from "./execute.js"
import { inTurns, runImages } from "./execute.js"
import type { EndedImage, Execution, PlatformEnd } from "./execution.js"
import type { Progress } from "./progress.js"
import { publishFailed } from "./publishImage.js"
import { ImageRecord } from "./record.js"
import { moveTags, movesTags } from "./runTags.js"

/** Writes the index of an image's platforms under a tag. @returns its digest @throws Error where the registry refuses */
export type IndexWriter = (
  image: string,
  repository: Repository,
  images: readonly PlatformDigest[],
  tag: string,
) => Promise<string>

/** A run for one of several platforms. */
export interface PlatformRun extends Execution {
  readonly isEmulated: boolean
  /** Of each image, the published index that it is in on all of its platforms already. */
  readonly indexes: ReadonlyMap<string, string>
}

/** @param plan of all platforms */
export function platformRun(run: Execution, isEmulated: boolean, { steps }: Plan): PlatformRun {
  const names = new Set(steps.map(({ image }) => image))
  const indexes = [...names].flatMap((name) => {
    const index = publishedIndex(steps.filter(({ image }) => image === name))
    return index === undefined ? [] : [[name, index] as const]
  })
  return { ...run, isEmulated, indexes: new Map(indexes) }
}

/**
 * Carries out a run for several platforms: one graph of images and platforms, with room for so many steps in all. An
 * image is what it is on all of its platforms: it has passed when each has, and its tag names an index of them.
 * @param runs of one plan, in the order of the platforms; at least one
 * @param order names of all images, parents before children
 */
export async function executePlatforms(
  runs: readonly PlatformRun[],
  order: readonly string[],
  tags: TagStore,
  writeIndex: IndexWriter,
  beforeTags: BeforeTags = (images) => Promise.resolve(images),
): Promise<readonly EndedImage[]> {
  const [first] = runs
  if (first === undefined) throw new RangeError("a run is for one platform at least")
  const count = runs.reduce((sum, { jobs }) => sum + jobs.length, 0)
  return inTurns(first, count, async (progress, limiter) => {
    // What one platform has passed is tagged when all have.
    const held = runs.map((run) => ({
      ...run,
      publishing: run.publishing === "each" ? ("together" as const) : run.publishing,
    }))
    const ended = await Promise.all(held.map((run) => runImages(run, tags, progress, limiter)))
    const ends = runs.flatMap((run, index) => (ended[index] ?? []).map((image) => endOf(run, image)))
    const joined = order.flatMap((name) => {
      const own = ends.filter(({ image }) => image.job.name === name)
      return own.length === 0 ? [] : [joinedImage(first, own, progress)]
    })
    const indexed = await Promise.all(joined.map((image) => withIndex(first, image, writeIndex)))
    return moveTags(first, await beforeTags(indexed), tags)
  })
}

function endOf({ platform, isEmulated, tests }: PlatformRun, image: EndedImage): PlatformEnd {
  return { platform, isEmulated, tests, image }
}

/** What an image is on all of its platforms, before its index is written. */
function joinedImage(run: PlatformRun, platforms: readonly PlatformEnd[], progress: Progress): EndedImage {
  const action = joinedAction(platforms.map(({ image }) => image.job.action))
  // The one of most work stands for the image: what only a platform has is asked of its own.
  const busiest = platforms.find(({ image }) => image.job.action === action)
  if (busiest === undefined) throw new RangeError("an image is for one platform at least")
  const { job } = busiest.image
  const index = platforms.length === 1 ? busiest.image.digest : run.indexes.get(job.name)
  const isReused = index !== undefined && platforms.every(({ image }) => image.outcome.kind === "reused")
  const outcome = isReused ? ({ kind: "reused" } as const) : joinedOutcome(run, platforms)
  return {
    kind: "ended",
    job: { ...job, platform: undefined },
    record: new ImageRecord(job.name, progress, noticesOf(platforms)),
    outcome,
    ...(index !== undefined && !isFailedOutcome(outcome) && { digest: index }),
    published: isReused,
    platforms,
  }
}

function noticesOf(platforms: readonly PlatformEnd[]): readonly string[] {
  const said = new Map<string, string[]>()
  for (const { platform, image } of platforms)
    for (const notice of image.record.notices) said.set(notice, [...(said.get(notice) ?? []), platform])
  return [...said].map(([notice, on]) =>
    on.length === platforms.length ? notice : `${on.join(", ")}: ${notice}`,
  )
}

/** How an image ended on all platforms: as the worst of them, which is named. */
function joinedOutcome(run: PlatformRun, platforms: readonly PlatformEnd[]): ImageOutcome {
  const failed = platforms.find(({ image }) => isFailedOutcome(image.outcome))
  if (failed !== undefined) return namedOutcome(failed)
  const untested = platforms.find(({ image, tests }) => image.outcome.kind === "untested" && tests !== "none")
  if (untested !== undefined) return namedOutcome(untested)
  const [passed, left] = (["passed", "untested"] as const).map((kind) =>
    platforms.find(({ image }) => image.outcome.kind === kind),
  )
  if (passed !== undefined) return { kind: "passed" }
  if (left !== undefined) return namedOutcome(left)
  const idle = platforms.find(({ image }) => image.outcome.kind === "not-needed")
  if (idle !== undefined) return idle.image.outcome
  if (movesTags(run)) return { kind: "retagged" }
  return { kind: "not-needed", reason: "it is the same on each platform, and nothing is published" }
}

/** An outcome that says on which platform. */
export function namedOutcome({ platform, image: { outcome } }: PlatformEnd): ImageOutcome {
  switch (outcome.kind) {
    case "build-failed":
    case "check-failed":
    case "publish-failed":
    case "over-budget":
    case "tag-failed":
    case "vulnerable":
      return { ...outcome, message: `${platform}: ${outcome.message}` }
    case "tests-failed":
    case "untested":
    case "not-needed":
      return { ...outcome, reason: `${platform}: ${outcome.reason}` }
    case "skipped":
      return { ...outcome, reason: `${outcome.reason} for ${platform}` }
    case "passed":
    case "reused":
    case "retagged":
      return outcome
  }
}

/**
 * Joins an image's platforms in the registry, under the tag of a candidate: nothing that people use moves. Not where they
 * are joined already, and not where one of them is missing.
 */
async function withIndex(run: PlatformRun, image: EndedImage, writeIndex: IndexWriter): Promise<EndedImage> {
  const { job, digest, outcome, platforms = [] } = image
  if (run.publishing === "nothing" || digest !== undefined || isFailedOutcome(outcome)) return image
  const images = platforms.flatMap(({ platform, image: { digest: own } }) =>
    own === undefined ? [] : [{ platform, digest: own }],
  )
  if (images.length < platforms.length) return image
  const tag = candidateTag(
    joinedKey(
      platforms.map(
        ({
          image: {
            job: { inputKey },
          },
        }) => inputKey,
      ),
    ),
  )
  try {
    const joined = await image.record.step("publish", () => writeIndex(job.name, job.repository, images, tag))
    return { ...image, digest: joined }
  } catch (error) {
    return publishFailed(image, formatReference({ ...job.repository, tag }), error)
  }
}
