import { mayHearSecretInClear } from "../text/clearHost.js"

/** The API of `docker.io` has a host of its own. */
const dockerHubApi = "https://registry-1.docker.io"

/**
 * Where a registry's API is. Names of the own machine and literal private addresses are spoken to by plain HTTP, as
 * the engine does with its local registry; everything else by HTTPS. Give the client an `endpoint` for others.
 * @param registry host with an optional port, as references name it
 */
export function registryEndpoint(registry: string): URL {
  if (registry === "docker.io") return new URL(dockerHubApi)
  return new URL(`${mayHearSecretInClear(hostOf(registry)) ? "http" : "https"}://${registry}`)
}

function hostOf(registry: string): string {
  return registry.replace(/:\d+$/, "")
}
