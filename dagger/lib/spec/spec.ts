import type { Location } from "../problems.js"
import type { Repository } from "../reference/reference.js"
import type { FurtherTag } from "../tag/furtherTags.js"
import type { TagScheme } from "../tag/branchTag.js"
import type { VulnerabilityPolicy } from "../vulnerability/policy.js"
import type { BuildTarget, ImagePaths } from "./imagePaths.js"
import type { EmulatedTests, PublishedPlatform } from "./platforms.js"
import type { TrustSpec } from "./trust.js"

/** The spec as the pipeline uses it: validated, defaults filled in, names resolved. */
export interface Spec {
  /** Where it was read: `spec.yml` or `images/spec.yml`. */
  readonly path: string
  /** Folder that holds one folder per image: `images`. */
  readonly imagesDirectory: string
  /** Every image by name, in the order of the file. */
  readonly images: ReadonlyMap<string, ImageSpec>
  /** How its images are tagged. */
  readonly tags: TagScheme
  readonly infoCommands: ReadonlyMap<string, InfoCommand>
  readonly changeRules: ChangeRules
  /** Limits of every test run. */
  readonly tests: TestSpec
  /** The JupyterHub that starts these images. */
  readonly hub?: HubSpec
  readonly gpu?: GpuSpec
  readonly vulnerabilities?: VulnerabilityPolicy
  /** URL of the wiki's git repository. */
  readonly wiki?: string
  /**
   * Registry and organisation (`ghcr.io/ucsd-ets`) that replace those of every image name when it is published;
   * `ImageSpec.repository` stays as written, because Dockerfiles name their parents by it. See `publishedAs`.
   */
  readonly registry?: string
  /** What images are published for; at least one. */
  readonly platforms: readonly PublishedPlatform[]
  /** What of the tests runs for a platform that the engine emulates, in a stack of several. */
  readonly emulatedTests: EmulatedTests
  /** Whether main believes labels and tags that earlier runs have left in the registry. */
  readonly trustRegistry: boolean
  /** Whose signed statements are believed; absent where labels and tags are. */
  readonly trust?: TrustSpec
}

/** One image of the tree. */
export interface ImageSpec extends ImagePaths {
  /** Its key in `images:`, and the name of its folder where the spec names no other. */
  readonly name: string
  /** Where it is another stage of its Dockerfile than the last. */
  readonly target?: BuildTarget
  /** Where it is published, without a tag. */
  readonly repository: Repository
  /** What its tags begin with, where it shares the repository with other images. */
  readonly tagPrefix?: string
  /** Whether it is published at all. */
  readonly isPublished: boolean
  /** Tags that it gets besides that of a run's branch. */
  readonly furtherTags: readonly FurtherTag[]
  /** Those of its `build_args_file` among them. */
  readonly buildArgs: ReadonlyMap<string, string>
  /** Path of that file. */
  readonly buildArgsFile?: string
  /** Labels of the spec, besides those of its Dockerfile. */
  readonly labels?: WrittenLabels
  /** Name of the image it is built on, where that is one of the tree. */
  readonly parent?: string
  /** Names of further images of the tree that it takes files from. */
  readonly copiesFrom: readonly string[]
  /** Whether `integration_tests/` runs against its running server. */
  readonly integrationTests: boolean
  /** TCP port of its server, where the spec names one. */
  readonly serverPort?: number
  /** Keys of `infoCommands` to run in the built image. */
  readonly infoCommands: readonly string[]
  /** Largest unpacked size in bytes: over it the image fails, near it a warning. */
  readonly sizeBudget?: number
  /** Days after which its published image is asked for updates of its packages; nobody asks where it is absent. */
  readonly maxAge?: number
  /** What it is published for, at most what those are that it is made from; in the order of the spec's. */
  readonly platforms: readonly PublishedPlatform[]
  /** Where `images.<name>` stands in the spec. */
  readonly location: Location
}

/** Names of the images of the tree that an image is made from: what it is built on first. */
export function madeFrom({
  parent,
  copiesFrom,
}: Pick<ImageSpec, "parent" | "copiesFrom">): readonly string[] {
  return parent === undefined ? copiesFrom : [parent, ...copiesFrom]
}

/** Labels as the spec has them, with the place that says so. */
export interface WrittenLabels {
  readonly values: ReadonlyMap<string, string>
  readonly location: Location
}

/** A command whose output describes a built image on its manifest page. */
export interface InfoCommand {
  readonly key: string
  readonly description: string
  /** Run by a shell in the image. */
  readonly command: string
}

/** `images/change_ignore.json`: which changed files say nothing, and which concern all images. */
export interface ChangeRules {
  /** Paths below the images folder, or names, whose change is ignored. */
  readonly ignore: readonly string[]
  /** Paths below the images folder, or names, whose content is a part of every image's key. */
  readonly buildAll: readonly string[]
}

/** How the GPU test reaches the cluster and launches an image there. */
export interface GpuSpec {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Name of the image of the tree that is tested. */
  readonly image: string
  /** Command line on the login host; `{image}` and `{tests}` are replaced, quoted. */
  readonly launch: string
  /** Folder of the tests inside the image. */
  readonly tests: string
  /** Overall time limit in seconds. */
  readonly timeoutSeconds: number
  /** Public key of the host: a line of known_hosts or `SHA256:...`. */
  readonly hostKey?: string
}

/** How long tests may take and what they may use. */
export interface TestSpec {
  /** Time limit in seconds of one test. */
  readonly timeoutSeconds: number
  /** Time limit in seconds of all tests of one image. */
  readonly imageTimeoutSeconds: number
  /** Memory in bytes that the tests of one image may use; no limit where it is absent. */
  readonly memoryBytes?: number
}

/** The hub in production, which a single-user server must match. */
export interface HubSpec {
  /** Its version or the start of it: `5.4` is matched by `5.4.3`. */
  readonly version: string
}
