import { afterAll, beforeAll, vi } from "vitest"
import { freePort } from "./freePort.js"

/** Takes the engine away from the tests of a file: the SDK is the real one, and each step that needs it fails. */
export function withoutEngine(): void {
  beforeAll(async () => {
    vi.stubEnv("DAGGER_SESSION_PORT", String(await freePort()))
    vi.stubEnv("DAGGER_SESSION_TOKEN", "none")
    vi.spyOn(console, "log").mockImplementation(() => undefined)
  })
  afterAll(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })
}
