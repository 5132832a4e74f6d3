/** What waits for an image's steps, the steps themselves included: the longest chain of works by their usual weight. */
export interface Urgency {
  readonly build: number
  readonly check: number
}

/** How long a build takes, in tests: an image's packages are installed for longer than they are tried out. */
const buildWeight = 2

/**
 * How urgent the steps of each image are: what the most work waits for comes first, so that the whole ends early. A
 * leaf's build comes before its parent's tests, which stand in nobody's way until the leaf itself is to be tested.
 * @param order parents before children
 */
export function urgencies(
  order: readonly string[],
  parentsOf: (name: string) => readonly string[],
): ReadonlyMap<string, Urgency> {
  const found = new Map<string, Urgency>()
  for (const name of order.toReversed()) {
    const children = order.filter((other) => parentsOf(other).includes(name))
    const below = children.flatMap((child) => found.get(child) ?? [])
    const check = 1 + Math.max(0, ...below.map((child) => child.check))
    const build = buildWeight + Math.max(check, ...below.map((child) => child.build))
    found.set(name, { build, check })
  }
  return found
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
