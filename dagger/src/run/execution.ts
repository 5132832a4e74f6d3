import type { Container } from "@dagger.io/dagger"
import type { Repository } from "../reference/reference.js"
import type { ImageOutcome, PlannedAction, Publishing, TestSuite } from "../report/report.js"
import type { FoundTests } from "../testing/testFolders.js"
import type { BuildSecrets } from "../engine/buildSecrets.js"
import type { FolderPasses, TestLimits, SuiteResult } from "../engine/imageTests.js"
import type { ImageJournal } from "./journal.js"
import type { SourceCopy } from "../gather/openSource.js"
import type { BuildContext } from "../gather/prepare.js"
import type { Probe, ProbeResult } from "../engine/inspectImage.js"

/** One image with everything that its way through the run needs. */
export interface ImageJob {
  readonly name: string
  readonly parents: readonly string[]
  readonly action: PlannedAction
  readonly reasons: readonly string[]
  /** Its stage in the linked Dockerfile. */
  readonly target: string
  /** Arguments that the builder itself reads: proxies, SOURCE_DATE_EPOCH. */
  readonly builderArgs: ReadonlyMap<string, string>
  readonly inputKey: string
  readonly testKey: string
  /** Keys of the folders of its tests; none where passes of single folders are not to be remembered. */
  readonly folderKeys: ReadonlyMap<string, string>
  /** Whether the published image is known to be what this source would build, by the word of a registry that is believed. */
  readonly hasSameContent: boolean
  /** Whether success puts the run's tag on another image than before. */
  readonly movesTag: boolean
  /** Image that its first stage outside of the tree starts from. */
  readonly base?: { readonly reference: string; readonly digest?: string }
  /** Where it is published. */
  readonly repository: Repository
  /** The published image that `retest`, `retag` and `reuse` are about. */
  readonly known?: {
    readonly reference: string
    /** Absent where a caller gave a tag only, until the registry is asked. */
    readonly digest?: string | undefined
  }
  readonly folders: FoundTests
  /** TCP port of its server, where the spec names one. */
  readonly serverPort?: number
  readonly probes: readonly Probe[]
  /** OCI labels and annotations. */
  readonly labels: ReadonlyMap<string, string>
  /** Labels of a published parent, which would speak of it and not of this image. */
  readonly foreignLabels: readonly string[]
  readonly sizeBudget?: number
  readonly notices: readonly string[]
}

/** What a run is to do, decided before anything is built. */
export interface Execution {
  readonly context: (image: string) => Promise<BuildContext>
  /** What RUN instructions may mount as `type=secret`. */
  readonly secrets: BuildSecrets
  /** What is built and tested: `linux/amd64`. */
  readonly platform: string
  /** The source, for the tests in its folder of images. */
  readonly copy: SourceCopy
  readonly imagesDirectory: string
  /** Parents before children. */
  readonly jobs: readonly ImageJob[]
  /** `<prefix>-<branch>`. */
  readonly tag: string
  readonly publishing: Publishing
  readonly limits: TestLimits
  readonly hubVersion?: string
  /** Steps that run at once. */
  readonly parallel: number
  /** Fresh for every run. */
  readonly runId: string
  /** Run tests even where the engine has a pass of the same image and tests. */
  readonly fresh?: boolean
}

/** What is known of an image while it goes through the run; each step returns the next state. */
export interface ImageState {
  readonly job: ImageJob
  readonly journal: ImageJournal
  /** Set as soon as the way ends: by a failure, or because there is nothing left to do. */
  readonly outcome?: ImageOutcome
  /** The image itself without the labels of this run, where it was built or taken from the registry. */
  readonly container?: Container
  /** Digest in the registry. */
  readonly digest?: string
  readonly published: boolean
  /** Folders whose tests have passed in this very image, by the word of the registry: they do not run again. */
  readonly proved: readonly string[]
  /** Folders whose tests passed in this run, or in an earlier one. */
  readonly passed: readonly string[]
  readonly unpackedBytes?: number
  /** The engine's word for this very image (`OutsideFacts`). */
  readonly mark?: string
  readonly probes: ReadonlyMap<string, ProbeResult>
  readonly suites: readonly SuiteOutput[]
  readonly notices: readonly string[]
}

/** A test suite's result with what it leaves for the artifacts. */
export interface SuiteOutput extends TestSuite {
  readonly log: string
  readonly files?: SuiteResult["files"]
  readonly notices: SuiteResult["notices"]
  readonly passed: FolderPasses["passed"]
  readonly serverLog?: string
}
