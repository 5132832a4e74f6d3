import type { ImageOutcome } from "../dagger/src/report/report.js"
import type { FixtureRun } from "../tests/support/fixtureStacks.js"

/** A run whose images all ended in one way. @throws Error where one did not: its time says nothing */
export function allEnded(kind: ImageOutcome["kind"], run: FixtureRun): FixtureRun {
  const others = Object.entries(run.outcomes).filter(([, outcome]) => outcome !== kind)
  if (others.length === 0) return run
  throw new Error(
    `images did not end as ${kind}: ${JSON.stringify(others)}\n${run.ended.stderr.slice(-2000)}`,
  )
}
