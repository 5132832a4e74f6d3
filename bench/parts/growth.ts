import { formatBytes } from "../../dagger/lib/text/format.js"
import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import { formatSeconds } from "../measure.js"
import { watchModuleMemory } from "../moduleMemory.js"
import { allEnded } from "../outcome.js"
import type { BenchPart, Goal } from "../part.js"
import { freshWord, wideTree } from "../trees.js"

const sizes = [10, 25, 50] as const

/** What runs of one size cost. */
interface Figures {
  readonly images: number
  /** Milliseconds of the first run, which builds, tests and publishes everything. */
  readonly cold: number
  /** Milliseconds of the next one, which has nothing to do. */
  readonly idle: number
  /** Bytes of the module's process in the first run. */
  readonly memory: number
}

/** How a run grows with the number of images. */
export const growth: BenchPart = {
  name: "growth",
  summary: "runs of 10, 25 and 50 images on the engine: time and memory",
  needsEngine: true,
  run: async function* ({ say }) {
    const figures: Figures[] = []
    for (const images of sizes) {
      say(`${images} images ...`)
      figures.push(await measure(images))
    }
    yield {
      title: "Growth: small images on the engine, four on each one",
      header: ["images", "cold run", "an image", "again, no change", "an image", "module's memory"],
      rows: figures.map(({ images, cold, idle, memory }) => [
        String(images),
        formatSeconds(cold),
        formatSeconds(cold / images),
        formatSeconds(idle),
        formatSeconds(idle / images),
        formatBytes(memory),
      ]),
      notes: [],
      goals: noFasterThanTheTree(figures),
    }
  },
}

async function measure(images: number): Promise<Figures> {
  const world = await FixtureStack.start(wideTree(images, freshWord()))
  try {
    const memory = watchModuleMemory()
    const cold = allEnded("passed", await world.publish())
    const peak = memory.stop()
    const idle = allEnded("reused", await world.publish())
    return { images, cold: cold.milliseconds, idle: idle.milliseconds, memory: peak }
  } finally {
    await world.stop()
  }
}

/** Five times the images may cost five times the time, and not more. */
function noFasterThanTheTree(figures: readonly Figures[]): readonly Goal[] {
  const [small] = figures
  const large = figures.at(-1)
  if (small === undefined || large === undefined) return []
  const wanted = large.images / small.images
  const found = large.cold / small.cold
  const promise = `${large.images} images against ${small.images}: at most ${wanted} times the time`
  return [{ promise, found: `${found.toFixed(1)} times`, met: found <= wanted }]
}
