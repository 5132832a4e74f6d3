import type { GpuVerdict } from "../gpu/verdict.js"
import { formatReference } from "../reference/reference.js"
import { statementAbout } from "./statement.js"
import type { InTotoStatement } from "./statement.js"

/** How a GPU test was run, beside its verdict. */
export interface GpuTestTerms {
  /** Public key that the login host has shown: a line of known_hosts or its fingerprint. */
  readonly hostKey: string
  /** Folder of the tests in the image. */
  readonly tests: string
  /** When it ended, in milliseconds since 1970. */
  readonly at: number
}

/**
 * The statement about a GPU test that has judged a digest, of an index also about the image in it that was tested.
 * @returns undefined where the verdict says nothing of a digest
 */
export function gpuStatement(
  verdict: GpuVerdict,
  { hostKey, tests, at }: GpuTestTerms,
): InTotoStatement | undefined {
  const { kind, digest, platform, image, host, sentence, counts, durationSeconds } = verdict
  if (digest === undefined || kind === "could-not-run") return undefined
  const { registry, path, tag } = image
  const name = formatReference({ registry, path })
  const statement = statementAbout(
    "gpu",
    { name, digest },
    {
      result: kind === "passed" ? "PASSED" : "FAILED",
      testedAt: new Date(at).toISOString(),
      host,
      hostKey,
      tests,
      sentence,
      durationSeconds,
      ...(tag !== undefined && { tag }),
      ...(platform !== undefined && { platform: { ...platform } }),
      ...(counts !== undefined && { counts: { ...counts } }),
    },
  )
  if (platform === undefined) return statement
  const tested = { name, digest: { sha256: platform.digest.replace(/^sha256:/, "") } }
  return { ...statement, subject: [...statement.subject, tested] }
}
