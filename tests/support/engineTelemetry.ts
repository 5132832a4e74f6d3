import { createServer } from "node:http"
import type { ServerResponse } from "node:http"
import type { EngineSession } from "../../dagger/lib/engine/telemetry.js"

/** An engine as a function of a module finds it, for answers that a real one gives rarely or never. */
export interface StandIn {
  readonly session: EngineSession
  stop(): void
}

/** An engine that answers to each kind of question, `traces` or `logs`, like this; `after` is what the asker knows. */
export async function standInEngine(
  answer: (kind: string, response: ServerResponse, after: string) => void,
): Promise<StandIn> {
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    const after = String(request.headers["x-last-event-id"] ?? "")
    if (authorization !== `Basic ${Buffer.from("token:").toString("base64")}`) response.writeHead(401).end()
    else answer(request.url?.slice("/v1/".length) ?? "", response, after)
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    session: { port: String(address.port), token: "token" },
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** One event of the engine's stream. */
export function event(document: object, id = "1"): string {
  return `id: ${id}\nevent: logs\ndata: ${JSON.stringify(document)}\n\n`
}

/** An event with spans. */
export function spansEvent(all: readonly object[], id?: string): string {
  return event({ resourceSpans: [{ scopeSpans: [{ spans: all }] }] }, id)
}

/** An event with what a span printed; `stream` is the number of its file. */
export function logEvent(spanId: string, text: string, stream = "1", id?: string): string {
  const attributes = [{ key: "stdio.stream", value: { intValue: stream } }]
  const logRecords = [{ spanId, timeUnixNano: "1000000000", body: { stringValue: text }, attributes }]
  return event({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }, id)
}
