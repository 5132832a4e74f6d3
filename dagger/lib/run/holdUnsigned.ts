import type { ProofBook } from "../gather/provedImage.js"
import { joinedKey } from "../plan/platforms.js"
import { isFailedOutcome } from "../report/report.js"
import type { EndedImage } from "./execution.js"

/**
 * Marks the images whose tags must stay, where the spec trusts signers: none of them says yet that this digest was built
 * from its content and has passed. What the plan took as it is published has been asked for already.
 */
export function holdUnsigned(
  images: readonly EndedImage[],
  tag: string,
  proofs: ProofBook,
): Promise<readonly EndedImage[]> {
  return Promise.all(
    images.map(async (image) =>
      isNew(image) && !(await isProved(image, tag, proofs)) ? { ...image, isUnsigned: true } : image,
    ),
  )
}

/** Whether a tag would name something that was made in this run: an image, or the index of some. */
function isNew({ job, digest, outcome, published, platforms = [] }: EndedImage): boolean {
  if (digest === undefined || published || isFailedOutcome(outcome)) return false
  return job.action === "build" || job.action === "retest" || platforms.length > 1
}

async function isProved(
  { job, digest = "", outcome, platforms }: EndedImage,
  tag: string,
  proofs: ProofBook,
): Promise<boolean> {
  const proof = await proofs.about({ ...job.repository, digest }, tag)
  if (typeof proof === "string") return false
  const key =
    platforms === undefined ? job.inputKey : joinedKey(platforms.map(({ image }) => image.job.inputKey))
  return proof.inputKeys.has(key) && (outcome.kind === "untested" || proof.passed.has(key))
}
