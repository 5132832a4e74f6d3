/** The API of `docker.io` has a host of its own. */
const dockerHubApi = "https://registry-1.docker.io"

/** 127.0.0.0/8, ::1, and the private networks of RFC 1918. */
const localHost =
  /^(?:localhost|\[::1\]|127(?:\.\d{1,3}){3}|10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})$/

/**
 * Where a registry's API is. Names of the own machine and literal private addresses are spoken to by plain HTTP, as
 * the engine does with its local registry; everything else by HTTPS. Give the client an `endpoint` for others.
 * @param registry host with an optional port, as references name it
 */
export function registryEndpoint(registry: string): URL {
  if (registry === "docker.io") return new URL(dockerHubApi)
  return new URL(`${isLocal(registry) ? "http" : "https"}://${registry}`)
}

function isLocal(registry: string): boolean {
  return localHost.test(registry.replace(/:\d+$/, ""))
}
