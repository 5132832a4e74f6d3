import { isRecord, parseJson, RegistryError } from "./registryError.js"
import { parseChallenge } from "./challenge.js"
import type { Challenge } from "./challenge.js"
import { errorOf, failureOf, send } from "./wire.js"
import type { WireAnswer, WireRequest, WireSettings } from "./wire.js"

/** User and password, or token, of a registry. */
export interface RegistryCredentials {
  readonly username: string
  readonly password: string
}

/** A repository that a request touches. */
export interface AccessScope {
  /** Path without host. */
  readonly repository: string
  readonly write: boolean
  /** Whether something of it is deleted: an action of its own ("Token Scope Documentation" of distribution). */
  readonly remove?: boolean
}

/** A token that its registry gave. */
interface Token {
  readonly value: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** What a token lives for where its server does not say so ("Token Authentication Specification"). */
const defaultTokenSeconds = 60
/** Tokens are not used in their last moments: the request takes time, too. */
const tokenMarginMilliseconds = 5000

/** Scopes are part of an address, which must not get too long. */
const mostScopes = 20

/** The login to one registry: remembers how it asks, and the tokens it gave. */
export class RegistryLoginSession {
  private challenge: Challenge | undefined
  private readonly tokens = new Map<string, Promise<Token>>()
  /** Repositories for which the login may not have a token that allows writing. */
  private readonly readOnly = new Set<string>()
  /** Repositories for which one token is asked for together, by each of them. */
  private readonly groups = new Map<string, readonly string[]>()
  /** Tokens that were asked for for a group. */
  private readonly shared = new Set<string>()

  constructor(
    private readonly endpoint: URL,
    private readonly credentials: RegistryCredentials | undefined,
    private readonly settings: WireSettings,
  ) {
    // A local registry asks with Basic or not at all: the first refusal is spared.
    if (credentials !== undefined && endpoint.protocol === "http:") this.challenge = { kind: "basic" }
  }

  /** Names repositories that are going to be asked about: one token does for all of them. */
  expect(repositories: readonly string[]): void {
    const fresh = [...new Set(repositories)].filter((repository) => !this.groups.has(repository))
    for (let start = 0; start < fresh.length; start += mostScopes) {
      const group = fresh.slice(start, start + mostScopes)
      if (group.length > 1) for (const repository of group) this.groups.set(repository, group)
    }
  }

  /** The Authorization header for a request, as far as the registry has said what it wants. */
  async authorization(scopes: readonly AccessScope[]): Promise<string | undefined> {
    if (this.challenge === undefined) return undefined
    if (this.challenge.kind === "basic") return this.basic()
    return `Bearer ${(await this.token(this.challenge, scopes)).value}`
  }

  /**
   * Learns from a 401 how the registry wants to be asked, and from a 403 that a token for a group is not good enough.
   * @returns whether another try makes sense
   */
  learn({ request, headers, status }: WireAnswer, scopes: readonly AccessScope[]): boolean {
    // Where a redirect led, somebody else asks: the login is none of their business.
    if (request.url.origin !== this.endpoint.origin) return false
    const wasShared = this.shared.has(request.authorization?.replace(/^Bearer /, "") ?? "")
    if (wasShared) this.groups.clear()
    if (status === 403) return wasShared
    const challenge = parseChallenge(headers.get("www-authenticate"))
    this.tokens.delete(scopeTexts(this.asked(scopes)).join(" "))
    if (challenge === undefined) return false
    // Harbor asks for a password when a token is not good any more. Without a login, a new token is all there is.
    if (challenge.kind === "basic" && this.credentials === undefined && this.challenge?.kind === "bearer") {
      return request.authorization?.startsWith("Bearer ") === true
    }
    this.challenge = challenge
    return challenge.kind === "bearer" || (this.credentials !== undefined && !wasBasic(request))
  }

