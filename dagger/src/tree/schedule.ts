/** Limits how many steps run at once; those that wait are served in the order they came. */
export class Limiter {
  private readonly waiting: (() => void)[] = []
  private running = 0

  /** @param limit at least 1 */
  constructor(private readonly limit: number) {}

  /** Runs a step when there is room for it; its result or error is passed on. */
  async run<T>(step: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.running += 1
    try {
      return await step()
    } finally {
      const next = this.waiting.shift()
      // The place of this step is handed on, so that nobody who comes now can take it first.
      if (next === undefined) this.running -= 1
      else next()
    }
  }
}

/**
 * Starts one task per name as soon as those of its parents have ended, whatever level of the tree they are on.
 * A task is given its parents' results and should not throw: what can go wrong is better part of its result.
 * @param order parents before children; a parent that is not in it is not waited for
 */
export function startInOrder<T>(
  order: readonly string[],
  parentsOf: (name: string) => readonly string[],
  task: (name: string, parents: readonly T[]) => Promise<T>,
): ReadonlyMap<string, Promise<T>> {
  const tasks = new Map<string, Promise<T>>()
  for (const name of order) {
    const parents = parentsOf(name).flatMap((parent) => tasks.get(parent) ?? [])
    tasks.set(
      name,
      Promise.all(parents).then((results) => task(name, results)),
    )
  }
  return tasks
}
