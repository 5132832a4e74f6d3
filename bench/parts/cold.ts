import type { FixtureRun } from "../../tests/support/fixtureStacks.js"
import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import { stackFiles } from "../../tests/support/source.js"
import { runFigures, runSection, timelineSection } from "../coldRun.js"
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
      const runs: FixtureRun[] = []
      for (let round = 0; round <= repeats; round += 1) {
        say(`round ${round} of ${repeats} ...`)
        await world.commit(stackFiles(tree()))
        const run = allEnded("passed", await world.publish())
        // The first one also fills the caches of what a user has: base image, git, what tests need.
        if (round > 0) runs.push(run)
      }
      yield runSection("Cold tree: steps that wait and steps that compute", runs.map(runFigures))
      const last = runs.at(-1)
      if (last !== undefined) yield timelineSection("Steps of the last cold run", last.report)
    } finally {
      await world.stop()
    }
  },
}
