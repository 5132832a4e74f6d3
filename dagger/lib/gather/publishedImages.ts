import type { RegistryFacts, RegistryImage } from "../plan/facts.js"
import { candidateTag, passedTag } from "../plan/facts.js"
import type { Repository } from "../reference/reference.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import { underTag } from "../reference/imagePlace.js"
import { stableTagOf } from "../promote/tags.js"
import type { TagScheme } from "../tag/branchTag.js"
import { branchTag } from "../tag/branchTag.js"
import type { RegistryClient } from "../registry/client.js"
import { platformImage } from "../registry/imageFacts.js"
import { labels } from "../registry/labels.js"
import { RegistryError } from "../registry/registryError.js"
import { asProved } from "./provedImage.js"
import type { ProofBook } from "./provedImage.js"

/** What is asked about one image before it is planned. */
export interface RegistryQuestion {
  readonly name: string
  readonly repository: ImagePlace
  readonly inputKey: string
  readonly testKey: string
  /** Key of all its tests, where fewer are wanted: who has passed those has passed these. */
  readonly wholeTestKey?: string | undefined
  /** The run's tag. */
  readonly tag: string
  readonly scheme: TagScheme
  /** What it is asked about, of the platforms that the image is published for. */
  readonly platform: string
  readonly platforms: readonly string[]
  /** Bases whose digest is unknown, so that the input key says nothing. */
  readonly unresolvedBases: readonly string[]
}

/**
 * What is published of each image, by manifest and configuration; a registry that cannot be asked is a fact too.
 * @param proofs where signers are trusted, and labels and tags are not
 */
export async function publishedImages(
  client: RegistryClient,
  questions: readonly RegistryQuestion[],
  proofs?: ProofBook,
): Promise<ReadonlyMap<string, RegistryFacts>> {
  client.expect(questions.map(({ repository }) => repository))
  const answers = questions.map(
    async (question) => [question.name, await askOne(client, question, proofs)] as const,
  )
  return new Map(await Promise.all(answers))
}

async function askOne(
  client: RegistryClient,
  question: RegistryQuestion,
  proofs: ProofBook | undefined,
): Promise<RegistryFacts> {
  const { repository, inputKey, tag, scheme, platforms } = question
  const tags = [branchTag(scheme, scheme.mainBranch), stableTagOf(scheme.prefix, scheme.form)].filter(
    (other) => other !== tag,
  )
  try {
    const passed = await passOf(client, question)
    const [branchTag, candidate, ...rest] = await Promise.all(
      [
        underTag(repository, tag),
        { ...repository, tag: candidateTag(inputKey) },
        ...tags.map((other) => underTag(repository, other)),
      ].map(async (each) => {
        const found = await publishedAt(client, each, question, passed)
        if (found === undefined || proofs === undefined) return found
        return { ...found, image: await asProved(proofs, found.image, question) }
      }),
    )
    const others = rest.filter((found) => found !== undefined)
    // A stack of one platform wants no index of several under its tag: the one in it has to get the tag.
    const isElsewhere = branchTag?.isPart === true && platforms.length === 1
    const otherTags = [...(isElsewhere ? [branchTag] : []), ...others].map(({ image }) => image)
    return {
      kind: "known",
      branchTag: isElsewhere ? undefined : branchTag?.image,
      candidate: candidate?.image,
      otherTags,
    }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return { kind: "unknown", why: `${repository.registry}: ${error.reason}` }
  }
}

/** A tag that tells of a pass. */
interface Pass {
  readonly digest: string
  readonly tag: string
  /** Whether it is of more tests than were asked about. */
  readonly isOfMore: boolean
}

async function passOf(
  client: RegistryClient,
  { repository, inputKey, testKey, wholeTestKey }: RegistryQuestion,
): Promise<Pass | undefined> {
  const keys = wholeTestKey === undefined ? [testKey] : [testKey, wholeTestKey]
  for (const key of keys) {
    const tag = passedTag(inputKey, key)
    const found = await client.resolve({ ...repository, tag })
    if (found !== undefined) return { digest: found.digest, tag, isOfMore: key !== testKey }
  }
  return undefined
}

/** What a tag names, seen from one platform. */
interface TaggedImage {
  readonly image: RegistryImage
  /** Whether it is in an index of other platforms than the image is for. */
  readonly isPart: boolean
}

async function publishedAt(
  client: RegistryClient,
  reference: Repository & { readonly tag: string },
  { platform, platforms }: Pick<RegistryQuestion, "platform" | "platforms">,
  passed: Pass | undefined,
): Promise<TaggedImage | undefined> {
  const found = await platformImage(client, reference, platform, platforms)
  if (found === undefined) return undefined
  const { isPart, index } = found
  // Of an image that is for one platform, an index of that one is the image.
  const isWhole = platforms.length === 1 && index !== undefined
  const digest = isWhole ? index : found.digest
  const image = {
    tag: reference.tag,
    digest,
    ...(index !== undefined && !isWhole && { index }),
    inputKey: found.labels.get(labels.inputKey),
    testKey: found.labels.get(labels.testKey),
    revision: found.labels.get(labels.revision),
    baseName: found.labels.get(labels.baseName),
    baseDigest: found.labels.get(labels.baseDigest),
    fresh: found.labels.get(labels.fresh),
    knownUpdates: found.labels.get(labels.knownUpdates),
    passed: passed?.digest === digest,
    ...(passed?.isOfMore === true && { passedBy: passed.tag }),
  }
  return { image, isPart }
}
