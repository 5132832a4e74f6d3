import { connect, createServer, type Socket } from "node:net"

/** A TCP proxy between a client and a port of 127.0.0.1 whose link can be made to fail. */
export interface FreezeProxy {
  readonly port: number
  /** From now on nothing passes in either direction, and neither side is told: a half-open link. */
  freeze(): void
  /** Resets every connection. */
  cut(): void
  stop(): Promise<void>
}

/** Starts a proxy on a free port. @param frozen nothing passes from the start: connections are accepted, that is all */
export async function startFreezeProxy(targetPort: number, { frozen = false } = {}): Promise<FreezeProxy> {
  const sockets = new Set<Socket>()
  let isFrozen = frozen
  const relay = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on("data", (bytes) => {
      if (!isFrozen) to.write(bytes)
    })
    // What is lost or ended while the link is frozen stays unknown to the other side.
    const close = () => {
      sockets.delete(from)
      if (!isFrozen) to.destroy()
    }
    from.on("error", close).on("close", close)
  }
  const server = createServer((client) => {
    const target = connect(targetPort, "127.0.0.1")
    relay(client, target)
    relay(target, client)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the proxy has no port")
  return {
    port: address.port,
    freeze: () => {
      isFrozen = true
    },
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}
