import type { BaseConfig } from "../dockerfile/baseConfig.js"
import { parseReference } from "../reference/reference.js"
import type { RegistryOptions } from "../registry/transport.js"
import { RegistryClient } from "../registry/client.js"
import { imageConfig } from "../registry/imageConfig.js"
import { RegistryError } from "../registry/registryError.js"
import { defaultRetryPolicy } from "../registry/retry.js"

/** A registry that only the engine can reach, by a mirror, costs no run more than this. */
const answerMilliseconds = 5_000

/** What external bases hand down. */
export interface BaseConfigs {
  /** By reference, as asked for. */
  readonly configs: ReadonlyMap<string, BaseConfig>
  /** Why nothing is known of a base, by reference. */
  readonly unknown: ReadonlyMap<string, string>
}

/**
 * Asks registries for the configurations of bases, each once and without patience: the engine, which has mirrors and
 * patience, does not tell SHELL, ONBUILD and HEALTHCHECK.
 * @param digests by reference (`docker.io/library/debian:13`)
 */
export async function askBaseConfigs(
  digests: ReadonlyMap<string, string>,
  credentials: NonNullable<RegistryOptions["credentials"]>,
  platform: string,
): Promise<BaseConfigs> {
  const client = new RegistryClient({
    credentials,
    retry: { ...defaultRetryPolicy, tries: 1 },
    timeoutMilliseconds: answerMilliseconds,
  })
  const configs = new Map<string, BaseConfig>()
  const unknown = new Map<string, string>()
  await Promise.all(
    [...digests].map(async ([reference, digest]) => {
      try {
        const config = await imageConfig(client, { ...parseReference(reference), digest }, platform)
        if (config === undefined) unknown.set(reference, "its registry has it no more")
        else configs.set(reference, config)
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error
        unknown.set(reference, error.reason)
      }
    }),
  )
  return { configs, unknown }
}