  private basic(): string | undefined {
    if (this.credentials === undefined) return undefined
    const { username, password } = this.credentials
    return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`
  }

  /**
   * With a login, pull and push are asked for at once, and for all repositories of a group, so that one token does for
   * a whole promotion.
   */
  private asked(scopes: readonly AccessScope[]): readonly AccessScope[] {
    const [first] = scopes
    const group = this.groups.get(first?.repository ?? "")
    const together =
      group !== undefined && scopes.every(({ repository }) => group.includes(repository))
        ? group.map(
            (repository) =>
              scopes.find((scope) => scope.repository === repository) ?? { repository, write: false },
          )
        : scopes
    return together.map((scope) => ({
      ...scope,
      write: scope.write || (this.credentials !== undefined && !this.readOnly.has(scope.repository)),
    }))
  }

  private async token(
    challenge: Challenge & { kind: "bearer" },
    scopes: readonly AccessScope[],
  ): Promise<Token> {
    const asked = this.asked(scopes)
    const isShared = asked.length > scopes.length
    try {
      const token = await this.cachedToken(challenge, asked)
      if (isShared) this.shared.add(token.value)
      return token
    } catch (error) {
      // GHCR refuses as a whole what it cannot grant in full: each repository asks for itself, and a login that may
      // only pull for that alone.
      const refused =
        error instanceof RegistryError && (error.kind === "denied" || error.kind === "unauthorized")
      if (refused && isShared) {
        this.groups.clear()
        return this.token(challenge, scopes)
      }
      const tooMuch = scopes.filter(({ write }, index) => !write && asked[index]?.write === true)
      if (!refused || tooMuch.length === 0) throw error
      for (const { repository } of tooMuch) this.readOnly.add(repository)
      return this.cachedToken(challenge, this.asked(scopes))
    }
  }

  /** Each request waits for the one before, so that only the first asks when a token has expired. */
  private cachedToken(
    challenge: Challenge & { kind: "bearer" },
    scopes: readonly AccessScope[],
  ): Promise<Token> {
    const key = scopeTexts(scopes).join(" ")
    const token = this.validToken(this.tokens.get(key), challenge, scopes)
    this.tokens.set(key, token)
    // A failure is not remembered: the next request asks anew.
    token.catch(() => {
      if (this.tokens.get(key) === token) this.tokens.delete(key)
    })
    return token
  }

  private async validToken(
    known: Promise<Token> | undefined,
    challenge: Challenge & { kind: "bearer" },
    scopes: readonly AccessScope[],
  ): Promise<Token> {
    const token = await known
    if (token !== undefined && token.expires > this.settings.environment.now()) return token
    return this.askToken(challenge, scopes)
  }

  private async askToken(
    challenge: Challenge & { kind: "bearer" },
    scopes: readonly AccessScope[],
  ): Promise<Token> {
    const request = this.tokenRequest(challenge, scopes)
    const asked = this.settings.environment.now()
    const answer = await send(request, this.settings)
    if (answer.status !== 200) throw this.loginFailure(answer)
    const document = parseJson(answer.body)
    const { token, access_token: accessToken, expires_in: lifetime } = isRecord(document) ? document : {}
    const value = [token, accessToken].find((each) => typeof each === "string" && each !== "")
    if (typeof value !== "string") {
      throw errorOf(request, { kind: "protocol", message: "the token server's answer holds no token" })
    }
    const seconds = typeof lifetime === "number" ? lifetime : defaultTokenSeconds
    return { value, expires: asked + seconds * 1000 - tokenMarginMilliseconds }
  }

  /** @throws RegistryError protocol, where the credentials would leave over an open line */
  private tokenRequest(
    { realm, service }: Challenge & { kind: "bearer" },
    scopes: readonly AccessScope[],
  ): WireRequest {
    const url = URL.canParse(realm) ? new URL(realm) : undefined
    if (url === undefined || !this.mayHear(url)) {
      const shown = url?.origin ?? `"${realm}"`
      const message = `the registry ${this.endpoint.host} wants the login sent to ${shown}, which is neither https nor itself`
      throw new RegistryError({ kind: "protocol", message })
    }
    if (service !== undefined) url.searchParams.set("service", service)
    for (const scope of scopeTexts(scopes)) url.searchParams.append("scope", scope)
    return { method: "GET", url, headers: {}, authorization: this.basic() }
  }

  /** A local registry without TLS hears the login anyway; other servers only behind TLS. */
  private mayHear(realm: URL): boolean {
    return realm.protocol === "https:" || realm.origin === this.endpoint.origin
  }

  private loginFailure(answer: WireAnswer): RegistryError {
    const failure = failureOf(answer, this.settings)
    if (failure.kind !== "unauthorized" && failure.kind !== "denied") return failure
    const who =
      this.credentials === undefined ? "a request without login" : `the login of ${this.credentials.username}`
    const { kind, status, codes, message } = failure
    return new RegistryError({
      kind,
      codes,
      ...(status !== undefined && { status }),
      message: `the token server refuses ${who} (${message})`,
    })
  }
}

function scopeTexts(scopes: readonly AccessScope[]): readonly string[] {
  return scopes.map(({ repository, write, remove = false }) => {
    const actions = ["pull", ...(write ? ["push"] : []), ...(remove ? ["delete"] : [])]
    return `repository:${repository}:${actions.join(",")}`
  })
}

function wasBasic({ authorization }: WireRequest): boolean {
  return authorization?.startsWith("Basic ") === true
}
