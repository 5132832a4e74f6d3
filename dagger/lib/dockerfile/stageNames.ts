import { createHash } from "node:crypto"
import { trimEnd } from "../text/trim.js"
import type { ParsedStage } from "./dockerfile.js"

/** Names of one image's stages in the linked Dockerfile. */
export interface StageNames {
  /** Of the stage that is the image. */
  readonly image: string
  /** Of the stages as they are written, in order; the last is the image's. */
  readonly stages: readonly string[]
  /** Of the stage that holds the build context. */
  readonly context: string
  /** Of the last stage without its ONBUILD triggers, where it has some. */
  readonly body: string
}

/**
 * Names no two stages alike, over all images and whatever they are called: an image is called by its own name, its
 * other stages `<image>--<stage>`. Names depend on this image's Dockerfile alone.
 */
export function stageNamesOf(image: string, stages: readonly ParsedStage[]): StageNames {
  const prefix = imageStage(image)
  const taken = new Set<string>(["context", "body", ...stages.map((_, index) => copiedBase(index))])
  const names = stages.map((stage, index) =>
    index === stages.length - 1 ? prefix : `${prefix}--${freeName(stage.name ?? String(index), taken)}`,
  )
  return { image: prefix, stages: names, context: `${prefix}--context`, body: `${prefix}--body` }
}

/**
 * An image's name as a stage's. BuildKit takes a stage's name for that of a build context, too, and so for a
 * repository: parts of lower-case letters and digits with single signs between them. Here they never hold two dashes
 * in a row (those end the image's name). A name of another form is spelled that way, with a hash of what it was.
 */
export function imageStage(image: string): string {
  if (plainName.test(image) && !hashedName.test(image) && image !== "scratch") return image
  const spelled = image.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
  const hash = createHash("sha256").update(image).digest("hex").slice(0, hashDigits)
  return `image-${trimEnd(spelled, "-")}-${hash}`
}

const hashDigits = 12
const plainName = /^[a-z][a-z0-9]*(?:(?:[._-]|__)[a-z0-9]+)*$/
/** A plain name that could be what another one becomes. */
const hashedName = /^image-.*-[0-9a-f]{12}$/

/** Of the stage that a copy of a base is, below the stage of this number. */
export function copiedBase(index: number): string {
  return `external-${index}`
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}-${count}`
  taken.add(name)
  return name
}
