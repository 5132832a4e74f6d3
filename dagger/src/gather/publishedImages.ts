import type { RegistryFacts, RegistryImage } from "../plan/facts.js"
import { candidateTag, passedTag } from "../plan/facts.js"
import type { Repository } from "../reference/reference.js"
import type { RegistryClient } from "../registry/client.js"
import { imageLabels } from "../registry/imageFacts.js"
import { labels } from "../registry/labels.js"
import { causeOf, RegistryError } from "../registry/registryError.js"

/** What is asked about one image before it is planned. */
export interface RegistryQuestion {
  readonly name: string
  readonly repository: Repository
  readonly inputKey: string
  readonly testKey: string
  /** The run's tag. */
  readonly tag: string
  /** `<year>.<quarter>` of the run. */
  readonly prefix: string
}

/** What is published of each image, by manifest and configuration; a registry that cannot be asked is a fact too. */
export async function publishedImages(
  client: RegistryClient,
  questions: readonly RegistryQuestion[],
): Promise<ReadonlyMap<string, RegistryFacts>> {
  client.expect(questions.map(({ repository }) => repository))
  const answers = questions.map(async (question) => [question.name, await askOne(client, question)] as const)
  return new Map(await Promise.all(answers))
}

async function askOne(client: RegistryClient, question: RegistryQuestion): Promise<RegistryFacts> {
  const { repository, inputKey, testKey, tag, prefix } = question
  const others = [`${prefix}-main`, `${prefix}-stable`].filter((other) => other !== tag)
  try {
    const passed = await client.resolve({ ...repository, tag: passedTag(inputKey, testKey) })
    const [branchTag, candidate, ...rest] = await Promise.all(
      [tag, candidateTag(inputKey), ...others].map((each) =>
        publishedAt(client, { ...repository, tag: each }, passed?.digest),
      ),
    )
    return { kind: "known", branchTag, candidate, otherTags: rest.filter((image) => image !== undefined) }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return { kind: "unknown", why: `${repository.registry}: ${causeOf(error)}` }
  }
}

async function publishedAt(
  client: RegistryClient,
  reference: Repository & { readonly tag: string },
  passed: string | undefined,
): Promise<RegistryImage | undefined> {
  const image = await imageLabels(client, reference)
  if (image === undefined) return undefined
  return {
    tag: reference.tag,
    digest: image.digest,
    inputKey: image.labels.get(labels.inputKey),
    testKey: image.labels.get(labels.testKey),
    revision: image.labels.get(labels.revision),
    baseName: image.labels.get(labels.baseName),
    baseDigest: image.labels.get(labels.baseDigest),
    passed: passed === image.digest,
  }
}
