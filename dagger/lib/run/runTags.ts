import { ownerOfTag, ownTag, samePlace, underTag } from "../reference/imagePlace.js"
import { formatReference, sameRepository } from "../reference/reference.js"
import type { TagMove, TagStore, TagWriter } from "../registry/moveTag.js"
import { putTagBack } from "../registry/moveTag.js"
import { infoKeysOf, resolveTag } from "../tag/furtherTags.js"
import type { CommandAnswer, FurtherTag } from "../tag/furtherTags.js"
import { listOf, shortDigest } from "../text/format.js"
import { answersIn } from "./checkTags.js"
import type { EndedImage, Execution } from "./execution.js"
import { hasFailed } from "./execution.js"
import { publishFailed } from "./publishImage.js"

/** An image with the tags that it is to get, as its repository has them. */
interface TagTask {
  readonly image: EndedImage
  /** That of the run's branch first, where it does not name the image yet. */
  readonly tags: readonly string[]
}

/** Whether a run gives its images their tags. */
export function movesTags({ publishing }: Pick<Execution, "publishing">): boolean {
  return publishing === "each" || publishing === "together"
}

/** Moves the tags of a run's images, and looks what they name then. */
export async function moveTags(
  run: Execution,
  images: readonly EndedImage[],
  tags: TagStore,
): Promise<readonly EndedImage[]> {
  if (!movesTags(run)) return images
  const tasks = await Promise.all(images.map((image) => taskOf(run, image)))
  const tagged =
    run.publishing === "together"
      ? await tagTogether(tasks, tags)
      : await Promise.all(tasks.map((task) => tagImage(task, tags.write)))
  // Not before all of them are written: a run beside this one may write its own in between.
  return Promise.all(tagged.map((image) => verifyTags(run, image, tags)))
}

/** Tags an image as soon as it has ended, whatever becomes of the others. */
export async function tagAtOnce(run: Execution, image: EndedImage, writeTag: TagWriter): Promise<EndedImage> {
  return tagImage(await taskOf(run, image), writeTag)
}

/** What an image is to be tagged; an image that cannot be tagged so has failed. */
async function taskOf(run: Execution, image: EndedImage): Promise<TagTask> {
  const { digest, job, published, furtherTags } = image
  if (digest === undefined || hasFailed(image)) return { image, tags: [] }
  const branch = published ? [] : [ownTag(job.repository, run.tag)]
  const wanted = furtherTags === undefined ? job.furtherTags.filter(({ isForRun }) => isForRun) : []
  const answers = await answersFor(run, image, wanted)
  const resolved = wanted.map((tag) => resolveTag(tag, { ...run.tagFacts, answers }))
  const problem = resolved.find((each) => each.kind === "problem")
  if (problem !== undefined) return { image: tagFailed(image, problem.why), tags: [] }
  const further = resolved.flatMap((each) => (each.kind === "tag" ? [ownTag(job.repository, each.tag)] : []))
  const strange = further.find((tag) => !isOwn(run, image, tag))
  if (strange !== undefined) {
    return { image: tagFailed(image, `"${strange}" begins like the tags of another image`), tags: [] }
  }
  return { image, tags: [...new Set([...branch, ...further])] }
}

function tagFailed(image: EndedImage, why: string): EndedImage {
  return publishFailed(image, "further tags", new Error(why))
}

/** Whether a tag is the image's, of those in its repository. */
function isOwn({ jobs }: Execution, { job }: EndedImage, tag: string): boolean {
  const shared = jobs
    .map(({ repository }) => repository)
    .filter((each) => sameRepository(each, job.repository))
  const owner = ownerOfTag(shared, tag)
  return owner !== undefined && samePlace(owner, job.repository)
}

/** What the image prints for these tags: now, when it was built, or asked for as it is published. */
async function answersFor(
  run: Execution,
  { job, digest, record, platforms = [] }: EndedImage,
  tags: readonly FurtherTag[],
): Promise<ReadonlyMap<string, CommandAnswer>> {
  const keys = [...new Set(tags.flatMap(infoKeysOf))]
  // Of several platforms the first tells, as on pages.
  const [first] = platforms
  const known = answersIn(first?.image.record ?? record)
  const missing = keys.filter((key) => !known.has(key))
  const image = first?.image.digest ?? digest
  if (missing.length === 0 || image === undefined) return known
  const { registry, path } = job.repository
  const commands = new Map([...job.tagCommands].filter(([key]) => missing.includes(key)))
  const asked = await run.askPublished({ registry, path, digest: image }, commands)
  return new Map([...known, ...asked])
}

/** Moves the tags of a run: all of them, or, where a registry refuses one, none. */
async function tagTogether(tasks: readonly TagTask[], tags: TagStore): Promise<readonly EndedImage[]> {
  if (tasks.some(({ image }) => hasFailed(image)))
    return tasks.map((task) => leftUntagged(task, "another image failed"))
  if (tasks.some(({ image }) => image.isUnsigned))
    return tasks.map((task) => leftUntagged(task, "another one is not signed"))
  const asked = await Promise.all(tasks.map((task) => askTags(task, tags)))
  const refused = "the registry has refused another one"
  if (asked.some(({ image }) => hasFailed(image))) return asked.map((task) => leftUntagged(task, refused))
  const tagged = await Promise.all(asked.map((task) => tagImage(task, tags.write)))
  if (!tagged.some(hasFailed)) return tagged
  return Promise.all(tagged.map((image, index) => putBack(image, asked[index]?.moves ?? [], tags, refused)))
}

