/** What a client needs of the world outside. */
export interface RegistryEnvironment {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** In [0, 1). */
  random(): number
}

/** The real network, clock and chance. */
export function systemEnvironment(): RegistryEnvironment {
  return {
    fetch: globalThis.fetch,
    now: () => Date.now(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    random: () => Math.random(),
  }
}
