import { LastLines } from "../text/lastLines.js"
import type { EngineSession, LogRecord, Span } from "./telemetry.js"
import { telemetry } from "./telemetry.js"

/**
 * What a failed step of a build printed. The engine's error has only the command and its exit status; the output goes to
 * the progress display alone (telemetry.ts).
 */

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
  let found: Span | undefined
  for await (const piece of telemetry(session, "traces")) {
    if (piece === "silence" && found !== undefined) break
    if (piece === "silence") continue
    const failed = piece.spans.filter((span) => isStep(span) && failedWith(span, message))
    found = failed.findLast(({ name }) => name.startsWith(`[${target} `)) ?? found ?? failed.at(-1)
  }
  return found
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
  const over = Number(step.endTimeUnixNano ?? 0) + 1e9
  let silences = 0
  for await (const piece of telemetry(session, "logs")) {
    // A step may have printed nothing.
    silences += piece === "silence" ? 1 : 0
    if (piece === "silence" && (!output.isEmpty || silences > 3)) break
    if (piece === "silence") continue
    for (const record of piece.records) if (record.spanId === step.spanId) add(output, record)
    if (piece.records.some(({ timeUnixNano = "0" }) => Number(timeUnixNano) > over)) break
  }
  return output.text()
}

function add(output: LastLines, { attributes = [], body }: LogRecord): void {
  const stream = attributes.find(({ key }) => key === "stdio.stream")?.value.intValue
  output.add(stream === "2" ? "err" : "out", body?.stringValue ?? "")
}
