import { Agent, createServer, request as sendRequest } from "node:http"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** What goes wrong with a request that a rule matches. */
export type Fault =
  /** Answered by the proxy; the target never hears of it. */
  | {
      readonly kind: "status"
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  | { readonly kind: "redirect"; readonly to: string; readonly status?: number }
  /** Never answered. */
  | { readonly kind: "hang" }
  /** The connection is reset before the target hears of it. */
  | { readonly kind: "drop" }
  /** The target carries the request out, and the connection is reset before its answer comes back. */
  | { readonly kind: "lose-answer" }
  /** The target's answer ends early: headers announce more bytes than come. */
  | { readonly kind: "truncate"; readonly bytes: number }
  /** The target's answer with other headers; `undefined` takes one away. */
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string | undefined>> }
  /** Something is done first (another client's write, an abort); then the request passes. */
  | { readonly kind: "first"; readonly act: () => Promise<unknown> }
  /** Answered by a function of the test. */
  | {
      readonly kind: "answer"
      readonly answer: (request: IncomingMessage, response: ServerResponse) => void
    }

/** Which requests are hit, and how. The first rule that matches and is not used up counts. */
export interface FaultRule {
  readonly method?: string
  /** Tested against path and query. */
  readonly path?: RegExp
  /** Matching requests that pass before the first is hit. */
  readonly after?: number
  /** Requests that are hit; all where absent. */
  readonly times?: number
  readonly fault: Fault
}

/** One request as the proxy saw it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** Scheme of the Authorization header: `Basic`, `Bearer`. */
  readonly authorization?: string
  readonly fault?: Fault["kind"]
}

/** An HTTP proxy in front of a real server that makes chosen requests fail. */
export interface FaultProxy {
  readonly port: number
  /** `127.0.0.1:<port>`. */
  readonly host: string
  readonly requests: readonly SeenRequest[]
  /** Bytes over all connections with clients, headers included. */
  traffic(): { readonly received: number; readonly sent: number }
  add(...rules: FaultRule[]): void
  /** Forgets rules, requests and counts. */
  reset(): void
  stop(): Promise<void>
}

/** Where a proxy listens; containers of the engine reach `0.0.0.0` only. */
export interface ListenSettings {
  readonly listen?: string
  /** A free one where absent. */
  readonly port?: number
}

/** Starts a proxy in front of a port of 127.0.0.1. */
export async function startFaultProxy(
  targetPort: number,
  rules: readonly FaultRule[] = [],
  settings: ListenSettings = {},
): Promise<FaultProxy> {
  let counters = rules.map(withCounters)
  const requests: SeenRequest[] = []
  const meter = new Meter()
  const agent = new Agent({ keepAlive: true })
  const server = createServer((request, response) => {
    const rule = counters.find((each) => each.takes(request))
    requests.push(seen(request, rule?.fault))
    void serve(request, response, rule?.fault, { agent, port: targetPort })
  })
  server.on("connection", (socket: Socket) => {
    meter.watch(socket)
  })
  const port = await listenOn(server, settings)
  return {
    port,
    host: `127.0.0.1:${port}`,
    requests,
    traffic: () => meter.read(),
    add: (...more) => (counters = [...more.map(withCounters), ...counters]),
    reset: () => {
      counters = []
      requests.length = 0
      meter.reset()
    },
    stop: () => {
      agent.destroy()
      return closeServer(server)
    },
  }
}

/** Listens, on a free port where none is given, and returns the port. */
export async function listenOn(
  server: Server,
  { listen = "127.0.0.1", port = 0 }: ListenSettings,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, listen, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the server has no port")
  return address.port
}

/** Stops a server at once, whoever is still connected. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}

/** Bytes over all sockets of a server since the last reset. */
class Meter {
  private readonly sockets = new Set<Socket>()
  private base = { received: 0, sent: 0 }

  watch(socket: Socket): void {
    this.sockets.add(socket)
  }

  read(): { received: number; sent: number } {
    const { received, sent } = this.total()
    return { received: received - this.base.received, sent: sent - this.base.sent }
  }

  reset(): void {
    this.base = this.total()
  }

  private total(): { received: number; sent: number } {
    let received = 0
    let sent = 0
    for (const socket of this.sockets) {
      received += socket.bytesRead
      sent += socket.bytesWritten
    }
    return { received, sent }
  }
}

interface CountedRule {
  readonly fault: Fault
  takes(request: IncomingMessage): boolean
}

function withCounters(rule: FaultRule): CountedRule {
  let passing = rule.after ?? 0
  let left = rule.times ?? Infinity
  return {
    fault: rule.fault,
    takes: ({ method, url = "" }) => {
      if (rule.method !== undefined && rule.method !== method) return false
      if (rule.path !== undefined && !rule.path.test(url)) return false
      passing -= 1
      if (passing >= 0 || left <= 0) return false
      left -= 1
      return true
    },
  }
}

function seen({ method = "", url = "", headers }: IncomingMessage, fault: Fault | undefined): SeenRequest {
  const authorization = headers.authorization?.split(" ")[0]
  return {
    method,
    path: url,
    ...(authorization !== undefined && { authorization }),
    ...(fault !== undefined && { fault: fault.kind }),
  }
}

interface Target {
  readonly agent: Agent
  readonly port: number
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
  target: Target,
): Promise<void> {
  switch (fault?.kind) {
    case "status":
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    case "redirect":
      response.writeHead(fault.status ?? 307, { location: fault.to }).end()
      return
    case "answer":
      fault.answer(request, response)
      return
    case "hang":
      return
    case "drop":
      request.socket.resetAndDestroy()
      return
    case "first":
      await fault.act()
      forward(request, response, undefined, target)
      return
    default:
      forward(request, response, fault, target)
  }
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
  { agent, port }: Target,
): void {
  const { method, url, headers } = request
  const options = { agent, host: "127.0.0.1", port, method, path: url, headers }
  const onward = sendRequest(options, (answer) => {
    if (fault?.kind === "lose-answer") {
      request.socket.resetAndDestroy()
      return
    }
    const changed = fault?.kind === "headers" ? fault.headers : {}
    const all = Object.entries({ ...answer.headers, ...changed })
    response.writeHead(
      answer.statusCode ?? 502,
      Object.fromEntries(all.filter(([, value]) => value !== undefined)),
    )
    if (fault?.kind === "truncate") cutAfter(fault.bytes, answer, response)
    else answer.pipe(response)
  })
  onward.on("error", () => response.destroy())
  request.pipe(onward)
}

function cutAfter(bytes: number, answer: IncomingMessage, response: ServerResponse): void {
  let left = bytes
  answer.on("data", (chunk: Buffer) => {
    response.write(chunk.subarray(0, left), () => {
      if (left <= 0) response.socket?.destroy()
    })
    left -= chunk.length
  })
}
