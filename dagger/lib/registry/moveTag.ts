import type { Repository } from "../reference/reference.js"

/**
 * Puts a tag on a published image, by digest; nothing of the image moves.
 * @throws Error where the registry refuses or cannot be reached
 */
export type TagWriter = (repository: Repository, digest: string, tag: string) => Promise<void>

/** Tags of published images. */
export interface TagStore {
  readonly write: TagWriter
  /** Digest that a tag names now, where there is one. @throws Error where the registry cannot be asked */
  readonly read: (repository: Repository, tag: string) => Promise<string | undefined>
}

/** A tag of a set that moves together. */
export interface TagMove {
  readonly repository: Repository
  readonly tag: string
  /** Digest that it named before; absent where there was no such tag. */
  readonly previous?: string | undefined
  readonly next: string
}

/**
 * What became of a tag that was to be put back. `same`: it had named the same image before; `elsewhere`: it does not
 * name what was put there, so it is somebody else's, or was never written; `back`: it names again what it named before;
 * `new`: there was no such tag before, and it stays, because taking a tag away may delete the image.
 */
export type TagReturn = "same" | "elsewhere" | "back" | "new"

/** Puts a tag back to what it named before. Nothing is ever deleted. @throws Error where the registry refuses */
export async function putTagBack(
  { repository, tag, previous, next }: TagMove,
  { read, write }: TagStore,
): Promise<TagReturn> {
  if (previous === next) return "same"
  if ((await read(repository, tag)) !== next) return "elsewhere"
  if (previous === undefined) return "new"
  await write(repository, previous, tag)
  return "back"
}
