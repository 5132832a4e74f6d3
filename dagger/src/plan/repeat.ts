import type { ImageFacts } from "./facts.js"
import type { Plan, Step } from "./planDocument.js"

/** An image as the source at hand has it. */
export type SourceImage = Pick<ImageFacts, "name" | "repository" | "inputKey" | "testKey">

/**
 * Where a plan is of another source than the one at hand. Carried out all the same, it would publish one content under
 * the key of another, and remember a pass of tests that did not run.
 * @returns a sentence for each difference; none where the plan can be repeated
 */
export function differencesFrom(plan: Plan, images: readonly SourceImage[]): readonly string[] {
  const found = new Map(images.map((image) => [image.name, image]))
  const planned = new Set(plan.steps.map(({ image }) => image))
  const unplanned = images.filter(({ name }) => !planned.has(name))
  return [
    ...plan.steps.flatMap((step) => stepDifferences(plan.tag, step, found.get(step.image))),
    ...unplanned.map(({ name }) => `${name} is not in the plan`),
  ]
}

function stepDifferences(tag: string, step: Step, image: SourceImage | undefined): readonly string[] {
  if (image === undefined) return [`${step.image} of the plan is not here`]
  if (step.action === "skip") return []
  const { name, repository, inputKey, testKey } = image
  const reference = `${repository}:${tag}`
  return [
    ...(inputKey === step.inputKey ? [] : [`${name} has other content`]),
    ...(testKey === step.testKey ? [] : [`${name} has other tests`]),
    ...(reference === step.reference ? [] : [`${name} is published as ${reference}, not ${step.reference}`]),
  ]
}
