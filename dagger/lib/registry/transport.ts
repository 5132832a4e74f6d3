import { redactor } from "../text/redact.js"
import { Limiter } from "../async/limiter.js"
import { registryEndpoint } from "./endpoint.js"
import type { RegistryEnvironment } from "./environment.js"
import { systemEnvironment } from "./environment.js"
import type { AccessScope, RegistryCredentials } from "./login.js"
import { RegistryLoginSession } from "./login.js"
import type { RegistryFailure } from "./registryError.js"
import { RegistryError, safeUrl } from "./registryError.js"
import type { RetryPolicy } from "./retry.js"
import { defaultRetryPolicy, delayBefore } from "./retry.js"
import type { RegistryEvent } from "./traffic.js"
import { failureOf, send } from "./wire.js"
import type { WireAnswer, WireRequest, WireSettings } from "./wire.js"

/** How registries are reached; everything has a default. */
export interface RegistryOptions {
  /** The login for a registry, as references name it; none where undefined. */
  readonly credentials?: (registry: string) => RegistryCredentials | undefined
  /** Where a registry's API is; `registryEndpoint` where not given. */
  readonly endpoint?: (registry: string) => URL
  readonly environment?: RegistryEnvironment
  readonly retry?: RetryPolicy
  /** Milliseconds for one try, the answer's body included. */
  readonly timeoutMilliseconds?: number
  /** Requests at once to one registry. */
  readonly parallel?: number
  /** Hears of every request and every retry. */
  readonly observe?: (event: RegistryEvent) => void
}

/** A request to a registry's API. */
export interface ApiRequest {
  readonly method: WireRequest["method"]
  /** As references name it. */
  readonly registry: string
  /** From `/v2/` on, with its query. */
  readonly path: string
  readonly scopes: readonly AccessScope[]
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Tries in all, where fewer are wanted than the policy has. */
  readonly tries?: number | undefined
}

const defaultTimeout = 30_000
const defaultParallel = 4
/** How long a registry that gave no answer counts as unreachable. */
const closedMilliseconds = 60_000
/** Failures without any answer. */
const unanswered = new Set<RegistryFailure>(["timeout", "network", "unknown-host"])
/** How long one request waits between its tries in all, however often a registry asks it to: one long wait, or some short. */
const longestWaitInAll = 150_000

/** Sends requests to registries: login, limit, retry. */
export class RegistryTransport {
  private readonly doors = new Map<string, Door>()

  constructor(private readonly options: RegistryOptions) {}

  /**
   * Sends a request until it is answered with a success, or with something that another try cannot change.
   * @throws RegistryError
   */
  request(request: ApiRequest): Promise<WireAnswer> {
    return this.door(request.registry).request(request)
  }

  /** Names repositories of one registry that are going to be asked about: one login does for all of them. */
  expect(registry: string, repositories: readonly string[]): void {
    this.door(registry).expect(repositories)
  }

  private door(registry: string): Door {
    const known = this.doors.get(registry)
    if (known !== undefined) return known
    const door = new Door(registry, this.options)
    this.doors.set(registry, door)
    return door
  }
}

/** The way to one registry. */
class Door {
  private readonly environment: RegistryEnvironment
  private readonly retry: RetryPolicy
  private readonly endpoint: URL
  private readonly settings: WireSettings
  private readonly session: RegistryLoginSession
  private readonly limiter: Limiter
  private readonly firstLimiter = new Limiter(1)
  /** Whether the registry has ever answered. */
  private isKnown = false
  private closed: { readonly error: RegistryError; readonly until: number } | undefined
  /** Whether a request waited through all its tries in vain, and no other has been answered since. */
  private isSilent = false

