import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ImageReport } from "../../dagger/src/report/report.js"
import type { FixtureRun } from "../../tests/support/fixtureStacks.js"
import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import { stackFiles } from "../../tests/support/source.js"
import { removeFolder } from "../../tests/support/stack.js"
import type { BuildKit } from "../buildkit.js"
import { startBuildKit } from "../buildkit.js"
import { runFigures, runSection } from "../coldRun.js"
import { formatRatio, formatSeconds, formatSpread, inTurns, median, timed } from "../measure.js"
import { allEnded } from "../outcome.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { atMost } from "../part.js"
import { compiledTools } from "../tools.js"
import { freshWord, shapedLeaves, shapedTree } from "../trees.js"

/** How much longer than BuildKit itself the builds of a run may take. */
const limit = 1.1

/** Builds of a tree of which nothing is cached. */
export const cold: BenchPart = {
  name: "cold",
  summary: "a tree of which nothing is cached, against its critical path and against BuildKit",
  needsEngine: true,
  run: async (settings) => {
    const world = await FixtureStack.start(shapedTree(freshWord(), { tests: true }))
    try {
      return [await againstCriticalPath(settings, world), await againstBuildKit(settings, world)]
    } finally {
      await world.stop()
    }
  },
}

async function againstCriticalPath({ repeats, say }: Settings, world: FixtureStack): Promise<Section> {
  const runs: FixtureRun[] = []
  for (let round = 0; round <= repeats; round += 1) {
    say(`cold tree with its tests, ${round} of ${repeats} ...`)
    await replace(world, true)
    const run = allEnded("passed", await world.publish())
    // The first one also fills the caches of what a user has: base image, browser, git.
    if (round > 0) runs.push(run)
  }
  return runSection("Cold tree: sleeping and computing steps", runs.map(runFigures))
}

async function againstBuildKit({ repeats, say }: Settings, world: FixtureStack): Promise<Section> {
  const buildKit = await startBuildKit(await compiledTools(say))
  const wholeCalls: number[] = []
  try {
    say(`${repeats} rounds of builds, by the module and by BuildKit ...`)
    const figures = await inTurns(repeats, {
      module: async (round) => {
        await replace(world, false)
        const run = allEnded("untested", await world.run(...world.login("cold")))
        if (round > 0) wholeCalls.push(run.milliseconds)
        return spanOfBuilds(run.report.images)
      },
      buildKit: async () => {
        await replace(world, false)
        return buildByBuildKit(world, buildKit)
      },
    })
    return comparison(figures, wholeCalls)
  } finally {
    await buildKit.stop()
  }
}

function comparison(
  { module, buildKit }: Readonly<Record<"module" | "buildKit", readonly number[]>>,
  wholeCalls: readonly number[],
): Section {
  const theirs = median(buildKit)
  const row = (what: string, times: readonly number[]) => [
    what,
    formatSeconds(median(times)),
    formatSpread(times),
    formatRatio(median(times) / theirs),
  ]
  return {
    title: "The same tree, by the module and by BuildKit",
    header: ["what", "median", "from, to", "ratio"],
    rows: [
      row("buildctl, the linked Dockerfile's two leaves at once", buildKit),
      row("builds of `build-stack`, first start to last end", module),
      row("the whole call, with plan, inspection, artifacts", wholeCalls),
    ],
    notes: [],
    goals: [atMost("builds against BuildKit's own", median(module) / theirs, limit, formatRatio)],
  }
}

/** Milliseconds from the start of the first build to the end of the last. */
function spanOfBuilds(images: readonly ImageReport[]): number {
  const builds = images.flatMap(({ steps }) => steps.filter(({ name }) => name === "build"))
  const ends = builds.map(({ startedAt, milliseconds }) => startedAt + milliseconds)
  return Math.max(...ends) - Math.min(...builds.map(({ startedAt }) => startedAt))
}

async function buildByBuildKit(world: FixtureStack, buildKit: BuildKit): Promise<number> {
  const linked = await mkdtemp(join(tmpdir(), "bench-linked-"))
  try {
    const { status, stderr } = await world.call("dockerfile", "--source=.", "export", `--path=${linked}`)
    if (status !== 0) throw new Error(stderr.slice(-2000))
    const build = { context: world.folder, dockerfile: linked, targets: shapedLeaves }
    return (await timed(() => buildKit.build(build))).milliseconds
  } finally {
    await removeFolder(linked)
  }
}

/** The same tree with other contents. */
async function replace(world: FixtureStack, tests: boolean): Promise<void> {
  await world.commit(stackFiles(shapedTree(freshWord(), { tests })))
}