/** Tags before they move, with what they name so far. */
interface AskedTask extends TagTask {
  readonly moves: readonly TagMove[]
}

async function askTags({ image, tags }: TagTask, { read }: TagStore): Promise<AskedTask> {
  const { digest, job } = image
  const moves: TagMove[] = []
  for (const tag of tags) {
    try {
      const previous = await read(job.repository, tag)
      if (digest !== undefined) moves.push({ repository: job.repository, tag, previous, next: digest })
    } catch (error) {
      const failed = publishFailed(image, formatReference({ ...job.repository, tag }), error)
      return { image: failed, tags, moves: [] }
    }
  }
  return { image, tags, moves }
}

/** Gives an image its tags, one after the other. */
async function tagImage({ image, tags }: TagTask, writeTag: TagWriter): Promise<EndedImage> {
  const { digest, job, record } = image
  if (digest === undefined || hasFailed(image)) return image
  if (tags.length === 0) return image
  let now = image
  return record.step("tag", async () => {
    for (const tag of tags) {
      try {
        await writeTag(job.repository, digest, tag)
        now = tagged(now, tag, tag === tags[0] && !image.published)
      } catch (error) {
        return publishFailed(now, formatReference({ ...job.repository, tag }), error)
      }
    }
    return now
  })
}

function tagged(image: EndedImage, tag: string, isBranch: boolean): EndedImage {
  if (isBranch) return { ...image, published: true }
  return { ...image, furtherTags: [...(image.furtherTags ?? []), tag] }
}

/** Puts the tags of an image back, also where its own write failed: the answer alone may have been lost. */
async function putBack(
  image: EndedImage,
  moves: readonly TagMove[],
  tags: TagStore,
  why: string,
): Promise<EndedImage> {
  let now = image
  const left: string[] = []
  for (const move of moves.toReversed()) {
    const { tag } = move
    const reference = formatReference({ ...move.repository, tag })
    try {
      const end = await putTagBack(move, tags)
      // What was written and is not there is reported by verifyTags.
      if (end === "same" || (end === "elsewhere" && isTagged(now, tag))) continue
      if (end === "new")
        now.record.notices.push(
          `${reference} is new and stays, because taking a tag away may delete the image`,
        )
      else {
        now = untagged(now, tag)
        left.push(tag)
      }
    } catch (error) {
      return publishFailed(now, `${reference}, putting it back to what it named before`, error)
    }
  }
  return leftUntagged({ image: now, tags: left.toReversed() }, why)
}

function isTagged({ published, furtherTags = [] }: EndedImage, tag: string): boolean {
  return furtherTags.includes(tag) || published
}

function untagged(image: EndedImage, tag: string): EndedImage {
  const { furtherTags = [] } = image
  if (!furtherTags.includes(tag)) return { ...image, published: false }
  return { ...image, furtherTags: furtherTags.filter((each) => each !== tag) }
}

const unsigned = "nobody whom the spec trusts has signed what is said of it"

/** The tags of a run move together: these stay where they were, and the image says so. */
function leftUntagged({ image, tags }: TagTask, why: string): EndedImage {
  if (image.digest === undefined || tags.length === 0 || hasFailed(image)) return image
  const because = image.isUnsigned === true ? unsigned : `the tags of a run move together, and ${why}`
  const reason = `not tagged ${listOf(tags)}: ${because}`
  if (image.outcome.kind === "retagged" && !image.published)
    return { ...image, outcome: { kind: "not-needed", reason } }
  image.record.notices.push(reason)
  return image
}

/** Looks whether the tags of an image still name what they were put on: another run of the branch would mix the two sets. */
async function verifyTags(run: Execution, image: EndedImage, tags: TagStore): Promise<EndedImage> {
  const { job, outcome, published, furtherTags = [] } = image
  if (hasFailed(image)) return image
  const isNew = published && outcome.kind !== "reused"
  const written = [...(isNew ? [underTag(job.repository, run.tag).tag] : []), ...furtherTags]
  let now = image
  for (const tag of written) now = await verifyTag(now, tag, tags)
  return now
}

async function verifyTag(image: EndedImage, tag: string, { read }: TagStore): Promise<EndedImage> {
  const { digest, job } = image
  if (digest === undefined) return image
  const reference = formatReference({ ...job.repository, tag })
  try {
    const named = await read(job.repository, tag)
    if (named === digest) return image
    const now = named === undefined ? "nothing" : shortDigest(named)
    const message = `it names ${now} and not ${shortDigest(digest)}, which this run has put there: another run has written it since, so publish again`
    return publishFailed(untagged(image, tag), reference, new Error(message))
  } catch (error) {
    return publishFailed(untagged(image, tag), reference, error)
  }
}
