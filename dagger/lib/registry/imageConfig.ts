import * as z from "zod"
import type { BaseConfig } from "../dockerfile/baseConfig.js"
import type { ImageReference } from "../reference/reference.js"
import type { ImageStore } from "./imageFacts.js"
import { configDocumentOf } from "./imageFacts.js"
import { mapOf, shaped } from "./manifest.js"

const words = z.array(z.string()).nullish()
const time = z.number().optional()

/**
 * The part of an image's configuration that builds read: the OCI image specification ("Image Configuration"), and what
 * docker adds to it (`dockerspec.DockerOCIImageConfig` of moby's docker-image-spec).
 */
const configuration = z.object({
  config: z
    .object({
      Env: words,
      User: z.string().nullish(),
      WorkingDir: z.string().nullish(),
      Entrypoint: words,
      Cmd: words,
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      StopSignal: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      Shell: words,
      OnBuild: words,
      Healthcheck: z
        .object({
          Test: words,
          Interval: time,
          Timeout: time,
          StartPeriod: time,
          StartInterval: time,
          Retries: time,
        })
        .nullish(),
    })
    .nullish(),
})

/**
 * What an image hands down to those built on it: two requests, three where there is an index.
 * @returns undefined where the reference names nothing
 * @throws RegistryError
 */
export async function imageConfig(
  store: ImageStore,
  reference: ImageReference,
  platform: string,
): Promise<BaseConfig | undefined> {
  const found = await configDocumentOf(store, reference, platform)
  if (found === undefined) return undefined
  const { config } = shaped(configuration, found.document, found.digest)
  const test = config?.Healthcheck?.Test ?? []
  return {
    env: config?.Env ?? [],
    user: config?.User ?? "",
    workdir: config?.WorkingDir ?? "",
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    ports: Object.keys(config?.ExposedPorts ?? {}).toSorted(),
    volumes: Object.keys(config?.Volumes ?? {}).toSorted(),
    stopSignal: config?.StopSignal ?? "",
    labels: mapOf(config?.Labels),
    shell: config?.Shell ?? [],
    onbuild: config?.OnBuild ?? [],
    ...(test.length > 0 && { healthcheck: healthcheckOf(test, config?.Healthcheck) }),
  }
}

type Written = NonNullable<NonNullable<z.infer<typeof configuration>["config"]>["Healthcheck"]>

function healthcheckOf(
  test: readonly string[],
  written: Written | null | undefined,
): NonNullable<BaseConfig["healthcheck"]> {
  const { Interval, Timeout, StartPeriod, StartInterval, Retries } = written ?? {}
  return {
    test,
    ...(Interval !== undefined && { interval: Interval }),
    ...(Timeout !== undefined && { timeout: Timeout }),
    ...(StartPeriod !== undefined && { startPeriod: StartPeriod }),
    ...(StartInterval !== undefined && { startInterval: StartInterval }),
    ...(Retries !== undefined && { retries: Retries }),
  }
}
