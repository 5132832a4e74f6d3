import { LastLines } from "../text/lastLines.js"

/**
 * What a failed step of a build printed. The engine's error has only the command and its exit status; the output goes to
 * the progress display alone. The engine hands that out to every client, also to a function of a module, as OpenTelemetry
 * in JSON by server-sent events (`GET /v1/traces` and `/v1/logs` beside `/query`; dagger's engine/server/telemetry.go).
 */

/** Seconds in which the engine begins its answer. */
const beginning = 10
/** Seconds until the rest of it is given up: on a machine that is overloaded it comes late. */
const patience = 60
/** Milliseconds without news that are a silence: the engine hands out what it has every 100. */
const silence = 500
/** Silences in a row after which nothing more is expected. */
const longSilence = 10

interface Value {
  readonly boolValue?: boolean
  readonly stringValue?: string
  /** 64 bits, which JSON's numbers do not hold. */
  readonly intValue?: string
}

interface Span {
  readonly name: string
  readonly spanId: string
  readonly status?: { readonly code?: string; readonly message?: string }
}

interface LogRecord {
  readonly spanId?: string
  readonly body?: Value
  readonly attributes?: readonly { readonly key: string; readonly value: Value }[]
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
 * The last lines that the failed step of a build printed, or undefined where the engine does not tell.
 * @param message the engine's words on the failure
 * @param target stage that was built: of several steps that failed with the same words, its own counts
 */
export async function failedStepOutput(
  session: EngineSession | undefined,
  message: string,
  target: string,
): Promise<string | undefined> {
  if (session === undefined) return undefined
  try {
    const step = await failedStep(session, message, target)
    if (step === undefined) return undefined
    return await outputOf(session, step)
  } catch {
    // The failure itself is known: that an engine does not tell more is no failure of its own.
    return undefined
  }
}

async function failedStep(
  session: EngineSession,
  message: string,
  target: string,
): Promise<Span | undefined> {
  let other: Span | undefined
  let silences = 0
  for await (const piece of telemetry(session, "traces")) {
    silences = piece === "silence" ? silences + 1 : 0
    if (silences === (other === undefined ? longSilence : 1)) break
    if (piece === "silence") continue
    const spans = (piece.resourceSpans ?? []).flatMap(spansOf)
    const failed = spans.filter((span) => isStep(span) && failedWith(span, message))
    const own = failed.findLast(({ name }) => name.startsWith(`[${target} `))
    if (own !== undefined) return own
    other = failed.at(-1) ?? other
  }
  return other
}

/** Steps of a Dockerfile are named "[stage 2/3] RUN ...". */
function isStep({ name }: Span): boolean {
  return /^\[[^\]]+\] /.test(name)
}

function failedWith({ status }: Span, message: string): boolean {
  if (status?.code !== "STATUS_CODE_ERROR") return false
  return status.message !== undefined && message.includes(status.message)
}

function spansOf({ scopeSpans = [] }: NonNullable<Telemetry["resourceSpans"]>[number]): readonly Span[] {
  return scopeSpans.flatMap(({ spans = [] }) => spans)
}

async function outputOf(session: EngineSession, step: Span): Promise<string> {
  const output = new LastLines()
  const ended = new Set<string | undefined>()
  let silences = 0
  for await (const piece of telemetry(session, "logs")) {
    silences = piece === "silence" ? silences + 1 : 0
    if (silences === longSilence) break
    if (piece === "silence") continue
    for (const record of (piece.resourceLogs ?? []).flatMap(recordsOf)) {
      if (record.spanId !== step.spanId) continue
      add(output, record)
      if (attribute(record, "stdio.eof")?.boolValue === true) ended.add(streamOf(record))
    }
    // Standard output's and standard error's.
    if (ended.size === 2) break
  }
  return output.text()
}

function recordsOf({ scopeLogs = [] }: NonNullable<Telemetry["resourceLogs"]>[number]): readonly LogRecord[] {
  return scopeLogs.flatMap(({ logRecords = [] }) => logRecords)
}

function add(output: LastLines, record: LogRecord): void {
  output.add(streamOf(record) === "2" ? "err" : "out", record.body?.stringValue ?? "")
}

/** Number of the stream that a record is from, in decimal. */
function streamOf(record: LogRecord): string | undefined {
  return attribute(record, "stdio.stream")?.intValue
}

function attribute({ attributes = [] }: LogRecord, name: string): Value | undefined {
  return attributes.find(({ key }) => key === name)?.value
}

/** What the engine has of one kind, as it comes; the stream has no end, so a moment without news is said, too. */
async function* telemetry(
  { port, token }: EngineSession,
  kind: "traces" | "logs",
): AsyncGenerator<Telemetry | "silence", void, undefined> {
  const ending = new AbortController()
  const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(patience * 1000)])
  const authorization = `Basic ${Buffer.from(`${token}:`).toString("base64")}`
  const mute = setTimeout(() => {
    ending.abort()
  }, beginning * 1000)
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/${kind}`, { headers: { authorization }, signal })
    clearTimeout(mute)
    if (!answer.ok || answer.body === null) return
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
      for (const event of events) yield* documentOf(event)
    }
  } finally {
    clearTimeout(mute)
    ending.abort()
  }
}

/** The document of one server-sent event; those without data only keep the connection alive. */
function* documentOf(event: string): Generator<Telemetry, void, undefined> {
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice("data:".length))
  if (data.join("").trim() !== "") yield JSON.parse(data.join("\n")) as Telemetry
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
