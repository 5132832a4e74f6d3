import type { ImageReference } from "../reference/reference.js"
import { formatReference, InvalidReference, parseReference } from "../reference/reference.js"
import type { ImageDraft, Source, StageDraft, Surroundings } from "./draft.js"
import type { Instruction } from "./instruction.js"
import { problemIn } from "./instruction.js"

/** A reference to a stage or an image, without variables. */
export interface Mention {
  readonly text: string
  readonly what: "FROM" | "COPY --from" | "RUN --mount from"
  readonly instruction: Instruction
  /** Of the reference in the instruction's text. */
  readonly offset: number
}

/** Why a reference cannot be resolved. */
interface Complaint {
  readonly kind: "complaint"
  readonly message: string
  readonly hint?: string
}

/**
 * What a reference means. FROM names an earlier stage, COPY --from a stage by name or number, a mount a stage by
 * name; what is no stage is an image of the tree or of a registry.
 * @returns undefined for what was reported as a problem
 */
export function resolveSource(
  image: ImageDraft,
  mention: Mention,
  surroundings: Surroundings,
): Source | undefined {
  const source = stageFor(image, mention) ?? imageFor(image, mention, surroundings)
  if (source.kind !== "complaint") return source
  const { message, hint } = source
  const options = { offset: mention.offset, ...(hint !== undefined && { hint }) }
  surroundings.problems.push(problemIn(mention.instruction, `${mention.what} ${message}`, options))
  return undefined
}

function stageFor(image: ImageDraft, { text, what }: Mention): Source | Complaint | undefined {
  const { stages } = image.dockerfile
  if (what === "FROM") {
    // As in BuildKit: the last stage so far of that name, which is compared as it is written.
    return stageSource(image.namedStages.get(text))
  }
  if (what === "COPY --from" && /^[+-]?\d+$/.test(text)) return numberedStage(image, Number(text))
  const index = stages.findLastIndex(({ name }) => name === text.toLowerCase())
  if (index === -1) return undefined
  const line = stages[index]?.from.line.segments[0]?.line ?? 0
  const message = `names the stage "${text}" of line ${line}, which must stand before this one`
  return stageSource(image.stages[index]) ?? { kind: "complaint", message }
}

function numberedStage(image: ImageDraft, index: number): Source | Complaint {
  const count = image.stages.length
  const hint = count === 0 ? "there is no stage before this one" : `stages before this one: 0 to ${count - 1}`
  const complaint = { kind: "complaint", message: `${index} is not a stage before this one`, hint } as const
  return stageSource(image.stages[index]) ?? complaint
}

function stageSource(stage: StageDraft | undefined): Source | undefined {
  return stage === undefined ? undefined : { kind: "stage", name: stage.name }
}

function imageFor(
  { spec }: ImageDraft,
  { text, what }: Mention,
  surroundings: Surroundings,
): Source | Complaint {
  if (text === "scratch") return { kind: "scratch" }
  if (text.includes("$")) {
    const hint = "name a stage whose FROM uses the variable"
    return { kind: "complaint", message: `takes no variables: "${text}"`, hint }
  }
  const reference = parsed(text)
  if (typeof reference === "string") return { kind: "complaint", message: `is not an image: ${reference}` }
  const external = externalSource(reference, surroundings)
  const name = surroundings.imageAt(reference)
  // A digest says which build is meant, and that cannot be the one of this run.
  if (name === undefined || reference.digest !== undefined) return external
  if (surroundings.sourcesOf(spec.name).has(name)) {
    return { kind: "image", image: name, written: external.reference }
  }
  if (name === spec.name) return selfComplaint(external.reference)
  const isMadeFromThis = surroundings.sourcesOf(name).has(spec.name)
  return isMadeFromThis ? circleComplaint(spec, name) : strangerComplaint(spec, name, what)
}

function selfComplaint(reference: string): Complaint {
  const message = `names ${reference}, which this file builds: every build would change its own input`
  return {
    kind: "complaint",
    message,
    hint: "give the digest of one build (name@sha256:...), or another base",
  }
}

/** An image of the tree that is built after this one. */
function circleComplaint({ name }: ImageDraft["spec"], used: string): Complaint {
  const message = `uses the image ${used} of this stack, which is itself made from ${name}`
  return { kind: "complaint", message, hint: "what both need can be in an image that both are made from" }
}

/** An image of the tree that need not be built before this one. */
function strangerComplaint(spec: ImageDraft["spec"], used: string, what: Mention["what"]): Complaint {
  const { name, parent, copiesFrom, location } = spec
  const place = `${location.file}:${location.line}:${location.column}`
  const message = `uses the image ${used} of this stack, which ${name} at ${place} does not name`
  const copied =
    copiesFrom.length === 0
      ? `add "copies_from: [${used}]" to ${name}`
      : `add ${used} to the "copies_from" of ${name}`
  if (what !== "FROM") return { kind: "complaint", message, hint: copied }
  const built = parent === undefined ? `add "depend_on: ${used}" to ${name}` : `make its "depend_on" ${used}`
  return { kind: "complaint", message, hint: `${built}; where it only takes files from it, ${copied}` }
}

function externalSource(
  reference: ImageReference,
  surroundings: Surroundings,
): Extract<Source, { kind: "external" }> {
  const isBare = reference.tag === undefined && reference.digest === undefined
  const full = formatReference(isBare ? { ...reference, tag: "latest" } : reference)
  const digest = reference.digest ?? surroundings.digestOf(full)
  return { kind: "external", reference: full, ...(digest !== undefined && { digest }) }
}

function parsed(text: string): ImageReference | string {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof InvalidReference) return error.message
    throw error
  }
}
