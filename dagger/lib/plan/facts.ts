import type { GitFacts } from "../git/gitFacts.js"
import type { StackChanges } from "./changes.js"
import type { PackageUpdate } from "../updates/packageUpdates.js"
import type { KeyedBase } from "./inputKey.js"

/** An image in the registry, as its manifest and configuration tell. */
export interface RegistryImage {
  readonly tag: string
  readonly digest: string
  /** Digest of the index that it is in, where that holds all platforms of its image and nothing else. */
  readonly index?: string | undefined
  /** Labels of this pipeline; absent on images of another one. */
  readonly inputKey?: string | undefined
  readonly testKey?: string | undefined
  /** Commit that it was built from (`org.opencontainers.image.revision`). */
  readonly revision?: string | undefined
  /** What it was built on (`org.opencontainers.image.base.name` and `.digest`). */
  readonly baseName?: string | undefined
  readonly baseDigest?: string | undefined
  /** How new its packages are, as its labels tell (`plan/freshness.ts`). */
  readonly fresh?: string | undefined
  readonly knownUpdates?: string | undefined
  /** Whether a `passedTag` of its input key and the current test key names this digest. */
  readonly passed?: boolean | undefined
  /** The tag that says so, where it is of more tests than are wanted. */
  readonly passedBy?: string | undefined
  /**
   * Why it is not believed to be what its labels say, where the spec trusts signers only: then `inputKey` is absent, or
   * `passed` is false.
   */
  readonly unproved?: string | undefined
}

/** What the registry says about one image's repository. */
export type RegistryFacts =
  | {
      readonly kind: "known"
      /** Under the run's tag: its label's tests passed, because tags move after them. */
      readonly branchTag?: RegistryImage | undefined
      /** Left by an earlier run under this input key's candidate tag: its tests may have failed. */
      readonly candidate?: RegistryImage | undefined
      /** Under other tags of the quarter (main's, stable), the preferred one first. */
      readonly otherTags: readonly RegistryImage[]
    }
  | { readonly kind: "unknown"; readonly why: string }

/** Everything about one image that its step is decided by. */
export interface ImageFacts {
  readonly name: string
  /** Where it is published, without a tag: `ghcr.io/example/base`. */
  readonly repository: string
  /** What its tags begin with, where it shares the repository with other images. */
  readonly tagPrefix?: string | undefined
  /** Whether it is published at all: only then does the registry know it. */
  readonly isPublished: boolean
  /** Images of the tree that it starts from or copies from. */
  readonly parents: readonly string[]
  /** What it is built on, of these and below: their tests run in it. */
  readonly ancestors: readonly string[]
  readonly inputKey: string
  readonly testKey: string
  /** External bases, own or inherited, whose digest is unknown. */
  readonly unresolvedBases: readonly string[]
  readonly bases: readonly KeyedBase[]
  /** Days after which its published image is asked for updates; nobody asks where it is absent. */
  readonly maxAge?: number | undefined
  readonly registry: RegistryFacts
}

/** What a published image said, asked for updates of its packages. */
export interface UpdateAnswer {
  /** The image that was asked. */
  readonly digest: string
  /** Those that its parents do not have as well. */
  readonly updates: readonly PackageUpdate[]
  /** Why package managers could not be asked, in sentences. */
  readonly failures: readonly string[]
  /** Whether any of them has answered. */
  readonly isAnswered: boolean
}

/** What the caller asks for. */
export interface PlanOptions {
  readonly branch: string
  /** The run's tag, `<prefix>-<branch>`. */
  readonly tag: string
  readonly platform: string
  readonly publish: boolean
  /** Rebuild everything, whatever is published. */
  readonly fullRebuild: boolean
  /** Names of images; empty for all. */
  readonly only: readonly string[]
  /** Name of the branch that is always built whole. */
  readonly mainBranch: string
  readonly pullRequestTitle?: string | undefined
  /** Why the engine cannot run programs of the platform, where it cannot: then nothing is built or tested for it. */
  readonly unable?: string | undefined
  /** Whether labels and tags of earlier runs are believed on the main branch, as they are on others. */
  readonly trustRegistry: boolean
  /** `2026-11-27`, in UTC. */
  readonly today: string
}

/** All that a plan is made from. */
export interface PlanFacts {
  /** Each after its parents; within that, the order of the spec. */
  readonly images: readonly ImageFacts[]
  readonly specPath: string
  readonly git: GitFacts
  /** Absent where git cannot say what changed. */
  readonly changes?: StackChanges | undefined
  /** By image, where images were asked. */
  readonly answers?: ReadonlyMap<string, UpdateAnswer> | undefined
  readonly options: PlanOptions
}

/** Digits of a key in the tags that runs remember images by. */
export const memoryDigits = 16

/**
 * Tag that records a verdict: the image of this input key passed the tests of this test key. A second name for the
 * same manifest, so a retest need not push anything to be remembered.
 */
export function passedTag(inputKey: string, testKey: string): string {
  return `passed-${inputKey.slice(0, memoryDigits)}-${testKey.slice(0, memoryDigits)}`
}

/**
 * The tag under which an image waits until all of its run have passed. It is made of the input key, so that an
 * interrupted run's finished images are found by the next one: the engine cannot push without a tag.
 */
export function candidateTag(inputKey: string): string {
  return `candidate-${inputKey.slice(0, memoryDigits)}`
}

/**
 * Tag that records the pass of one folder of tests: where others changed, this one need not run again. Worth something
 * only where it names the very image that is tested.
 */
export function folderTag(inputKey: string, folderKey: string): string {
  return `folder-${passedTag(inputKey, folderKey)}`
}

const tagKey = `[0-9a-f]{${memoryDigits}}`
const memoryForm = new RegExp(`^(?:candidate-${tagKey}|(?:folder-)?passed-${tagKey}-${tagKey})$`)

/** Whether a tag is one that runs remember an image by: a candidate's or a pass's. */
export function isMemoryTag(tag: string): boolean {
  return memoryForm.test(tag)
}
