import { createHash } from "node:crypto"
import type { AttestedImage } from "../attestation/attestImages.js"
import { attestImages } from "../attestation/attestImages.js"
import type { RunClaims } from "../attestation/claims.js"
import type { StatementSigner } from "../attestation/signer.js"
import type { RegistrySession } from "../gather/registrySession.js"
import { writersPatience } from "../gather/signing.js"
import type { Repository } from "../reference/reference.js"
import type { ArtifactTexts } from "./artifacts.js"
import { junitOf } from "./artifacts.js"
import type { EndedImage } from "./execution.js"
import { publishFailed } from "./publishImage.js"

/** Who signs while a run goes on, and where it writes to. */
export interface RunAttesting {
  readonly registry: RegistrySession
  readonly signer: StatementSigner
  readonly repositories: ReadonlyMap<string, Repository>
  /** What each image is for. */
  readonly platforms: ReadonlyMap<string, readonly string[]>
}

/** Hex SHA-256 of a run's files, by path in its artifacts. */
export function hashesOf(images: readonly EndedImage[], pages: ArtifactTexts): ReadonlyMap<string, string> {
  const texts = [...pages, ...images.flatMap(junitOf)]
  return new Map(texts.map(([path, text]) => [path, createHash("sha256").update(text).digest("hex")]))
}

/** Signs what a run says of its images; an image that cannot be signed has failed, so that its tag stays. */
export async function attestRunning(
  images: readonly EndedImage[],
  run: RunClaims,
  { registry, signer, repositories, platforms }: RunAttesting,
): Promise<readonly EndedImage[]> {
  const attesting = {
    store: registry.client,
    signer,
    patience: writersPatience,
    repositories,
    platforms,
  }
  const attested = await attestImages([run], attesting)
  return images.map((image) => {
    const own = attested.filter((each) => each.image === image.job.name)
    const failed = own.find(({ problem }) => problem !== undefined)
    if (failed !== undefined)
      return publishFailed(image, `${failed.reference}, signing`, new Error(failed.problem))
    for (const done of own) image.record.say(`signed${whichOf(done)}: ${done.attached.join(", ")}`)
    return image
  })
}

function whichOf({ platform }: AttestedImage): string {
  return platform === undefined ? "" : ` (${platform})`
}
