import type { TimedStep } from "../dagger/lib/report/report.js"

/** A piece of work with its time, and what must be done before it. */
export interface Work {
  readonly name: string
  readonly milliseconds: number
  /** Names of works that come earlier in the list; others are not waited for. */
  readonly after: readonly string[]
}

/** Works that wait for each other, and the time that they take one after another. */
export interface Chain {
  readonly milliseconds: number
  readonly names: readonly string[]
}

/** An image of a run, with the times of its steps as its report has them. */
export interface TimedImage {
  readonly name: string
  readonly parents: readonly string[]
  readonly steps: readonly Pick<TimedStep, "name" | "milliseconds">[]
}

/** The chain of works that takes longest: no order of the works and no number of workers can be faster. */
export function longestChain(works: readonly Work[]): Chain {
  const chains = new Map<string, Chain>()
  for (const { name, milliseconds, after } of works) {
    const before = longest(after.flatMap((each) => chains.get(each) ?? []))
    chains.set(name, {
      milliseconds: before.milliseconds + milliseconds,
      names: [...before.names, name],
    })
  }
  return longest([...chains.values()])
}

/**
 * The steps of a run, with what each must wait for by the rules of a run: a build for the builds of its parents, tests
 * for the build and for the parents to have passed, what follows them for what an image has done before, and tags for
 * all images.
 * @param images parents before children
 */
export function worksOf(images: readonly TimedImage[]): readonly Work[] {
  const works: Work[] = []
  const passed = new Map<string, readonly string[]>()
  for (const { name, parents, steps } of images) {
    const add = (step: TimedStep["name"], after: readonly string[]): readonly string[] => {
      const found = steps.find((each) => each.name === step)
      if (found === undefined) return after
      works.push({ name: `${name}: ${step}`, milliseconds: found.milliseconds, after })
      return [`${name}: ${step}`]
    }
    const built = add(
      "build",
      parents.map((parent) => `${parent}: build`),
    )
    const ready = [...built, ...parents.flatMap((parent) => passed.get(parent) ?? [])]
    const looked = [...new Set([...add("tests", ready), ...add("inspect", ready)])]
    passed.set(name, add("integration tests", add("publish", looked)))
  }
  const all = [...passed.values()].flat()
  const tags = images.flatMap(({ name, steps }) =>
    steps
      .filter((step) => step.name === "tag")
      .map(({ milliseconds }): Work => ({ name: `${name}: tag`, milliseconds, after: all })),
  )
  return [...works, ...tags]
}

function longest(chains: readonly Chain[]): Chain {
  const none: Chain = { milliseconds: 0, names: [] }
  return chains.reduce((most, chain) => (chain.milliseconds > most.milliseconds ? chain : most), none)
}
