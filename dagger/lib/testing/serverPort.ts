import { listOf } from "../text/format.js"

/** A port that an image exposes. */
export interface ExposedPort {
  readonly port: number
  /** In capitals, as the engine names it. */
  readonly protocol: string
}

/** Where a Jupyter server listens unless it is told otherwise. */
const jupyterPort = 8888

/**
 * The port of an image's server: the one that the spec names, else Jupyter's where it is exposed or nothing is, else the
 * only one. An image inherits the ports of what it is built on, and engines hand them over sorted: no order says which
 * is meant.
 * @throws Error where several are exposed, none of them Jupyter's
 */
export function serverPort(exposed: readonly ExposedPort[], named: number | undefined): number {
  if (named !== undefined) return named
  const ports = exposed.filter(({ protocol }) => protocol === "TCP").map(({ port }) => port)
  const [only, ...others] = [...new Set(ports)].toSorted((a, b) => a - b)
  if (only === undefined || ports.includes(jupyterPort)) return jupyterPort
  if (others.length === 0) return only
  const all = listOf([only, ...others].map(String))
  throw new Error(
    `the image exposes the ports ${all}, and ${jupyterPort} is none of them: name its server's as server_port in spec.yml`,
  )
}
