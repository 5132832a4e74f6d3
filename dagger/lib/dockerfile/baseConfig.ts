import type { Part, Source } from "./draft.js"
import { quoteWord } from "./words.js"

/** What an image of a registry hands down by its configuration, as far as builds read it. */
export interface BaseConfig {
  /** `NAME=value`, in order. */
  readonly env: readonly string[]
  readonly user: string
  readonly workdir: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** `8888/tcp` */
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly stopSignal: string
  readonly labels: ReadonlyMap<string, string>
  readonly shell: readonly string[]
  /** Instructions that act in what is built on it. */
  readonly onbuild: readonly string[]
  readonly healthcheck?: Healthcheck
}

/** Times are nanoseconds, as in a configuration; 0 and absent are the builder's own. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", ...]` or `["CMD-SHELL", command]` */
  readonly test: readonly string[]
  readonly interval?: number
  readonly timeout?: number
  readonly startPeriod?: number
  readonly startInterval?: number
  readonly retries?: number
}

/** Variables of a configuration. */
export function environmentOf({ env }: BaseConfig): readonly (readonly [string, string])[] {
  return env.map((variable) => {
    const equals = variable.indexOf("=")
    return [variable.slice(0, equals), variable.slice(equals + 1)]
  })
}

/**
 * The lines that make a stage FROM scratch what a base is, without its triggers: the builder runs those of a base by
 * itself, on the whole source as their context, with the linked names of stages, and without the image's arguments.
 * There is no other way to tell it not to. The price: the files become a layer of their own.
 */
export function copyOfBase(
  base: Extract<Source, { kind: "external" }>,
  config: BaseConfig,
): readonly (readonly Part[])[] {
  const { user, workdir, entrypoint, command, ports, volumes, stopSignal, labels, shell } = config
  const lines = [
    ...environmentOf(config).map(([name, value]) => `ENV ${name}=${quoteWord(value)}`),
    ...[...labels].map(([name, value]) => `LABEL ${quoteWord(name)}=${quoteWord(value)}`),
    ...ports.map((port) => `EXPOSE ${port}`),
    ...(volumes.length === 0 ? [] : [`VOLUME ${JSON.stringify(volumes)}`]),
    ...(stopSignal === "" ? [] : [`STOPSIGNAL ${stopSignal}`]),
    ...(shell.length === 0 ? [] : [`SHELL ${JSON.stringify(shell)}`]),
    ...(config.healthcheck === undefined ? [] : [healthcheckLine(config.healthcheck)]),
    ...(workdir === "" ? [] : [`WORKDIR ${quoteWord(workdir)}`]),
    ...(entrypoint.length === 0 ? [] : [`ENTRYPOINT ${JSON.stringify(entrypoint)}`]),
    ...(command.length === 0 ? [] : [`CMD ${JSON.stringify(command)}`]),
    ...(user === "" ? [] : [`USER ${quoteWord(user)}`]),
  ]
  return [["COPY --from=", base, " / /"], ...lines.map((line) => [line])]
}

/** A HEALTHCHECK that sets this configuration. */
export function healthcheckLine(healthcheck: Healthcheck): string {
  const { test, interval, timeout, startPeriod, startInterval, retries } = healthcheck
  const [kind, ...words] = test
  if (kind === "NONE") return "HEALTHCHECK NONE"
  const time = (name: string, nanoseconds = 0) => (nanoseconds === 0 ? [] : [`--${name}=${nanoseconds}ns`])
  const options = [
    ...time("interval", interval),
    ...time("timeout", timeout),
    ...time("start-period", startPeriod),
    ...time("start-interval", startInterval),
    ...(retries === undefined || retries === 0 ? [] : [`--retries=${retries}`]),
  ]
  const command = kind === "CMD-SHELL" ? words.join(" ") : JSON.stringify(words)
  return ["HEALTHCHECK", ...options, "CMD", command].join(" ")
}
