import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import { stackFiles } from "../../tests/support/source.js"
import { oneByOne, runFigures, runSection, timelineSection } from "../coldRun.js"
import { inTurns } from "../measure.js"
import { allEnded } from "../outcome.js"
import type { BenchPart } from "../part.js"
import { freshWord, shapedTree } from "../trees.js"

/** A tree of which nothing is cached: built, tested and published. */
export const cold: BenchPart = {
  name: "cold",
  summary: "a tree of which nothing is cached, against its critical path",
  needsEngine: true,
  run: async function* ({ repeats, say }) {
    const tree = () => shapedTree(freshWord(), { tests: true })
    const world = await FixtureStack.start(tree())
    try {
      const afresh = async (...options: readonly string[]) => {
        await world.commit(stackFiles(tree()))
        return allEnded("passed", await world.publish(...options))
      }
      // The first round also fills the caches of what a user has: base image, git, what tests need.
      const { pairs } = await inTurns(repeats, {
        pairs: async (round) => {
          say(`round ${round} of ${repeats} ...`)
          return { run: await afresh(), serialRun: await afresh(oneByOne) }
        },
      })
      yield runSection(
        "Cold tree: steps that wait and steps that compute",
        pairs.map(({ run, serialRun }) => ({ run: runFigures(run), serialRun: runFigures(serialRun) })),
      )
      const last = pairs.at(-1)
      if (last !== undefined) yield timelineSection("Steps of the last cold run", last.run.report)
    } finally {
      await world.stop()
    }
  },
}
