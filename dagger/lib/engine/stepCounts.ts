import { plural } from "../text/format.js"
import type { EngineSession, LogRecord, Span } from "./telemetry.js"
import { telemetry } from "./telemetry.js"

/** What the driver of tests prints of them (dagger/testing/stack_run.py). */
const testsLine = /^stack: (\d{1,6}) of (\d{1,6}) tests done, (\d{1,6}) failed$/gm

interface TestCount {
  readonly done: number
  readonly known: number
  readonly failed: number
}

/** A layer or a configuration that the registry has, and the request that told it. */
interface Blob {
  readonly span: string
  readonly digest: string
  /** By this push; otherwise it was there. */
  readonly sent: boolean
}

/** Spans below each other, at most; no way up goes on for ever. */
const deepest = 100

/**
 * How far long steps are, as the engine hears it: tests by what their driver prints, a push by the engine's requests to
 * the registry. They belong to a step because their spans are below its own: no image can speak for another one.
 */
export class StepCounts {
  private readonly parents = new Map<string, string>()
  private readonly tests = new Map<string, TestCount>()
  private readonly blobs: Blob[] = []
  private readonly known = { traces: "", logs: "" }

  /** @param session where the engine answers; without one nothing is ever told */
  constructor(private readonly session: EngineSession | undefined) {}

  /** Takes in what the engine has heard since. That it does not tell is no failure: nothing depends on it. */
  async refresh(): Promise<void> {
    await Promise.allSettled([this.read("traces"), this.read("logs")])
  }

  /**
   * How far a step is, such as "12 of 40 done, 1 failed"; undefined where nothing has told.
   * @param step id of its span
   */
  describe(step: string): string | undefined {
    const tests = [...this.tests].filter(([span]) => this.isBelow(span, step)).map(([, count]) => count)
    if (tests.length > 0) return describeTests(tests)
    const blobs = this.blobs.filter(({ span }) => this.isBelow(span, step))
    return blobs.length > 0 ? describeBlobs(blobs) : undefined
  }

  private async read(kind: "traces" | "logs"): Promise<void> {
    if (this.session === undefined) return
    for await (const piece of telemetry(this.session, kind, this.known[kind])) {
      if (piece === "silence") return
      for (const span of piece.spans) this.takeSpan(span)
      for (const record of piece.records) this.takeRecord(record)
      this.known[kind] = piece.id
    }
  }

  private takeSpan(span: Span): void {
    if (span.parentSpanId !== undefined) this.parents.set(span.spanId, span.parentSpanId)
    const blob = blobOf(span)
    if (blob !== undefined) this.blobs.push(blob)
  }

  private takeRecord({ spanId = "", body }: LogRecord): void {
    for (const [, done, known, failed] of (body?.stringValue ?? "").matchAll(testsLine))
      this.tests.set(spanId, { done: Number(done), known: Number(known), failed: Number(failed) })
  }

  private isBelow(span: string, step: string): boolean {
    let at: string | undefined = span
    for (let depth = 0; at !== undefined && depth < deepest; depth++) {
      if (at === step) return true
      at = this.parents.get(at)
    }
    return false
  }
}

/** Tests of other users run in containers of their own. */
function describeTests(counts: readonly TestCount[]): string {
  const sum = (key: keyof TestCount) => counts.reduce((all, count) => all + count[key], 0)
  const failed = sum("failed") === 0 ? "" : `, ${sum("failed")} failed`
  return `${sum("done")} of ${sum("known")} done${failed}`
}

/** One request may be told by two spans, and be repeated. */
function describeBlobs(blobs: readonly Blob[]): string {
  const sent = new Set(blobs.filter((blob) => blob.sent).map(({ digest }) => digest))
  const there = new Set(blobs.map(({ digest }) => digest).filter((digest) => !sent.has(digest)))
  return `${plural(sent.size, "layer")} pushed${there.size === 0 ? "" : `, ${there.size} there already`}`
}

/**
 * The blob that a request of the engine's push has sent or found (names of OpenTelemetry's HTTP spans; paths of the OCI
 * distribution spec, "Pushing blobs").
 */
function blobOf({ spanId, attributes = [] }: Span): Blob | undefined {
  const valueOf = (key: string) => attributes.find((attribute) => attribute.key === key)?.value
  const status = Number(valueOf("http.response.status_code")?.intValue ?? 0)
  const method = valueOf("http.request.method")?.stringValue ?? ""
  const place = { PUT: /[?&]digest=(sha256(?::|%3A)[0-9a-f]{64})/, HEAD: /\/blobs\/(sha256:[0-9a-f]{64})$/ }
  if (status < 200 || status > 399 || (method !== "PUT" && method !== "HEAD")) return undefined
  const [, digest] = place[method].exec(valueOf("url.full")?.stringValue ?? "") ?? []
  if (digest === undefined) return undefined
  return { span: spanId, digest: digest.replace("%3A", ":"), sent: method === "PUT" }
}
