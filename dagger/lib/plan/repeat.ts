import { InputError } from "../problems.js"
import { isTag } from "../reference/reference.js"
import { ownerOfTag, ownTag } from "../reference/imagePlace.js"
import type { TagScheme } from "../tag/branchTag.js"
import { branchTag } from "../tag/branchTag.js"
import type { ImageFacts } from "./facts.js"
import { isMemoryTag, memoryDigits } from "./facts.js"
import type { Plan, Step } from "./planDocument.js"
import { parentsIn, publishedIn } from "./planDocument.js"

/** An image as the source at hand has it. */
export type SourceImage = Pick<ImageFacts, "name" | "repository" | "tagPrefix" | "inputKey" | "testKey">

/**
 * Where a plan gives another tag than its branch has: anybody may have written it, and a tag such as `stable` is for
 * promotions.
 * @param scheme of the source at hand
 * @returns a sentence; none where it is right
 */
export function tagDifferences({ branch, tag }: Plan, scheme: TagScheme): readonly string[] {
  try {
    const own = branchTag(scheme, branch)
    return own === tag ? [] : [`the tag of its branch ${JSON.stringify(branch)} is ${own}, not ${tag}`]
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.problems.map(({ message }) => message)
  }
}

/**
 * Where a plan is of another source than the one at hand. Carried out all the same, it would publish one content under
 * the key of another, remember a pass of tests that did not run, or take images of others for its own.
 * @returns a sentence for each difference; none where the plan can be repeated
 */
export function differencesFrom(plan: Plan, images: readonly SourceImage[]): readonly string[] {
  const found = new Map(images.map((image) => [image.name, image]))
  const planned = new Set(plan.steps.map(({ image }) => image))
  const unplanned = images.filter(({ name }) => !planned.has(name))
  return [
    ...plan.steps.flatMap((step) => [
      ...stepDifferences(plan.tag, step, found.get(step.image)),
      ...imageDifferences(step, found),
    ]),
    ...unplanned.map(({ name }) => `${name} is not in the plan`),
  ]
}

function stepDifferences(tag: string, step: Step, image: SourceImage | undefined): readonly string[] {
  if (image === undefined) return [`${step.image} of the plan is not here`]
  if (step.action === "skip") return []
  const { name, repository, inputKey, testKey } = image
  const reference = `${repository}:${ownTag(image, tag)}`
  return [
    ...(inputKey === step.inputKey ? [] : [`${name} has other content`]),
    ...(testKey === step.testKey ? [] : [`${name} has other tests`]),
    ...(reference === step.reference ? [] : [`${name} is published as ${reference}, not ${step.reference}`]),
  ]
}

/** Published images of a step that are not in the repositories of the images that they stand for. */
function imageDifferences(step: Step, found: ReadonlyMap<string, SourceImage>): readonly string[] {
  const { image } = step
  const published = publishedIn(step)
  const own = published === undefined ? [] : [{ image, ...published }]
  const named = [...own, ...parentsIn(step).flatMap((parent) => (parent.from === "registry" ? [parent] : []))]
  return named.flatMap(({ image: name, reference, digest }) => {
    const known = found.get(name)
    if (known === undefined || isOf(known, [...found.values()], { reference, digest })) return []
    const { repository, tagPrefix } = known
    const place = tagPrefix === undefined ? repository : `${repository}:${tagPrefix}...`
    return [`${image} would take ${reference} for ${name}, which is published as ${place}`]
  })
}

/** Whether a reference is `repository:tag@digest`, and the tag that of no other image in the repository. */
function isOf(
  image: SourceImage,
  all: readonly SourceImage[],
  { reference, digest }: { readonly reference: string; readonly digest: string },
): boolean {
  const { repository } = image
  const [start, end] = [`${repository}:`, `@${digest}`]
  if (!reference.startsWith(start) || !reference.endsWith(end)) return false
  const tag = reference.slice(start.length, -end.length)
  if (!isTag(tag)) return false
  const inRepository = all.filter((other) => other.repository === repository)
  // What runs remember an image by is made of its key, which no other image has.
  if (isMemoryTag(tag))
    return tag.includes(image.inputKey.slice(0, memoryDigits)) || inRepository.length === 1
  return ownerOfTag(inRepository, tag) === image
}
