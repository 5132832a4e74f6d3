import { LastLines } from "../text/lastLines.js"
import type { EngineSession, LogRecord, Span, Value } from "./telemetry.js"
import { telemetry } from "./telemetry.js"

/**
 * What a failed step of a build printed. The engine's error has only the command and its exit status; the output goes to
 * the progress display alone (telemetry.ts).
 */

/** Seconds until the engine's answer is given up: on a machine that is overloaded it comes late. */
const patience = 60
/** Silences in a row after which nothing more is expected. */
const longSilence = 10

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
  for await (const piece of telemetry(session, "traces", undefined, patience)) {
    silences = piece === "silence" ? silences + 1 : 0
    if (silences === (other === undefined ? longSilence : 1)) break
    if (piece === "silence") continue
    const failed = piece.spans.filter((span) => isStep(span) && failedWith(span, message))
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

async function outputOf(session: EngineSession, step: Span): Promise<string> {
  const output = new LastLines()
  const ended = new Set<string | undefined>()
  let silences = 0
  for await (const piece of telemetry(session, "logs", undefined, patience)) {
    silences = piece === "silence" ? silences + 1 : 0
    if (silences === longSilence) break
    if (piece === "silence") continue
    for (const record of piece.records) {
      if (record.spanId !== step.spanId) continue
      add(output, record)
      if (attribute(record, "stdio.eof")?.boolValue === true) ended.add(streamOf(record))
    }
    // Standard output's and standard error's.
    if (ended.size === 2) break
  }
  return output.text()
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
