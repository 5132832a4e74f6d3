import type { ByImage, FixtureRun } from "../tests/support/fixtureStacks.js"
import type { Plan } from "../dagger/src/plan/planDocument.js"
import type { StackReport } from "../dagger/src/report/report.js"
import { longestChain, serialSum, worksOf } from "./criticalPath.js"
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
  /** Milliseconds of all steps, one after another. */
  readonly serial: number
}

/** Times of a run by what it left. */
export function runFigures({
  report,
  plan,
  milliseconds,
}: Pick<FixtureRun, "report" | "plan" | "milliseconds">): RunFigures {
  const parents = parentsOf(plan)
  const works = worksOf(
    report.images.map(({ name, steps }) => ({ name, steps, parents: parents[name] ?? [] })),
  )
  const steps = report.images.flatMap((image) => image.steps)
  const end = Math.max(...steps.map((step) => step.startedAt + step.milliseconds))
  const span = end - Math.min(...steps.map(({ startedAt }) => startedAt))
  return { wall: milliseconds, span, chain: longestChain(works), serial: serialSum(works) }
}

function parentsOf({ steps }: Plan): ByImage<readonly string[]> {
  return Object.fromEntries(steps.map(({ image, parents }) => [image, parents.map((parent) => parent.image)]))
}

/** A table of cold runs, with what was promised of them. */
export function runSection(title: string, runs: readonly RunFigures[]): Section {
  const ratio = median(runs.map(({ wall, chain }) => wall / chain.milliseconds))
  const gain = median(runs.map(({ wall, serial }) => wall / serial))
  const row = (what: string, figure: (run: RunFigures) => number, share?: number) => [
    what,
    formatSeconds(median(runs.map(figure))),
    share === undefined ? "" : formatRatio(share),
  ]
  const [first] = runs
  return {
    title,
    header: ["what", "median", "call is times that"],
    rows: [
      row("the whole call", ({ wall }) => wall, 1),
      row("of it before its first step and after its last", ({ wall, span }) => wall - span),
      row("critical path of its steps", ({ chain }) => chain.milliseconds, ratio),
      row("all steps, one after another", ({ serial }) => serial, gain),
    ],
    notes: [`Critical path: ${first?.chain.names.join(", then ") ?? ""}.`],
    goals: [atMost("the call against its critical path", ratio, limit, formatRatio)],
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
