/** An engine that `./stack` provisions, as tests need to know it. */
export interface EnginePlace {
  /** Address of its bridge: where it and its containers find this machine. */
  readonly bridge: string
  /** What makes `./stack` use it. */
  readonly env: Readonly<Record<string, string>>
}

/** The engine that all tests share. */
export const sharedEngine: EnginePlace = { bridge: "10.87.0.1", env: {} }
