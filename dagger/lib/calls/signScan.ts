import { attachStatements } from "../attestation/attestImages.js"
import type { StatementSigner } from "../attestation/signer.js"
import { vulnerabilityStatement } from "../attestation/vulnerabilityClaim.js"
import type { OpenSource } from "../gather/openSource.js"
import { RegistrySession } from "../gather/registrySession.js"
import { loginOf } from "../gather/secretHosts.js"
import { writersPatience } from "../gather/signing.js"
import type { ScanTools } from "../gather/vulnerabilityScan.js"
import type { ImageManifest } from "../manifest/manifestData.js"
import type { PlatformManifest } from "../manifest/platformManifests.js"
import type { PinnedReference } from "../reference/reference.js"
import { formatReference, parseReference, sameRepository } from "../reference/reference.js"
import { listedImages, withoutVariant } from "../registry/imageFacts.js"
import { publishedAs } from "../spec/publishedAs.js"
import { listOf } from "../text/format.js"
import type { VulnerabilityScan } from "../vulnerability/gate.js"
import type { ImageScan } from "../vulnerability/imageScan.js"
import { imageScanOf } from "../vulnerability/imageScan.js"
import type { ScanRequest } from "./scanImages.js"

/** What became of the statements of a scan. */
export interface SignedScan {
  readonly ok: boolean
  /** Sentences on it. */
  readonly notices: readonly string[]
}

/** A scan that has ended, and who signs it. */
export interface SignableScan {
  readonly scan: VulnerabilityScan
  readonly tools: ScanTools
  readonly times: Pick<ImageScan, "startedAt" | "endedAt">
  readonly signer: StatementSigner
  readonly request: Pick<ScanRequest, "source" | "registry" | "registryUsername" | "registryPassword">
  readonly source: Pick<OpenSource, "spec">
}

/**
 * Signs what a scan says of each image, and attaches it to the digest that its list of packages is of: of several
 * platforms to that of each.
 */
export async function signScan(
  images: readonly PlatformManifest[],
  { scan, tools, times, signer, request, source }: SignableScan,
): Promise<SignedScan> {
  const { client: store } = await RegistrySession.open(loginOf(request))
  const repositories = publishedAs(source.spec, request.registry)
  const problems: string[] = []
  const signed: string[] = []
  for (const [index, { manifest }] of images.entries()) {
    const scanned = scan.images[index]
    if (scanned === undefined) continue
    try {
      const image = await scannedIn(store, subjectOf(manifest, repositories), manifest.platform)
      const judged = imageScanOf(scan, scanned, tools.policy, tools.exceptions, times)
      const { registry, path, digest } = image
      const subject = { name: formatReference({ registry, path }), digest }
      const statement = vulnerabilityStatement(subject, judged)
      const created = new Date(times.endedAt).toISOString()
      await attachStatements({ store, signer, patience: writersPatience }, image, [statement], created)
      signed.push(scanned.name)
    } catch (error) {
      problems.push(
        `${scanned.name} is not signed: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  const done = signed.length === 0 ? [] : [`signed by ${signer.name}: ${listOf(signed)}`]
  return { ok: problems.length === 0, notices: [...done, ...problems] }
}

/** What was scanned. @throws Error where no statement can be about it */
function subjectOf(
  { name, reference, digest }: ImageManifest,
  repositories: ReturnType<typeof publishedAs>,
): PinnedReference {
  const { registry, path } = parseReference(reference)
  const own = repositories.get(name)
  // Pages and artifacts are anybody's: they must not choose what this login writes to.
  if (own === undefined || !sameRepository(own, { registry, path }))
    throw new Error(`${reference} is not where the spec publishes ${name}`)
  if (digest === undefined) throw new Error("its digest is not known")
  return { registry, path, digest }
}

/**
 * The image that was scanned, where an index is named: what else that lists was not.
 * @throws Error where the index does not list it
 */
async function scannedIn(
  store: Parameters<typeof listedImages>[0],
  image: PinnedReference,
  platform: string,
): Promise<PinnedReference> {
  const listed = await listedImages(store, image)
  if (listed.length === 0) return image
  const own = listed.find((each) => withoutVariant(each.platform) === withoutVariant(platform))
  if (own === undefined) throw new Error(`its index lists nothing for ${platform}`)
  return { ...image, digest: own.digest }
}
