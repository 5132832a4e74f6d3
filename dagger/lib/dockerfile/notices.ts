import type { Problem } from "../problems.js"
import { formatReference, sameRepository } from "../reference/reference.js"
import type { ImageReference, Repository } from "../reference/reference.js"
import { parseReference } from "../reference/reference.js"
import type { Spec } from "../spec/spec.js"
import { madeFrom } from "../spec/spec.js"
import { listOf } from "../text/format.js"
import { hintFor } from "../text/suggest.js"
import type { ImageDraft, SourceUse, StageDraft } from "./draft.js"
import { locationOf } from "./instruction.js"
import { isPredefined } from "./scope.js"

/** Instructions that Dagger before 0.20 leaves out of a published image's configuration. */
const unpublished = new Set(["HEALTHCHECK", "ONBUILD", "SHELL"])

/** What works, but maybe not as meant. */
export function noticesOf(image: ImageDraft, spec: Spec): readonly Problem[] {
  return [...unusedArguments(image), ...unusedSources(image, spec), ...unpublishedInstructions(image)]
}

/**
 * Contradictions between a Dockerfile and `depend_on`: it names an image that the Dockerfile does not use at all, though
 * it uses one that nothing names; or the image is built on one that it only copies from, by its spec.
 */
export function parentProblems(image: ImageDraft, spec: Spec): readonly Problem[] {
  const { parent, copiesFrom, name, location } = image.spec
  const place = `${location.file}:${location.line}:${location.column}`
  const uses = treeUses(image.stages)
  const isUsed = parent === undefined || uses.some(({ image: used }) => used === parent)
  const unnamed = isUsed ? [] : uses.filter(({ image: used }) => !copiesFrom.includes(used))
  return [
    ...unnamed.slice(0, 1).map(({ image: used, use }) => ({
      location: use.location,
      message: `this uses the image ${used}, but ${name} at ${place} says "depend_on: ${parent ?? ""}", which it does not use`,
      hint: `make both name the same image`,
    })),
    ...(unnamed.length > 0 ? [] : builtOnCopied(image, spec, place)),
  ]
}

function builtOnCopied(image: ImageDraft, spec: Spec, place: string): readonly Problem[] {
  const bottom = configuringStages(image).at(-1)
  if (bottom?.base.kind !== "image") return []
  const { image: used } = bottom.base
  for (let next = image.spec.parent; next !== undefined; next = spec.images.get(next)?.parent)
    if (next === used) return []
  const { name } = image.spec
  const message = `this makes ${name} an image that is built on ${used}, from which it only copies by its spec at ${place}`
  return [
    {
      location: bottom.location,
      message,
      hint: `"depend_on: ${used}": what an image is built on has tests that run in it, too`,
    },
  ]
}

/** The stages whose instructions make up the image's configuration: its last one and those below. */
export function configuringStages(image: ImageDraft): readonly StageDraft[] {
  const chain: StageDraft[] = []
  let stage = image.stages.at(-1)
  while (stage !== undefined) {
    chain.push(stage)
    const { base } = stage
    stage = base.kind === "stage" ? image.stages.find(({ name }) => name === base.name) : undefined
  }
  return chain
}

/** The stages that the image's last one needs, itself included. */
export function neededStages(image: ImageDraft): readonly StageDraft[] {
  const needed = new Set<StageDraft>()
  const waiting = image.stages.slice(-1)
  for (let stage = waiting.pop(); stage !== undefined; stage = waiting.pop()) {
    if (needed.has(stage)) continue
    needed.add(stage)
    for (const { source } of stage.uses) {
      const used = source.kind === "stage" ? image.stages.find(({ name }) => name === source.name) : undefined
      if (used !== undefined) waiting.push(used)
    }
  }
  return image.stages.filter((stage) => needed.has(stage))
}

/** Images of the tree that the stages use. */
export function treeUses(stages: readonly StageDraft[]): readonly { image: string; use: SourceUse }[] {
  return stages.flatMap(({ uses }) =>
    uses.flatMap((use) => (use.source.kind === "image" ? [{ image: use.source.image, use }] : [])),
  )
}

function unusedArguments(image: ImageDraft): readonly Problem[] {
  const { spec, buildArgs, declared, stages, globalValues, platformArguments } = image
  const known = new Set([
    ...globalValues.keys(),
    ...stages.flatMap(({ argumentNames }) => [...argumentNames]),
  ])
  return [...buildArgs.keys()]
    .filter((name) => !declared.has(name) && !isPredefined(name) && !platformArguments.has(name))
    .map((name) => ({
      location: spec.location,
      message: `the build argument ${name} of ${spec.name} is declared nowhere in its Dockerfile: it has no effect`,
      hint: hintFor(name, known, "declared arguments"),
    }))
}

function unusedSources(image: ImageDraft, spec: Spec): readonly Problem[] {
  const { parent, name, location } = image.spec
  const used = new Set(treeUses(image.stages).map((use) => use.image))
  return madeFrom(image.spec).flatMap((source) => {
    const { repository, tagPrefix } = spec.images.get(source) ?? {}
    if (repository === undefined || used.has(source)) return []
    const [does, instruction] = source === parent ? ["depends on", "FROM"] : ["copies from", "COPY --from"]
    const message = `${name} ${does} ${source}, but no FROM, COPY --from or mount of its Dockerfile uses it`
    const pinned = image.stages.some(
      ({ base }) => base.kind === "external" && isPinnedOf(repository, parseReference(base.reference)),
    )
    const named = formatReference({
      ...repository,
      ...(tagPrefix !== undefined && { tag: `${tagPrefix}...` }),
    })
    const hint = pinned
      ? "its FROM pins a digest: without it, the image of the same run is used"
      : `${source} is built first and changes nothing; ${instruction} would name ${named}`
    return [{ location, message, hint }]
  })
}

function isPinnedOf(repository: Repository, { digest, ...reference }: ImageReference): boolean {
  return digest !== undefined && sameRepository(reference, repository)
}

function unpublishedInstructions(image: ImageDraft): readonly Problem[] {
  const last = image.stages.at(-1)
  const left = configuringStages(image).flatMap((stage) => {
    // Triggers of a stage below the last one have acted already.
    const own = [
      ...stage.instructions.map(({ instruction }) => instruction),
      ...(stage === last ? stage.onbuild : []),
    ]
    return own.filter(({ keyword }) => unpublished.has(keyword))
  })
  const [first] = left
  if (first === undefined) return []
  const kinds = [...new Set(left.map(({ keyword }) => keyword))]
  const message = `Dagger 0.19 leaves ${listOf(kinds)} out of the configuration of the image that it publishes`
  const hint = "they act in builds on this image within the stack; Dagger 0.20 and docker keep them"
  return [{ location: locationOf(first), message, hint }]
}
