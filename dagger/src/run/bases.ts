import { dag } from "@dagger.io/dagger"
import type { LinkedStack, LinkRequest } from "../dockerfile/link.js"
import { linkStack } from "../dockerfile/link.js"
import { parseReference } from "../reference/reference.js"
import { engineMessage } from "./engineError.js"
import { inTime } from "./time.js"

/** Seconds after which a registry that does not answer is taken as unreachable. */
const answerSeconds = 60

/** Images linked with their external bases pinned to what these stand for now. */
export interface PinnedLink {
  readonly linkRequest: LinkRequest
  /** What keys are made of, and what is built. */
  readonly linked: LinkedStack
  /** Why a base image could not be resolved, by reference; it stays unpinned. */
  readonly unresolvedBases: ReadonlyMap<string, string>
}

/**
 * Links twice: the first time tells which bases there are.
 * @param settled digests by reference; where given, no registry is asked, and a base without one stays unpinned
 * @throws InputError for mistakes in the Dockerfiles
 */
export async function linkPinned(
  unpinned: LinkRequest,
  settled?: ReadonlyMap<string, string>,
): Promise<PinnedLink> {
  const bases = [...linkStack(unpinned).images.values()].flatMap((image) => image.bases)
  const asked = settled === undefined ? bases.map(({ reference }) => reference) : []
  const { digests, unresolved } = await resolveBases(asked)
  const linkRequest = { ...unpinned, bases: settled ?? digests }
  return { linkRequest, linked: linkStack(linkRequest), unresolvedBases: unresolved }
}

/** What external base images stand for now. */
interface BaseDigests {
  /** Digest by reference. */
  readonly digests: ReadonlyMap<string, string>
  /** Why a reference could not be resolved, by reference. */
  readonly unresolved: ReadonlyMap<string, string>
}

/** Asks the engine, which knows its mirrors and logins, what each reference stands for. No layer is pulled. */
async function resolveBases(references: Iterable<string>): Promise<BaseDigests> {
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
