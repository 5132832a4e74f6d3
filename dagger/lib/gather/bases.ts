import { dag, Platform } from "@dagger.io/dagger"
import type { LinkedStack, LinkRequest } from "../dockerfile/link.js"
import { externalBases, linkStack } from "../dockerfile/link.js"
import type { BaseConfigs } from "./baseConfigs.js"
import { parseReference } from "../reference/reference.js"
import { engineMessage } from "../engine/engineError.js"
import { inTime } from "../async/inTime.js"

/** Seconds after which a registry that does not answer is taken as unreachable. */
const answerSeconds = 60

/** Images linked with their external bases pinned to what these stand for now. */
export interface PinnedLink {
  /** What keys are made of, and what is built. */
  readonly linked: LinkedStack
  /** Why a base image could not be resolved, by reference; it stays unpinned. */
  readonly unresolvedBases: ReadonlyMap<string, string>
  /** Bases of which nobody knows what they hand down besides files and variables, by reference, and why. */
  readonly unknownConfigs: ReadonlyMap<string, string>
}

/** What is linked, for one platform. */
export type PlatformLink = LinkRequest & { readonly platform: string }

/** Links without digests: a text for people follows the tags that its Dockerfiles name. @throws InputError */
export async function linkUnpinned(request: PlatformLink, registry: BaseRegistry): Promise<LinkedStack> {
  const { digests } = await resolveBases(externalBases(request), request.platform)
  const { configs } = await registry.baseConfigs(digests, request.platform)
  return linkStack({ ...request, baseConfigs: configs })
}

/** Who knows what bases hand down. */
export interface BaseRegistry {
  baseConfigs(digests: ReadonlyMap<string, string>, platform: string): Promise<BaseConfigs>
}

/**
 * Links to see which bases there are, asks for their digests and configurations, and links with them.
 * @param settled digests by reference; where given, no registry is asked, and a base without one stays unpinned
 * @throws InputError for mistakes in the Dockerfiles
 */
export async function linkPinned(
  unpinned: PlatformLink,
  registry: BaseRegistry,
  settled?: ReadonlyMap<string, string>,
): Promise<PinnedLink> {
  const { digests, unresolved } =
    settled === undefined
      ? await resolveBases(externalBases(unpinned), unpinned.platform)
      : { digests: settled, unresolved: new Map<string, string>() }
  const { configs, unknown } = await registry.baseConfigs(digests, unpinned.platform)
  const linked = linkStack({ ...unpinned, bases: digests, baseConfigs: configs })
  return { linked, unresolvedBases: unresolved, unknownConfigs: unknown }
}

/** What external base images stand for now. */
interface BaseDigests {
  /** Digest by reference. */
  readonly digests: ReadonlyMap<string, string>
  /** Why a reference could not be resolved, by reference. */
  readonly unresolved: ReadonlyMap<string, string>
}

/** Asks the engine, which knows its mirrors and logins, what each reference stands for. No layer is pulled. */
async function resolveBases(references: readonly string[], platform: string): Promise<BaseDigests> {
  const digests = new Map<string, string>()
  const unresolved = new Map<string, string>()
  await Promise.all(
    references.map(async (reference) => {
      try {
        const base = dag.container({ platform: platform as Platform }).from(reference)
        const resolved = await inTime(answerSeconds, base.imageRef())
        const { digest } = parseReference(resolved)
        if (digest !== undefined) digests.set(reference, digest)
      } catch (error) {
        unresolved.set(reference, engineMessage(error))
      }
    }),
  )
  return { digests, unresolved }
}
