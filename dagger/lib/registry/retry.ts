import type { RegistryFailure } from "./registryError.js"
import { RegistryError } from "./registryError.js"

/** When a failed request is tried again; times in milliseconds. */
export interface RetryPolicy {
  /** Tries in all. */
  readonly tries: number
  /** Before the second try; doubles with each further one. */
  readonly firstDelay: number
  readonly longestDelay: number
  /** The registry may ask for more patience than this; then the request fails at once and says so. */
  readonly longestRetryAfter: number
}

/** Five tries, waiting 0.1 s before the second and twice as long before each further one. */
export const defaultRetryPolicy: RetryPolicy = {
  tries: 5,
  firstDelay: 100,
  longestDelay: 30_000,
  longestRetryAfter: 120_000,
}

const temporary = new Set<RegistryFailure>(["rate-limited", "server", "timeout", "network"])
/**
 * What seldom is temporary, and should be told soon where it is not: GHCR refuses a rightful request now and then, and a
 * laptop without a network knows no names.
 */
const seldomTemporary = new Set<RegistryFailure>(["denied", "unknown-host"])
const fewTries = 2

/**
 * How long to wait before the next try; undefined when there should be none.
 * @param failed tries so far, at least 1
 * @param random in [0, 1): clients that failed together should not come back together
 */
export function delayBefore(
  error: unknown,
  failed: number,
  policy: RetryPolicy,
  random: number,
): number | undefined {
  if (!(error instanceof RegistryError)) return undefined
  if (failed >= mostTries(error.kind, policy)) return undefined
  const asked = error.retryAfter ?? 0
  if (asked > policy.longestRetryAfter) return undefined
  const doubled = Math.min(policy.firstDelay * 2 ** (failed - 1), policy.longestDelay)
  return Math.max(asked, Math.round(doubled * (0.5 + random / 2)))
}

function mostTries(kind: RegistryFailure, { tries }: RetryPolicy): number {
  if (temporary.has(kind)) return tries
  return seldomTemporary.has(kind) ? Math.min(tries, fewTries) : 1
}

const unitMilliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Seconds: as a pause these are thirty years, as seconds since 1970 the year 2001. */
const earliestDate = 1e9

/**
 * Milliseconds of a Retry-After header: seconds or a date (RFC 9110), or a duration as Go prints it (`12.5ms`,
 * `1m30s`), which GHCR sends, or
 * seconds since 1970, which Docker Hub sends. Undefined where it is none of them.
 * @param now milliseconds since 1970
 */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? ""
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const seconds = Number(text)
    return Math.ceil(seconds < earliestDate ? seconds * 1000 : Math.max(0, seconds * 1000 - now))
  }
  if (/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([a-zµ]+)/g)]
    return Math.ceil(
      parts.reduce((sum, [, value, unit = ""]) => sum + Number(value) * (unitMilliseconds[unit] ?? 0), 0),
    )
  }
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
