import * as z from "zod"

/** Version of the document; raised when a reader of the older form would misread the newer one. */
export const manifestVersion = 1

/** Package managers whose installed packages are listed and compared; npm's are the front ends of JupyterLab. */
export const ecosystems = ["apt", "pip", "r", "conda", "npm"] as const
export type Ecosystem = (typeof ecosystems)[number]

const packageEntry = z.object({
  name: z.string(),
  version: z.string(),
  /** The source package of Debian that it was built from, where that has another name or version: advisories name it. */
  source: z.object({ name: z.string(), version: z.string() }).optional(),
  /** Debian's: `amd64`, `all`. */
  architecture: z.string().optional(),
  /** Where R has it from: `CRAN`, `Bioconductor`, or `R` for what R itself brings. */
  repository: z.string().optional(),
  /** Conda's: `conda-forge`. */
  channel: z.string().optional(),
  /** Conda's: `py311_0`. */
  build: z.string().optional(),
  /** As the package itself tells it, one line: an SPDX expression, or other words. */
  license: z.string().optional(),
})

/** One installed package, as its package manager names it. */
export type InstalledPackage = Readonly<z.infer<typeof packageEntry>>

const packageList = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("listed"), packages: z.array(packageEntry) }),
  /** The image does not have this package manager. */
  z.object({ kind: z.literal("absent") }),
  /** It has the package manager, but the list could not be read. */
  z.object({ kind: z.literal("failed"), reason: z.string() }),
])

/** What one package manager of an image answered. */
export type PackageList = z.infer<typeof packageList>

const layer = z.object({
  /** What made the layer, as the image's history tells it. */
  command: z.string(),
  /** Bytes that it adds; zero for a step that only changes the configuration. */
  size: z.number().optional(),
  /** ISO 8601, UTC. */
  created: z.string().optional(),
})

/** One entry of an image's history, oldest first. */
export type ManifestLayer = z.infer<typeof layer>

const operatingSystem = z.object({
  /** `debian`. */
  id: z.string(),
  /** `12`; a rolling distribution has none. */
  version: z.string().optional(),
  /** For people: `Debian GNU/Linux 12 (bookworm)`. */
  name: z.string().optional(),
})

/** The distribution in an image, as its os-release(5) tells it. */
export type OperatingSystem = z.infer<typeof operatingSystem>

const infoSection = z.object({
  key: z.string(),
  description: z.string(),
  command: z.string(),
  /** Standard output, and standard error where the command failed. */
  output: z.string(),
  exitCode: z.number().int(),
})

/** An info command of the spec, and what it printed in the image. */
export type InfoSection = z.infer<typeof infoSection>

const testSummary = z.object({
  passed: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
  errors: z.number().int(),
  seconds: z.number(),
})

/** Counts of an image's tests. */
export type ManifestTests = z.infer<typeof testSummary>

const sourceCommit = z.object({
  sha: z.string(),
  /** Subject line or whole message. */
  message: z.string().optional(),
  /** ISO 8601. */
  time: z.string().optional(),
})

/** The commit that an image was built from. */
export type SourceCommit = z.infer<typeof sourceCommit>

/** Shape of `sourceCommit` for documents that hold one. */
export const sourceCommitSchema = sourceCommit

/** What a newer module lists besides is passed over. */
const packageLists = z.object({
  apt: packageList.optional(),
  pip: packageList.optional(),
  r: packageList.optional(),
  conda: packageList.optional(),
  npm: packageList.optional(),
} satisfies Record<Ecosystem, unknown>)

/** Packages by package manager; one that nobody asked is missing. */
export type PackageLists = z.infer<typeof packageLists>

const manifestPlatform = z.object({
  /** `linux/arm64`. */
  platform: z.string(),
  digest: z.string().optional(),
  /** Bytes, as those of the image. */
  size: z.object({ compressed: z.number().optional(), unpacked: z.number().optional() }),
  os: operatingSystem.optional(),
  /** Missing for the platform that the rest of the document tells of, and where no run looked into this one. */
  packages: packageLists.optional(),
})

/** An image on one of several platforms. */
export type ManifestPlatform = z.infer<typeof manifestPlatform>

/** Shape of the document; `parseManifest` is the way to read one. */
export const manifestSchema = z.object({
  version: z.literal(manifestVersion),
  /** Name in the spec: `datascience-notebook`. */
  name: z.string(),
  /** Repository and tag, where it is or would be published. */
  reference: z.string(),
  /** What its tags begin with, where it shares the repository with other images: `cuda12-`. */
  tagPrefix: z.string().optional(),
  /** Digest in the registry; unknown for an image that was not published. */
  digest: z.string().optional(),
  /** When it was built: ISO 8601, UTC. */
  created: z.string(),
  /** What its build took; missing in manifests of earlier versions, and where no run has built it. */
  buildSeconds: z.number().nonnegative().optional(),
  commit: sourceCommit.optional(),
  /** URL of the repository that the commit is in, for links: `https://github.com/org/repo`. */
  source: z.string().optional(),
  base: z.object({ reference: z.string(), digest: z.string().optional() }).optional(),
  /** `linux/amd64`; of several the one that all of this tells of. */
  platform: z.string(),
  /** Set where the digest is that of an index: what is in it. */
  platforms: z.array(manifestPlatform).optional(),
  /** Bytes: compressed as the registry transfers them, unpacked as they lie on a disk. */
  size: z.object({ compressed: z.number().optional(), unpacked: z.number().optional() }),
  /** All tags that name this digest, without the repository. */
  tags: z.array(z.string()),
  /** The reference that was promoted to this one. */
  promotedFrom: z.string().optional(),
  layers: z.array(layer),
  tests: testSummary.optional(),
  sections: z.array(infoSection),
  os: operatingSystem.optional(),
  packages: packageLists,
})

/** Everything that an image's manifest page shows; kept as JSON beside the page, which is rendered from it. */
export type ImageManifest = z.infer<typeof manifestSchema>

/** A text that is not a manifest that this module can read. */
export class InvalidImageManifest extends Error {
  override readonly name = "InvalidImageManifest"
}

/**
 * Reads a manifest that `formatManifest` wrote.
 * @param origin what is read, for the error: a path
 * @throws InvalidImageManifest telling what is wrong and where in the document
 */
export function parseManifest(json: string, origin = "the manifest"): ImageManifest {
  let document: unknown
  try {
    document = JSON.parse(json)
  } catch (error) {
    throw new InvalidImageManifest(
      `${origin} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  const version = z.object({ version: z.number() }).safeParse(document)
  if (version.success && version.data.version > manifestVersion) {
    throw new InvalidImageManifest(
      `${origin} has version ${version.data.version}, this module reads up to ${manifestVersion}: use a newer one`,
    )
  }
  const parsed = manifestSchema.safeParse(document)
  if (parsed.success) return parsed.data
  throw new InvalidImageManifest(`${origin} is not an image manifest:\n${z.prettifyError(parsed.error)}`)
}

/** The manifest as JSON with one value a line, so that git shows what changed. */
export function formatManifest(manifest: ImageManifest): string {
  return `${JSON.stringify(manifestSchema.parse(manifest), null, 1)}\n`
}
