/** An engine that `./stack` provisions, as tests need to know it. */
export interface EnginePlace {
  /** Address of its bridge: where it and its containers find this machine. */
  readonly bridge: string
  /** What makes `./stack` use it. */
  readonly env: Readonly<Record<string, string>>
}

/** The engine that all tests share, wherever its bridge is. */
export const sharedEngine: EnginePlace = {
  bridge: (process.env.STACK_ENGINE_NETWORK ?? "10.87.0.0/16").replace(/\.\d+\/\d+$/, ".1"),
  env: {},
}

/** The same, which is not to emulate what a spec names: the machine would, for other tests as well. */
export const unemulated: EnginePlace = { ...sharedEngine, env: { STACK_EMULATION: "off" } }
