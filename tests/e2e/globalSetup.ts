import { checkout, stack } from "../support/stack.js"

/** Brings the engine up before the first test; it is left running, as a user's would be. */
export async function setup(): Promise<void> {
  const up = await stack(["engine", "up"], { cwd: checkout, timeout: 3_600_000 })
  if (up.status !== 0) throw new Error(`the engine did not come up:\n${up.stderr}`)
}
