import { dag } from "@dagger.io/dagger"
import { parseReference } from "../reference/reference.js"
import { engineMessage } from "./engineError.js"
import { inTime } from "./time.js"

/** Seconds after which a registry that does not answer is taken as unreachable. */
const answerSeconds = 60

/** What external base images stand for now. */
export interface BaseDigests {
  /** Digest by reference. */
  readonly digests: ReadonlyMap<string, string>
  /** Why a reference could not be resolved, by reference. */
  readonly unresolved: ReadonlyMap<string, string>
}

/** Asks the engine, which knows its mirrors and logins, what each reference stands for. No layer is pulled. */
export async function resolveBases(references: Iterable<string>): Promise<BaseDigests> {
  const digests = new Map<string, string>()
  const unresolved = new Map<string, string>()
  await Promise.all(
    [...new Set(references)].map(async (reference) => {
      try {
        const resolved = await inTime(answerSeconds, dag.container().from(reference).imageRef())
        const { digest } = parseReference(resolved)
        if (digest !== undefined) digests.set(reference, digest)
      } catch (error) {
        unresolved.set(reference, engineMessage(error))
      }
    }),
  )
  return { digests, unresolved }
}
