import type { ImagePlace } from "../reference/imagePlace.js"
import type { Repository } from "../reference/reference.js"
import type { ManifestStore } from "../registry/client.js"
import type { Manifest } from "../registry/manifest.js"
import type { Journal } from "./journal.js"

/** An image of the tree that gets another tag. */
export interface PromotedImage {
  /** Its name in the spec. */
  readonly name: string
  readonly repository: ImagePlace
}

/** What a promotion needs of the world outside. */
export interface PromotionContext {
  readonly store: ManifestStore
  /** Milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** In [0, 1). */
  random(): number
  /** Keeps the journal outside of the registry too; called before anything is written there. */
  saveJournal(journal: Journal): Promise<void>
}

/** The journal that the registry keeps for a tag, as it was found. */
export interface Register {
  readonly repository: Repository
  readonly tag: string
  readonly manifest?: Manifest | undefined
  readonly journal?: Journal | undefined
}

/** A promotion that is decided on, with everything needed to write it. */
export interface Promotion {
  readonly journal: Journal
  /** By the reference of its tag: the manifest that this is to name. */
  readonly manifests: ReadonlyMap<string, Manifest>
  /** References of tags that do not name theirs yet. */
  readonly moving: ReadonlySet<string>
  readonly register: Register
  /** Manifests of the register's repository that its journal lists. */
  readonly kept: readonly Pick<Manifest, "mediaType" | "digest" | "size">[]
}

/** How a promotion ended. */
export type PromotionOutcome =
  | { readonly kind: "promoted" }
  /** Every tag named the right digest already; nothing was written. */
  | { readonly kind: "unchanged" }
  /** What would be written; nothing was. */
  | { readonly kind: "dry-run" }
  /** Nothing was written. */
  | { readonly kind: "refused"; readonly problems: readonly string[] }
  /** A failure on the way; every tag names again what it named before. */
  | { readonly kind: "undone"; readonly why: string }
  /** Another promotion to the same tag ran at the same time and came last: its whole set is in place. */
  | { readonly kind: "overtaken"; readonly by: Journal }
  /** A failure on the way, and not every tag could be put back. */
  | { readonly kind: "half-done"; readonly why: string; readonly tags: readonly TagState[] }

/** What a tag names after a promotion that failed. */
export interface TagState {
  readonly reference: string
  /** Absent where there is no such tag. */
  readonly digest?: string
  /** Present where it could not be asked. */
  readonly unknown?: string
}
