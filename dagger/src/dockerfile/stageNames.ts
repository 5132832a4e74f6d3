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
  const taken = new Set<string>(["context", "body"])
  const names = stages.map((stage, index) =>
    index === stages.length - 1 ? prefix : `${prefix}--${freeName(stage.name ?? String(index), taken)}`,
  )
  return { image: prefix, stages: names, context: `${prefix}--context`, body: `${prefix}--body` }
}

/**
 * An image's name as a stage's: stages are not case-sensitive, start with a letter, and here never hold two dashes in
 * a row (those end the image's name). What does not fit is written `-.<code in hex>.`, and a dash that could be taken
 * for the start of that or of the end too, so that no two images meet.
 */
export function imageStage(image: string): string {
  const safe = image.replaceAll(
    /[^a-z0-9._-]|-(?=[-.]|$)/gu,
    (char) => `-.${char.charCodeAt(0).toString(16)}.`,
  )
  return /^[a-z]/.test(safe) && safe !== "scratch" ? safe : `image-..${safe}`
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}-${count}`
  taken.add(name)
  return name
}
