/** What kind of failure it was; decides whether another try can help, and what a person can do. */
export type RegistryFailure =
  /** 401, after the login was tried: missing, wrong, or not allowed to do this. */
  | "unauthorized"
  /** 403. */
  | "denied"
  /** 404. */
  | "not-found"
  /** 429. */
  | "rate-limited"
  /** 5xx but for 501, or 408. */
  | "server"
  /** No whole answer within the time limit. */
  | "timeout"
  /** No connection, or it broke. */
  | "network"
  /** No name server knows the registry's name. */
  | "unknown-host"
  /** The content is not what its digest says. */
  | "bad-digest"
  /** Any other refusal: 400, 405, 413, 501... */
  | "refused"
  /** An answer that the distribution specification does not allow, or that is not safe to follow. */
  | "protocol"

/** One error of the registry's answer, as the distribution specification ("Error Codes") defines it. */
export interface RegistryCode {
  /** `MANIFEST_UNKNOWN` */
  readonly code: string
  readonly message: string
}

/** What is known of a failed request; texts come without secrets. */
export interface RegistryErrorFacts {
  readonly kind: RegistryFailure
  /** What went wrong, for people. */
  readonly message: string
  readonly method?: string
  /** Without user, password and query. */
  readonly url?: string
  readonly status?: number
  readonly codes?: readonly RegistryCode[]
  /** How long the registry asks to wait, in milliseconds. */
  readonly retryAfter?: number | undefined
}

/** A request to a registry that failed. */
export class RegistryError extends Error {
  override readonly name = "RegistryError"
  readonly kind: RegistryFailure
  /** What went wrong, without the request: which tag was asked for first is nothing that a person needs. */
  readonly reason: string
  readonly method: string | undefined
  readonly url: string | undefined
  readonly status: number | undefined
  readonly codes: readonly RegistryCode[]
  readonly retryAfter: number | undefined

  constructor(facts: RegistryErrorFacts) {
    const { kind, message, method, url, status, codes = [], retryAfter } = facts
    super(method === undefined || url === undefined ? message : `${method} ${url}: ${message}`)
    this.kind = kind
    this.reason = message
    this.method = method
    this.url = url
    this.status = status
    this.codes = codes
    this.retryAfter = retryAfter
  }
}

/** The kind of a status that is no success. */
export function failureOfStatus(status: number): RegistryFailure {
  if (status === 401) return "unauthorized"
  if (status === 403) return "denied"
  if (status === 404) return "not-found"
  if (status === 429) return "rate-limited"
  // 501 is for good: the method is not known.
  if (status === 408 || (status >= 500 && status !== 501)) return "server"
  return status >= 400 ? "refused" : "protocol"
}

/** An address without what may be secret in it: user, password and query, where signed addresses keep their key. */
export function safeUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/** The errors in an answer's body; none where the body is something else, such as a proxy's page. */
export function codesOf(body: Uint8Array): readonly RegistryCode[] {
  const document = parseJson(body)
  if (!isRecord(document) || !Array.isArray(document.errors)) return []
  return document.errors.filter(isRecord).map(({ code, message }) => ({
    code: typeof code === "string" ? code : "UNKNOWN",
    message: typeof message === "string" ? message : "",
  }))
}

/** JSON, or undefined where it is none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
}

/** Whether JSON is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
