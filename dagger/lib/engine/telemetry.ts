/**
 * What the engine tells of its work while it works: spans and what they print. It hands that out to every client, also to
 * a function of a module, as OpenTelemetry in JSON by server-sent events (`GET /v1/traces` and `/v1/logs` beside `/query`;
 * dagger's engine/server/telemetry.go).
 */

/** Seconds in which the engine begins its answer. */
const beginning = 5
/** Milliseconds without news that are a silence: the engine hands out what it has every 100. */
const silence = 500

/** A value of an attribute, as far as it is read here. */
export interface Value {
  readonly boolValue?: boolean
  readonly stringValue?: string
  /** 64 bits, which JSON's numbers do not hold. */
  readonly intValue?: string
}

/** A piece of work; told when it begins and again when it has ended. */
export interface Span {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly status?: { readonly code?: string; readonly message?: string }
  readonly attributes?: readonly Attribute[]
}

/** A piece of what a span printed. */
export interface LogRecord {
  readonly spanId?: string
  readonly body?: Value
  readonly attributes?: readonly Attribute[]
}

/** Something that is said of a span or a record. */
interface Attribute {
  readonly key: string
  readonly value: Value
}

/** Documents of OpenTelemetry's protocol, as far as they are read here. */
interface Telemetry {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly { readonly spans?: readonly Span[] }[]
  }[]
  readonly resourceLogs?: readonly {
    readonly scopeLogs?: readonly { readonly logRecords?: readonly LogRecord[] }[]
  }[]
}

/** What one event told. */
export interface TelemetryNews {
  /** What `telemetry` takes to go on behind this event. */
  readonly id: string
  readonly spans: readonly Span[]
  readonly records: readonly LogRecord[]
}

/** Where an engine answers, and with what: the session that the SDK itself uses. */
export interface EngineSession {
  readonly port: string
  readonly token: string
}

/** The session of this process, where it has one. */
export function ownSession(environment: NodeJS.ProcessEnv = process.env): EngineSession | undefined {
  const { DAGGER_SESSION_PORT: port, DAGGER_SESSION_TOKEN: token } = environment
  return port === undefined || token === undefined ? undefined : { port, token }
}

/**
 * What the engine has of one kind, as it comes; a moment without news is said, too: the stream has no end.
 * @param after id of the last event that is known already
 * @param patience seconds until the rest of the answer is given up
 * @throws Error where the engine cannot be asked or sends something else
 */
export async function* telemetry(
  { port, token }: EngineSession,
  kind: "traces" | "logs",
  after = "",
  patience = 5,
): AsyncGenerator<TelemetryNews | "silence", void, undefined> {
  const ending = new AbortController()
  // Not AbortSignal.timeout below AbortSignal.any: Node may collect it as garbage, and then it never comes.
  const abort = () => {
    ending.abort()
  }
  let timer = setTimeout(abort, beginning * 1000)
  const authorization = `Basic ${Buffer.from(`${token}:`).toString("base64")}`
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/${kind}`, {
      headers: { authorization, "x-last-event-id": after },
      signal: ending.signal,
    })
    if (!answer.ok || answer.body === null) return
    clearTimeout(timer)
    timer = setTimeout(abort, patience * 1000)
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    const limit = Date.now() + patience * 1000
    let text = ""
    let next = readOn(reader)
    while (Date.now() < limit) {
      const part = await withinSilence(next)
      if (part === undefined) {
        yield "silence"
        continue
      }
      if (part.value === undefined) return
      next = readOn(reader)
      text += part.value
      const events = text.split("\n\n")
      text = events.pop() ?? ""
      for (const event of events) yield* newsOf(event)
    }
  } finally {
    clearTimeout(timer)
    ending.abort()
  }
}

/** What one server-sent event tells; those without data only keep the connection alive. */
function* newsOf(event: string): Generator<TelemetryNews, void, undefined> {
  const field = (name: string) =>
    event
      .split("\n")
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1))
  const data = field("data").join("\n")
  if (data.trim() === "") return
  const { resourceSpans = [], resourceLogs = [] } = JSON.parse(data) as Telemetry
  const spans = resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans))
  const records = resourceLogs.flatMap(({ scopeLogs = [] }) =>
    scopeLogs.flatMap(({ logRecords = [] }) => logRecords),
  )
  yield { id: field("id").join("").trim(), spans: spans.map(withHexIds), records: records.map(withHexIds) }
}

/** Ids as the SDK has them: the engine writes their bytes in base64, OpenTelemetry's own JSON in hex. */
function withHexIds<T extends { readonly spanId?: string; readonly parentSpanId?: string }>(told: T): T {
  const { spanId, parentSpanId } = told
  return {
    ...told,
    ...(spanId !== undefined && { spanId: hexId(spanId) }),
    ...(parentSpanId !== undefined && { parentSpanId: hexId(parentSpanId) }),
  }
}

function hexId(id: string): string {
  return id.endsWith("=") ? Buffer.from(id, "base64").toString("hex") : id
}

/** The next piece. That nobody waits for it any more when it fails is no failure of the process. */
function readOn(reader: ReadableStreamDefaultReader<string>): ReturnType<typeof reader.read> {
  const piece = reader.read()
  piece.catch(() => undefined)
  return piece
}

async function withinSilence<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const nothing = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined)
    }, silence)
  })
  try {
    return await Promise.race([work, nothing])
  } finally {
    clearTimeout(timer)
  }
}
