import { sharedEngine } from "../support/enginePlace.js"
import { startPlainFront } from "../support/plainFront.js"
import { startRegistry } from "../support/registry.js"
import { checkout, stack } from "../support/stack.js"

/**
 * Brings the engine up before the first test; it is left running, as a user's would be. Beside it runs a registry of the
 * tests' own, without a login, for tests that are about other things than publishing: `localRegistry` names it.
 */
export async function setup(): Promise<() => Promise<void>> {
  const up = await stack(["engine", "up"], { cwd: checkout, timeout: 3_600_000 })
  if (up.status !== 0) throw new Error(`the engine did not come up:\n${up.stderr}`)
  const registry = await startRegistry()
  const front = await startPlainFront(registry.port)
  process.env.STACK_TEST_REGISTRY = `${sharedEngine.bridge}:${front.port}`
  return async () => {
    await front.stop()
    await registry.stop()
  }
}
