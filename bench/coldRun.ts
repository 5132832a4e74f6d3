import type { ByImage, FixtureRun } from "../tests/support/fixtureStacks.js"
import type { Plan } from "../dagger/lib/plan/planDocument.js"
import { parentsIn } from "../dagger/lib/plan/planDocument.js"
import type { StackReport } from "../dagger/lib/report/report.js"
import { longestChain, worksOf } from "./criticalPath.js"
import type { Chain } from "./criticalPath.js"
import { formatRatio, formatSeconds, median } from "./measure.js"
import type { Section } from "./part.js"
import { atMost } from "./part.js"

/** How much longer than its critical path a cold run may take. */
const limit = 1.15

/** Times of one cold run. */
export interface RunFigures {
  /** Milliseconds of the whole call. */
  readonly wall: number
  /** Milliseconds from the start of the first step to the end of the last. */
  readonly span: number
  readonly chain: Chain
}

/** What a run left, and the milliseconds that the call took. */
export type FinishedRun = Pick<FixtureRun, "report" | "plan" | "milliseconds">

/** Times of a run by what it left. */
export function runFigures({ report, plan, milliseconds }: FinishedRun): RunFigures {
  const parents = parentsOf(plan)
  const works = worksOf(
    report.images.map(({ name, steps }) => ({ name, steps, parents: parents[name] ?? [] })),
  )
  const steps = report.images.flatMap((image) => image.steps)
  const end = Math.max(...steps.map((step) => step.startedAt + step.milliseconds))
  const span = end - Math.min(...steps.map(({ startedAt }) => startedAt))
  return { wall: milliseconds, span, chain: longestChain(works) }
}

function parentsOf({ steps }: Plan): ByImage<readonly string[]> {
  return Object.fromEntries(steps.map((step) => [step.image, parentsIn(step).map(({ image }) => image)]))
}

/** The option that makes a run take one step after another. */
export const oneByOne = "--parallel=1"

/** Two runs of one tree, one right after the other, of which nothing was cached. */
export interface ColdPair {
  /** As a user calls it. */
  readonly run: RunFigures
  /** With `oneByOne`: what the tree takes in series, and what each step takes alone on the machine. */
  readonly serialRun: RunFigures
}

/** A table of cold runs, with what was promised of them. */
export function runSection(title: string, pairs: readonly ColdPair[]): Section {
  const middle = (figure: (pair: ColdPair) => number) => median(pairs.map(figure))
  const against = (figure: (pair: ColdPair) => number) => middle((pair) => pair.run.wall / figure(pair))
  const row = (what: string, figure: (pair: ColdPair) => number) => [
    what,
    formatSeconds(middle(figure)),
    formatRatio(against(figure)),
  ]
  const outside = middle(({ run }) => run.wall - run.span)
  const path = ({ run }: ColdPair) => run.chain.milliseconds
  const alone = ({ serialRun }: ColdPair) => serialRun.chain.milliseconds
  const [first] = pairs
  return {
    title,
    header: ["what", "median", "call is times that"],
    rows: [
      row("the whole call", ({ run }) => run.wall),
      ["of it before its first step and after its last", formatSeconds(outside), ""],
      row("critical path of its steps", path),
      row(`critical path of steps that ran alone (${oneByOne})`, alone),
      row(`the whole call, one step after another (${oneByOne})`, ({ serialRun }) => serialRun.wall),
    ],
    notes: [`Critical path: ${first?.run.chain.names.join(", then ") ?? ""}.`],
    goals: [atMost("the call against its critical path", against(path), limit, formatRatio)],
  }
}

/** When each step of a run ran, from the start of the first: what waited for what is seen there. */
export function timelineSection(title: string, { images }: Pick<StackReport, "images">): Section {
  const steps = images
    .flatMap(({ name, steps: its }) => its.map((step) => ({ ...step, name: `${name}: ${step.name}` })))
    .toSorted((one, other) => one.startedAt - other.startedAt)
  const start = steps[0]?.startedAt ?? 0
  return {
    title,
    header: ["step", "from", "to", "took"],
    rows: steps.map(({ name, startedAt, milliseconds }) => [
      name,
      formatSeconds(startedAt - start),
      formatSeconds(startedAt - start + milliseconds),
      formatSeconds(milliseconds),
    ]),
    notes: [],
    goals: [],
  }
}
