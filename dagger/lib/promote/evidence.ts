import type { MissingProof } from "../attestation/demand.js"
import { missingForPromotion, proofOf } from "../attestation/demand.js"
import type { Believer } from "../attestation/evidence.js"
import { claimsAbout } from "../attestation/evidence.js"
import { underTag } from "../reference/imagePlace.js"
import { formatReference } from "../reference/reference.js"
import { listedImages } from "../registry/imageFacts.js"
import type { ReferrerStore } from "../registry/referrers.js"
import { shellCommand } from "../text/shell.js"
import type { EvidenceCheck, EvidencedImage } from "./promote.js"
import type { TagPair } from "./tags.js"

/** What promotions ask for, and whom. */
export interface EvidenceTerms {
  readonly store: ReferrerStore
  readonly believer: Believer
  /** Image that is tested on a GPU, where one is; and how many seconds its verdict counts. */
  readonly gpu?: { readonly image: string; readonly maxAgeSeconds: number } | undefined
  /** Seconds that a scan for vulnerabilities counts; none is asked for where it is absent. */
  readonly vulnerabilitiesMaxAgeSeconds?: number | undefined
  /** Milliseconds since 1970. */
  now(): number
}

/**
 * What promotions need under trust: provenance and test results of every image, a scan for vulnerabilities where the spec
 * wants one, of an index one of each image that it lists, and the verdict of a GPU test of that which has one, each about
 * the very digest that is promoted, by somebody who is trusted for the tag that it gets.
 * @param awaited kinds that are not asked for yet
 */
export function evidenceCheck(
  terms: EvidenceTerms,
  awaited: readonly MissingProof["kind"][] = [],
): EvidenceCheck {
  return {
    check: async (images, tags) => {
      const missing = await Promise.all(images.map((image) => missingOf(image, tags, terms)))
      return missing.flatMap((each, index) =>
        each
          .filter(({ kind }) => !awaited.includes(kind))
          .map((proof) => refusal(images[index], proof, tags)),
      )
    },
  }
}

async function missingOf(
  { name, repository, digest }: EvidencedImage,
  { to }: TagPair,
  terms: EvidenceTerms,
): Promise<readonly MissingProof[]> {
  const { store, believer, gpu, vulnerabilitiesMaxAgeSeconds } = terms
  const { registry, path } = repository
  const about = async (of: string) =>
    proofOf(await claimsAbout(store, believer, { registry, path, digest: of }, to))
  const listed =
    vulnerabilitiesMaxAgeSeconds === undefined ? [] : await listedImages(store, { registry, path, digest })
  const platforms = await Promise.all(
    listed.map(async (part) => ({ platform: part.platform, proof: await about(part.digest) })),
  )
  const gpuMaxAgeSeconds = gpu?.image === name ? gpu.maxAgeSeconds : undefined
  return missingForPromotion(await about(digest), {
    gpuMaxAgeSeconds,
    vulnerabilitiesMaxAgeSeconds,
    platforms,
    now: terms.now(),
  })
}

function refusal(image: EvidencedImage | undefined, { kind, why }: MissingProof, { from }: TagPair): string {
  if (image === undefined) return why
  const reference = formatReference(underTag(image.repository, from))
  return `${reference} (${image.digest}) has no statement of ${kind}: ${why}; get it with "${commandFor(kind, from)}"`
}

/** The call that leaves a statement. */
function commandFor(kind: MissingProof["kind"], tag: string): string {
  const words: Readonly<Record<MissingProof["kind"], readonly string[]>> = {
    provenance: ["build-stack", "--source=.", "--publish", "--signing-key=env://SIGNING_KEY"],
    tests: ["build-stack", "--source=.", "--publish", "--signing-key=env://SIGNING_KEY"],
    gpu: ["gpu-test", "--source=.", `--tag=${tag}`, "--signing-key=env://SIGNING_KEY"],
    vulnerabilities: [
      ...["scan", "--source=.", `--tag=${tag}`, "--database=vulnerability-db.tar.zst"],
      "--signing-key=env://SIGNING_KEY",
    ],
  }
  return shellCommand(["./stack", ...words[kind]])
}
