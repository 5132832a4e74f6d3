import { redactor } from "../gpu/redact.js"
import { Limiter } from "../tree/schedule.js"
import { registryEndpoint } from "./endpoint.js"
import type { RegistryEnvironment } from "./environment.js"
import { systemEnvironment } from "./environment.js"
import type { AccessScope, RegistryCredentials } from "./login.js"
import { RegistryLoginSession } from "./login.js"
import { RegistryError } from "./registryError.js"
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
}

const defaultTimeout = 30_000
const defaultParallel = 4

/** Sends requests to registries: login, limit, retry. */
export class RegistryTransport {
  private readonly doors = new Map<string, Door>()

  constructor(private readonly options: RegistryOptions) {}

  /**
   * Sends a request until it is answered with a success, or with something that another try cannot change.
   * @throws RegistryError
   */
  async request(request: ApiRequest): Promise<WireAnswer> {
    const door = this.door(request.registry)
    const { environment, retry } = door
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await door.pass(request)
      } catch (error) {
        const wait = delayBefore(error, attempt, retry, environment.random())
        if (wait === undefined || !(error instanceof RegistryError)) throw error
        door.tellRetry(request, error, attempt, wait)
        await environment.sleep(wait)
      }
    }
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
  readonly environment: RegistryEnvironment
  readonly retry: RetryPolicy
  private readonly endpoint: URL
  private readonly settings: WireSettings
  private readonly session: RegistryLoginSession
  private readonly limiter: Limiter
  private readonly firstLimiter = new Limiter(1)
  private isKnown = false

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

  /** One try. The first to a registry goes alone: all others profit from what it learns about the login. */
  async pass(request: ApiRequest): Promise<WireAnswer> {
    if (!this.isKnown) {
      const first = await this.firstLimiter.run(async () =>
        this.isKnown ? undefined : this.attempt(request),
      )
      if (first !== undefined) return first
    }
    return this.limiter.run(() => this.attempt(request))
  }

  tellRetry(request: ApiRequest, error: RegistryError, attempt: number, waitMilliseconds: number): void {
    const { method } = request
    const url = `${this.endpoint.origin}${request.path.replace(/\?.*/, "")}`
    const { tries } = this.retry
    const reason = error.message.replace(`${method} ${url}: `, "")
    this.settings.observe({ kind: "retry", method, url, attempt, tries, waitMilliseconds, reason })
  }

  private async attempt(request: ApiRequest): Promise<WireAnswer> {
    const answer = await this.authorized(request)
    this.isKnown = true
    const retried = answer.status === 401 && this.session.learn(answer, request.scopes)
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