  constructor(registry: string, options: RegistryOptions) {
    const credentials = options.credentials?.(registry)
    this.environment = options.environment ?? systemEnvironment()
    this.retry = options.retry ?? defaultRetryPolicy
    this.endpoint = (options.endpoint ?? registryEndpoint)(registry)
    this.settings = {
      environment: this.environment,
      timeoutMilliseconds: options.timeoutMilliseconds ?? defaultTimeout,
      observe: options.observe ?? (() => undefined),
      redact: redactor(credentials === undefined ? [] : secretsOf(credentials)),
    }
    this.session = new RegistryLoginSession(this.endpoint, credentials, this.settings)
    this.limiter = new Limiter(options.parallel ?? defaultParallel)
  }

  expect(repositories: readonly string[]): void {
    this.session.expect(repositories)
  }

  /**
   * The first request to a registry goes alone: all others profit from what it learns about the login. Where it gets
   * no answer at all, they do not each wait through all tries again.
   */
  async request(request: ApiRequest): Promise<WireAnswer> {
    if (!this.isKnown) {
      const first = await this.firstLimiter.run(() => this.introduce(request))
      if (first !== undefined) return first
    }
    return this.tries(request)
  }

  private async introduce(request: ApiRequest): Promise<WireAnswer | undefined> {
    if (this.isKnown) return undefined
    if (this.closed !== undefined && this.environment.now() < this.closed.until) {
      const { kind, reason } = this.closed.error
      // In the words of this request: a person would look for the other one in vain.
      throw new RegistryError({ kind, message: reason, method: request.method, url: this.urlOf(request) })
    }
    try {
      return await this.tries(request)
    } catch (error) {
      this.noteSilence(error)
      throw error
    }
  }

  private noteSilence(error: unknown): void {
    if (this.isKnown || !(error instanceof RegistryError) || !unanswered.has(error.kind)) return
    this.closed = { error, until: this.environment.now() + closedMilliseconds }
  }

  private async tries(request: ApiRequest): Promise<WireAnswer> {
    let waited = 0
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.limiter.run(() => this.attempt(request))
      } catch (error) {
        const wait = this.delayAfter(error, attempt, request.tries)
        if (wait === undefined || !(error instanceof RegistryError)) throw error
        waited += wait
        if (waited > longestWaitInAll) throw error
        this.tellRetry(request, error, attempt, wait)
        await this.environment.sleep(wait)
      }
    }
  }

  /** Once one request has waited for a silent registry through all its tries, each other one asks only once. */
  private delayAfter(error: unknown, attempt: number, tries = this.retry.tries): number | undefined {
    const isTimeout = error instanceof RegistryError && error.kind === "timeout"
    if (isTimeout && this.isSilent) return undefined
    const delay = delayBefore(error, attempt, { ...this.retry, tries }, this.environment.random())
    if (isTimeout && delay === undefined) this.isSilent = true
    return delay
  }

  private tellRetry(
    request: ApiRequest,
    error: RegistryError,
    attempt: number,
    waitMilliseconds: number,
  ): void {
    const { method } = request
    const url = this.urlOf(request)
    const { tries } = this.retry
    // What a redirect has led to is not what was asked.
    const reason = error.url === url ? error.reason : error.message
    this.settings.observe({ kind: "retry", method, url, attempt, tries, waitMilliseconds, reason })
  }

  private urlOf({ path }: ApiRequest): string {
    return safeUrl(new URL(path, this.endpoint))
  }

  private async attempt(request: ApiRequest): Promise<WireAnswer> {
    const answer = await this.authorized(request)
    this.isKnown = true
    this.isSilent = false
    const refused = answer.status === 401 || answer.status === 403
    const retried = refused && this.session.learn(answer, request.scopes)
    const last = retried ? await this.authorized(request) : answer
    if (last.status >= 200 && last.status < 300) return last
    throw failureOf(last, this.settings)
  }

  private async authorized(request: ApiRequest): Promise<WireAnswer> {
    const { method, path, headers = {}, body, scopes } = request
    const authorization = await this.session.authorization(scopes)
    const url = new URL(path, this.endpoint)
    return send({ method, url, headers, authorization, body }, this.settings)
  }
}

function secretsOf({ username, password }: RegistryCredentials): string[] {
  return [password, `${username}:${password}`]
}
