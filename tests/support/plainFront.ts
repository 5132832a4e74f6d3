import { setTimeout as pause } from "node:timers/promises"
import type { FaultProxy } from "./faultProxy.js"
import { startFaultProxy } from "./faultProxy.js"

/** Ports on which the engine speaks plain HTTP (engine/engine.sh). */
const plainPorts = [5001, 5002, 5003, 5004, 5005, 5006, 5007, 5008, 5009]
/** Milliseconds until one of them is free again: other tests have them for as long as they run. */
const patience = 600_000

/** A proxy on one of the engine's plain ports, whoever else takes them at the same time. */
export async function startPlainFront(registryPort: number): Promise<FaultProxy> {
  const limit = Date.now() + patience
  while (Date.now() < limit) {
    const front = await onFreePort(registryPort)
    if (front !== undefined) return front
    await pause(500)
  }
  throw new Error(`all of the ports ${plainPorts.join(", ")} are taken`)
}

async function onFreePort(registryPort: number): Promise<FaultProxy | undefined> {
  for (const port of plainPorts) {
    try {
      return await startFaultProxy(registryPort, [], { listen: "0.0.0.0", port })
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error
    }
  }
  return undefined
}
