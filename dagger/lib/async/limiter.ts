/**
 * Limits how many steps run at once. Of those that wait the most urgent is served first, of equals the first to come;
 * what is asked for at the same moment, as by the end of one step, competes before any of it starts.
 */
export class Limiter {
  private readonly waiting: { readonly urgency: number; readonly start: () => void }[] = []
  private running = 0
  private serving = false

  /** @param limit at least 1 */
  constructor(private readonly limit: number) {
    if (!(limit >= 1)) throw new RangeError(`${limit} steps at once would never begin`)
  }

  /** Runs a step when there is room for it; its result or error is passed on. */
  async run<T>(step: () => Promise<T>, urgency = 0): Promise<T> {
    await this.turn(urgency)
    try {
      return await step()
    } finally {
      this.running -= 1
      this.serve()
    }
  }

  /**
   * Runs tasks for a step that has its turn: one after another, and beside each other as far as there is room for more
   * steps. Never waits for room.
   * @returns results in the order of the tasks
   */
  async share<T>(tasks: readonly (() => Promise<T>)[], urgency = 0): Promise<readonly T[]> {
    const results: T[] = []
    const left = [...tasks.entries()]
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift())
        results[next[0]] = await next[1]()
    }
    const begun: Promise<void>[] = []
    const help = (): Promise<void> => {
      const helped = work()
      begun.push(helped)
      return helped.catch(() => undefined)
    }
    // Whose turn comes when nothing is left ends at once.
    for (let helpers = tasks.length - 1; helpers > 0; helpers -= 1) void this.run(help, urgency)
    await work()
    await Promise.all(begun)
    return results
  }

  private turn(urgency: number): Promise<void> {
    return new Promise((start) => {
      const behind = this.waiting.findIndex((other) => other.urgency < urgency)
      this.waiting.splice(behind === -1 ? this.waiting.length : behind, 0, { urgency, start })
      this.serve()
    })
  }

  private serve(): void {
    if (this.serving) return
    this.serving = true
    setImmediate(() => {
      this.serving = false
      for (const { start } of this.waiting.splice(0, this.limit - this.running)) {
        this.running += 1
        start()
      }
    })
  }
}
