import { Container, Directory, Secret } from "@dagger.io/dagger"
import type { Places } from "../dockerfile/authorsPlaces.js"
import type { Repository } from "../reference/reference.js"
import type { ImageOutcome, PlannedAction, Publishing, TestSuite } from "../report/report.js"
import type { FoundTests } from "../testing/testFolders.js"
import type { BuildSecrets } from "./buildSecrets.js"
import type { TestLimits, SuiteResult } from "./imageTests.js"
import type { ImageJournal } from "./journal.js"
import type { SourceCopy } from "./openSource.js"
import type { Probe, ProbeResult } from "./inspectImage.js"

/** Login to the registry; the password never leaves its Secret but towards the registry. */
export interface RegistryLogin {
  readonly username: string
  readonly password: Secret
  /** Host that it is for; no other one gets it. */
  readonly registry: string
}

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

/** What an image is built from. */
export interface BuildContext {
  /** Folders of images, the linked Dockerfile and its `.dockerignore`. */
  readonly directory: Directory
  /** Where the linked Dockerfile comes from. */
  readonly places: Places
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
  readonly unpackedBytes?: number
  readonly probes: ReadonlyMap<string, ProbeResult>
  readonly suites: readonly SuiteOutput[]
  readonly notices: readonly string[]
}

/** A test suite's result with what it leaves for the artifacts. */
export interface SuiteOutput extends TestSuite {
  readonly log: string
  readonly files?: SuiteResult["files"]
  readonly notices: SuiteResult["notices"]
  readonly serverLog?: string
}
