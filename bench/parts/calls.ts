import { newKey } from "../../tests/support/evidenceWorld.js"
import { FixtureStack } from "../../tests/support/fixtureStacks.js"
import type { Files } from "../../tests/support/source.js"
import type { Ended } from "../../tests/support/stack.js"
import { removeFolder, workspace } from "../../tests/support/stack.js"
import { formatSeconds, formatSpread, inTurns, median, timed } from "../measure.js"
import { allEnded } from "../outcome.js"
import type { BenchPart, Section, Settings } from "../part.js"
import { atMost } from "../part.js"
import { idleTree } from "../trees.js"

/** Milliseconds above an empty call that a run may take in which nothing is to be done. */
const limit = 5000

/** Milliseconds more that it may take where signed statements are asked for. */
const limitOfTrust = 1000

/** A module of one function that does nothing: what the engine and its SDK cost. */
export const emptyModule: Files = {
  "dagger.json": JSON.stringify({ name: "empty", engineVersion: "v0.19.10", sdk: { source: "typescript" } }),
  "package.json": JSON.stringify({ name: "empty", type: "module" }),
  "package-lock.json": JSON.stringify({ name: "empty", lockfileVersion: 3, packages: {} }),
  "src/index.ts": `
import { func, object } from "@dagger.io/dagger"

@object()
export class Empty {
  @func({ cache: "never" })
  nothing(): string {
    return "nothing"
  }
}
`,
}

/** What a call costs beside the work that it does: three images, with the registry on the same machine. */
export const calls: BenchPart = {
  name: "calls",
  summary: "calls that have nothing to do, against an empty function",
  needsEngine: true,
  run: async function* (settings) {
    const empty = await workspace(emptyModule, { git: false })
    const key = newKey()
    const world = await FixtureStack.start(idleTree())
    const trust = { signers: [{ key: key.publicKey }] }
    const trusting = await FixtureStack.start(idleTree(), { spec: { trust } })
    try {
      yield await measure(settings, empty, world, { trusting, privateKey: key.privateKey })
    } finally {
      await trusting.stop()
      await world.stop()
      await removeFolder(empty)
    }
  },
}

/** A stack whose spec trusts a key alone. */
interface Signed {
  readonly trusting: FixtureStack
  /** PEM. */
  readonly privateKey: string
}

async function measure(
  { repeats, say }: Settings,
  empty: string,
  world: FixtureStack,
  { trusting, privateKey }: Signed,
): Promise<Section> {
  say("publishing three images, and three that are signed ...")
  allEnded("passed", await world.publish())
  await time(() =>
    trusting.callWith(
      { SIGNING_KEY: privateKey },
      ...["build-stack", "--source=.", ...trusting.publishing(), "--signing-key=env://SIGNING_KEY"],
    ),
  )
  say(`${repeats} rounds of calls ...`)
  const call = (...args: readonly string[]) => time(() => world.call(...args))
  const source = ["--source=.", ...world.login()]
  const figures = await inTurns(repeats, {
    "empty function of an empty module": () => call(`--mod=${empty}`, "nothing"),
    "list of the module's functions": () => call("functions"),
    "`dockerfile`, its lightest function": () => call("dockerfile", "--source=.", "entries"),
    "`plan`, all published": () => call("plan", ...source),
    [unchanged]: () => call("build-stack", ...source, "--publish"),
    [unchangedSigned]: () => time(() => trusting.call("build-stack", "--source=.", ...trusting.publishing())),
    "the same, with its artifacts exported": async () =>
      allEnded("reused", await world.publish()).milliseconds,
    "`build-stack` of a laptop, nothing published": async () =>
      allEnded("passed", await world.run(...world.login("laptop"))).milliseconds,
  })
  return section(figures)
}

const unchanged = "`build-stack`, all published"
const unchangedSigned = "the same, where signed statements are asked for (`trust`)"

async function time(work: () => Promise<Ended>): Promise<number> {
  const { result, milliseconds } = await timed(work)
  if (result.status !== 0) throw new Error(result.stderr.slice(-2000))
  return milliseconds
}

function section(figures: Readonly<Record<string, readonly number[]>>): Section {
  const medians = Object.entries(figures).map(([what, times]) => ({ what, times, middle: median(times) }))
  const medianOf = (name: string) => medians.find(({ what }) => what === name)?.middle ?? Number.NaN
  const [empty] = medians
  if (empty === undefined) throw new Error("nothing was measured")
  const idle = medianOf(unchanged)
  return {
    title: "Calls that have nothing to do",
    header: ["call", "median", "from, to", "above empty"],
    rows: medians.map(({ what, times, middle }) => [
      what,
      formatSeconds(middle),
      formatSpread(times),
      formatSeconds(middle - empty.middle),
    ]),
    notes: [],
    goals: [
      atMost("a run without changes, above an empty call", idle - empty.middle, limit, formatSeconds),
      atMost(
        "`trust`, above the same without",
        medianOf(unchangedSigned) - idle,
        limitOfTrust,
        formatSeconds,
      ),
    ],
  }
}
