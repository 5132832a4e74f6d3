import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ImageReport } from "../../dagger/lib/report/report.js"
import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import { stackFiles } from "../../tests/support/source.js"
import { removeFolder } from "../../tests/support/stack.js"
import type { BuildKit } from "../buildkit.js"
import { startBuildKit } from "../buildkit.js"
import { formatRatio, formatSeconds, formatSpread, inTurns, median, timed } from "../measure.js"
import { allEnded } from "../outcome.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { atMost } from "../part.js"
import { compiledTools } from "../tools.js"
import { freshWord, shapedLeaves, shapedTree } from "../trees.js"

/** How much longer than BuildKit itself the builds of a run may take. */
const limit = 1.1

/** The same tree, of which nothing is cached, by the module and by BuildKit's own graph. */
export const buildkit: BenchPart = {
  name: "buildkit",
  summary: "builds of a tree of which nothing is cached, against BuildKit itself",
  needsEngine: true,
  run: async function* (settings) {
    const buildKit = await startBuildKit(await compiledTools(settings.say))
    const world = await FixtureStack.start(shapedTree(freshWord(), { tests: false }))
    try {
      yield await measure(settings, world, buildKit)
    } finally {
      await world.stop()
      await buildKit.stop()
    }
  },
}

async function measure(
  { repeats, say }: Settings,
  world: FixtureStack,
  buildKit: BuildKit,
): Promise<Section> {
  const wholeCalls: number[] = []
  const figures = await inTurns(repeats, {
    module: async (round) => {
      say(`round ${round} of ${repeats} ...`)
      await world.commit(stackFiles(shapedTree(freshWord(), { tests: false })))
      const run = allEnded("untested", await world.run(...world.login("cold")))
      if (round > 0) wholeCalls.push(run.milliseconds)
      return spanOfBuilds(run.report.images)
    },
    buildKit: async () => {
      await world.commit(stackFiles(shapedTree(freshWord(), { tests: false })))
      return buildByBuildKit(world, buildKit)
    },
  })
  return comparison(figures, wholeCalls)
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
