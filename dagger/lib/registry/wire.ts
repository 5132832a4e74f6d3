import type { Redact } from "../text/redact.js"
import type { RegistryEnvironment } from "./environment.js"
import { codesOf, failureOfStatus, RegistryError, safeUrl } from "./registryError.js"
import type { RegistryErrorFacts } from "./registryError.js"
import { parseRetryAfter } from "./retry.js"
import type { RegistryEvent } from "./traffic.js"

/** One request as it goes over the wire. */
export interface WireRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE"
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Value of the Authorization header; never sent to another host than that of `url`. */
  readonly authorization?: string | undefined
  readonly body?: Uint8Array | undefined
}

/** The answer, read to its end. */
export interface WireAnswer {
  readonly request: WireRequest
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

/** Limits of every request, and who is told. */
export interface WireSettings {
  readonly environment: RegistryEnvironment
  /** For one try, its answer's body included. */
  readonly timeoutMilliseconds: number
  readonly observe: (event: RegistryEvent) => void
  readonly redact: Redact
}

/** Manifests and configurations are small; more than this is not read into memory. */
const largestBody = 8 * 1024 * 1024
const mostRedirects = 5

/**
 * Sends a request and reads the answer, whatever its status. Redirects of GET and HEAD are followed, to another
 * origin without credentials.
 * @throws RegistryError timeout, network, unknown-host, protocol
 */
export async function send(request: WireRequest, settings: WireSettings): Promise<WireAnswer> {
  let current = request
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const answer = await exchange(current, settings)
    const location = answer.headers.get("location")
    if (!isRedirect(answer.status) || location === null) return answer
    current = redirected(current, location)
  }
  throw errorOf(request, { kind: "protocol", message: `more than ${mostRedirects} redirects` })
}

/** The error of an answer whose status is no success. */
export function failureOf(answer: WireAnswer, settings: WireSettings): RegistryError {
  const { request, status, headers, body } = answer
  const codes = codesOf(body).map(({ code, message }) => ({ code, message: settings.redact(message) }))
  const words = codes.map(({ code, message }) => (message === "" ? code : `${code}, ${message}`))
  const retryAfter = parseRetryAfter(headers.get("retry-after"), settings.environment.now())
  const wait = retryAfter === undefined ? "" : `, to be tried again in ${Math.ceil(retryAfter / 1000)} s`
  const reason = words.length === 0 ? "" : ` (${words.join("; ")})`
  return errorOf(request, {
    kind: failureOfStatus(status),
    status,
    codes,
    message: `${status} ${nameOfStatus(status)}${reason}${wait}`,
    retryAfter,
  })
}

/** An error about a request. */
export function errorOf(
  { method, url }: WireRequest,
  facts: Omit<RegistryErrorFacts, "method" | "url">,
): RegistryError {
  return new RegistryError({ method, url: safeUrl(url), ...facts })
}

async function exchange(request: WireRequest, settings: WireSettings): Promise<WireAnswer> {
  const { environment, observe } = settings
  const { method, url } = request
  const started = environment.now()
  const tell = (outcome: { status?: number; received: number }) => {
    const milliseconds = environment.now() - started
    const sent = request.body?.length ?? 0
    observe({ kind: "request", method, url: safeUrl(url), milliseconds, sent, ...outcome })
  }
  try {
    const response = await environment.fetch(url, {
      method,
      headers: headersOf(request),
      redirect: "manual",
      signal: AbortSignal.timeout(settings.timeoutMilliseconds),
      ...(request.body !== undefined && { body: request.body }),
    })
    const body = await readBody(response, request)
    tell({ status: response.status, received: body.length })
    return { request, status: response.status, headers: response.headers, body }
  } catch (error) {
    tell({ received: 0 })
    throw error instanceof RegistryError ? error : lost(request, error, settings)
  }
}

/** `identity`: what is compared with a digest should come as it is stored. */
function headersOf({ headers, authorization }: WireRequest): Record<string, string> {
  const credentials = authorization === undefined ? {} : { authorization }
  return { "accept-encoding": "identity", ...headers, ...credentials }
}

async function readBody(response: Response, request: WireRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  const stream: AsyncIterable<Uint8Array> | null = response.body
  for await (const bytes of stream ?? []) {
    size += bytes.length
    if (size > largestBody) {
      const message = `the answer is longer than ${largestBody} bytes`
      throw errorOf(request, { kind: "protocol", status: response.status, message })
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function lost(request: WireRequest, error: unknown, settings: WireSettings): RegistryError {
  if (error instanceof Error && error.name === "TimeoutError") {
    const seconds = settings.timeoutMilliseconds / 1000
    return errorOf(request, { kind: "timeout", message: `no whole answer within ${seconds} s` })
  }
  // Node's fetch says "fetch failed" or "terminated"; the reason is in its cause.
  const errors = [error, error instanceof Error ? error.cause : undefined].filter(
    (each) => each instanceof Error,
  )
  const messages = errors.map((each) =>
    each.message === "" && "code" in each ? String(each.code) : each.message,
  )
  // EAI_AGAIN is for a name server that could not be asked.
  const isUnknown = errors.some((each) => "code" in each && each.code === "ENOTFOUND")
  const kind = isUnknown ? "unknown-host" : "network"
  return errorOf(request, { kind, message: settings.redact(messages.join(": ")) })
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

function redirected(request: WireRequest, location: string): WireRequest {
  const { method, url: from, authorization, headers } = request
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (to === undefined || !["http:", "https:"].includes(to.protocol)) {
    throw errorOf(request, { kind: "protocol", message: "a redirect to something that is no web address" })
  }
  if (method !== "GET" && method !== "HEAD") {
    throw errorOf(request, {
      kind: "protocol",
      message: `a redirect of a ${method} to ${to.host} is not followed`,
    })
  }
  if (from.protocol === "https:" && to.protocol !== "https:") {
    throw errorOf(request, { kind: "protocol", message: `a redirect from https to plain http on ${to.host}` })
  }
  return { method, url: to, headers, authorization: to.origin === from.origin ? authorization : undefined }
}

const statusNames: Readonly<Record<number, string>> = {
  400: "bad request",
  401: "unauthorized",
  403: "denied",
  404: "not found",
  405: "not allowed",
  408: "request timeout",
  413: "too large",
  429: "too many requests",
  500: "internal error",
  501: "not implemented",
  502: "bad gateway",
  503: "unavailable",
  504: "gateway timeout",
}

function nameOfStatus(status: number): string {
  return statusNames[status] ?? "unexpected status"
}
