import { RegistryClient } from "../../dagger/lib/registry/client.js"
import { systemEnvironment } from "../../dagger/lib/registry/environment.js"
import { TrafficLog } from "../../dagger/lib/registry/traffic.js"
import type { RegistryOptions } from "../../dagger/lib/registry/transport.js"
import type { TestRegistry } from "./registry.js"

/** A client for a test: waits are noted, not waited for. */
export interface TestClient {
  readonly client: RegistryClient
  readonly traffic: TrafficLog
  /** Milliseconds of each wait before another try. */
  readonly waits: readonly number[]
}

/** A client that logs in to every registry with the given login. */
export function clientOf(
  { login }: { readonly login?: TestRegistry["login"] },
  options: RegistryOptions = {},
): TestClient {
  const traffic = new TrafficLog()
  const waits: number[] = []
  const environment = {
    ...systemEnvironment(),
    random: () => 1,
    sleep: (milliseconds: number) => {
      waits.push(milliseconds)
      return Promise.resolve()
    },
  }
  const credentials = () => login
  const client = new RegistryClient({ credentials, environment, observe: traffic.observe, ...options })
  return { client, traffic, waits }
}
