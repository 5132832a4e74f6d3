import type { Container } from "@dagger.io/dagger"
import type { LinkedStack } from "../dockerfile/link.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import type { PinnedReference } from "../reference/reference.js"
import type { ImageOutcome, Publishing } from "../report/report.js"
import { isFailedOutcome } from "../report/report.js"
import type { CommandAnswer, FurtherTag, FurtherTagFacts } from "../tag/furtherTags.js"
import type { FoundTests } from "../testing/testFolders.js"
import type { OtherUser } from "../testing/writtenUsers.js"
import type { EmulatedTests } from "../spec/platforms.js"
import { platformInPaths, platformLabel } from "../spec/platforms.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import type { TestLimits } from "../engine/imageTests.js"
import type { ImageRecord } from "./record.js"
import type { SourceCopy } from "../gather/openSource.js"
import type { ImageScan } from "../vulnerability/imageScan.js"
import type { Probe } from "../engine/inspectImage.js"

/** What is done for one image, with everything that it takes. */
export type ImageJob = BuildJob | RetestJob | PublishedJob | SkipJob

/** An image that is built, tested and published. */
export interface BuildJob extends AnyJob {
  readonly action: "build"
  /** Its stage in the linked Dockerfile. */
  readonly target: string
  /** Arguments that the builder itself reads: proxies, SOURCE_DATE_EPOCH. */
  readonly builderArgs: ReadonlyMap<string, string>
  /** OCI labels and annotations. */
  readonly labels: ReadonlyMap<string, string>
  /** Labels of a published parent, which would speak of it and not of this image. */
  readonly foreignLabels: readonly string[]
}

/** A published image that is tested again. */
export interface RetestJob extends AnyJob {
  readonly action: "retest"
  readonly published: PinnedReference
  /** Whether it is known to be what this source would build, by the word of a registry that is believed. */
  readonly hasSameContent: boolean
}

/** A published image that gets this run's tag, or has it already. */
export interface PublishedJob extends AnyJob {
  readonly action: "retag" | "reuse"
  readonly published: PinnedReference
}

/** An image that is left alone. */
export interface SkipJob extends AnyJob {
  readonly action: "skip"
}

/** What every image comes with. */
interface AnyJob {
  readonly name: string
  /** Which of the image's platforms this is about; none in a run of one platform. */
  readonly platform?: string | undefined
  readonly parents: readonly string[]
  readonly reasons: readonly string[]
  readonly inputKey: string
  readonly testKey: string
  /** Keys of the folders of its tests; none where passes of single folders are not to be remembered. */
  readonly folderKeys: ReadonlyMap<string, string>
  /** Image that its first stage outside of the tree starts from. */
  readonly base?: { readonly reference: string; readonly digest?: string } | undefined
  /** Where it is published. */
  readonly repository: ImagePlace
  /** Whether it is published at all, where anything is. */
  readonly isPublished: boolean
  /** Tags that it gets besides, and whether this run gives them. */
  readonly furtherTags: readonly (FurtherTag & { readonly isForRun: boolean })[]
  /** Commands whose answers are in those, by their keys. */
  readonly tagCommands: ReadonlyMap<string, string>
  readonly folders: FoundTests
  /** TCP port of its server, where the spec names one. */
  readonly serverPort?: number | undefined
  readonly probes: readonly Probe[]
  readonly sizeBudget?: number | undefined
  readonly notices: readonly string[]
}

/** What a run is to do, decided before anything is built. */
export interface Execution {
  /** What is built. */
  readonly linked: LinkedStack
  /** What RUN instructions may mount as `type=secret`. */
  readonly secrets: BuildSecrets
  /** What is built and tested: `linux/amd64`. */
  readonly platform: string
  /** What of the tests runs for it. */
  readonly tests: EmulatedTests
  /** The source, for the tests in its folder of images. */
  readonly copy: SourceCopy
  readonly imagesDirectory: string
  /** Users that the test files of a folder of the source name. */
  readonly writtenUsers: (folder: string) => readonly OtherUser[]
  /** Parents before children. */
  readonly jobs: readonly ImageJob[]
  /** `<prefix>-<branch>`. */
  readonly tag: string
  /** What its further tags tell of the run. */
  readonly tagFacts: Omit<FurtherTagFacts, "answers">
  /** Asks a published image what commands print in it. @param commands by key */
  readonly askPublished: (
    image: PinnedReference,
    commands: ReadonlyMap<string, string>,
  ) => Promise<ReadonlyMap<string, CommandAnswer>>
  readonly publishing: Publishing
  readonly limits: TestLimits
  readonly hubVersion?: string | undefined
  /** Steps that run at once. */
  readonly parallel: number
  /** Fresh for every run. */
  readonly runId: string
  /**
   * `pages`: each image is built or reused, tested where it has not passed, and described for its page. `tests`: tests run
   * even where the engine has a pass of the same image and tests, and nothing else is looked for. `remembered-tests`: the
   * same, and such passes count.
   */
  readonly purpose: "pages" | "tests" | "remembered-tests"
}

/** An image on its way through the run; what was found out about it is in its record. */
export type ImageState = WaitingImage | BuiltImage | EndedImage

/** An image that nothing was done for yet. */
export interface WaitingImage {
  readonly kind: "waiting"
  readonly job: BuildJob | RetestJob
  readonly record: ImageRecord
}

/** An image to test: built, or taken from the registry. */
export interface BuiltImage {
  readonly kind: "built"
  readonly job: BuildJob | RetestJob
  readonly record: ImageRecord
  /** The image itself, without the labels of this run. */
  readonly container: Container
  /** Digest in the registry, once it is there. */
  readonly digest?: string | undefined
}

/** An image whose way has ended, by a failure or because there is nothing left to do but its tag. */
export interface EndedImage {
  readonly kind: "ended"
  readonly job: ImageJob
  readonly record: ImageRecord
  readonly outcome: ImageOutcome
  /** Digest in the registry, where it is there. */
  readonly digest?: string | undefined
  /** Whether the run's tag names it. */
  readonly published: boolean
  /** Further tags that name it, as its repository has them; absent where none was given. */
  readonly furtherTags?: readonly string[]
  /** Whether its tag has to stay, because nobody whom the spec trusts has signed what is said of it. */
  readonly isUnsigned?: boolean
  /** What a scan for vulnerabilities says of it, where the run has a database. */
  readonly scan?: ImageScan | undefined
  /** Its ends on each platform, in a run of several. */
  readonly platforms?: readonly PlatformEnd[]
}

/** The end of an image on one of several platforms. */
export interface PlatformEnd {
  readonly platform: string
  readonly isEmulated: boolean
  readonly tests: EmulatedTests
  readonly image: EndedImage
}

/** Whether an image's way has ended otherwise than it should. */
export function hasFailed(image: ImageState): boolean {
  return image.kind === "ended" && isFailedOutcome(image.outcome)
}

/** What a person calls a job: an image, and of a run for several platforms which one. */
export function jobLabel({ name, platform }: Pick<ImageJob, "name" | "platform">): string {
  return platformLabel(name, platform)
}

/** What a job's files are called: `base`, `base.linux-arm64`. */
export function jobFile({ name, platform }: Pick<ImageJob, "name" | "platform">): string {
  return platform === undefined ? name : `${name}.${platformInPaths(platform)}`
}

/** The end of an image's way, before its tag. */
export function ended(image: WaitingImage | BuiltImage, outcome: ImageOutcome): EndedImage {
  const { job, record } = image
  const digest = image.kind === "built" ? image.digest : undefined
  return { kind: "ended", job, record, outcome, digest, published: false }
}
