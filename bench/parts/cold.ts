import type { FixtureRun } from "../../tests/support/fixtureStacks.js"
import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import { stackFiles } from "../../tests/support/source.js"
import { oneByOne, runFigures, runSection, timelineSection } from "../coldRun.js"
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
      const runs: FixtureRun[] = []
      const serialRuns: FixtureRun[] = []
      for (let round = 0; round <= repeats; round += 1) {
        say(`round ${round} of ${repeats} ...`)
        const [run, serialRun] = [await afresh(), await afresh(oneByOne)]
        // The first one also fills the caches of what a user has: base image, git, what tests need.
        if (round === 0) continue
        runs.push(run)
        serialRuns.push(serialRun)
      }
      yield runSection("Cold tree: steps that wait and steps that compute", {
        runs: runs.map(runFigures),
        serialRuns: serialRuns.map(runFigures),
      })
      const last = runs.at(-1)
      if (last !== undefined) yield timelineSection("Steps of the last cold run", last.report)
    } finally {
      await world.stop()
    }
  },
}
