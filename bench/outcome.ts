import type { ImageOutcome } from "../dagger/lib/report/report.js"
import type { FixtureRun } from "../tests/support/fixtureStacks.js"

/** A run whose images all ended in one way. @throws Error where one did not: its time says nothing */
export function allEnded<Run extends Pick<FixtureRun, "report" | "ended">>(
  kind: ImageOutcome["kind"],
  run: Run,
): Run {
  const others = run.report.images.filter(({ outcome }) => outcome.kind !== kind)
  if (others.length === 0) return run
  const found = others.map(({ name, outcome }) => `${name}: ${outcome.kind}`)
  throw new Error(`images did not end as ${kind}: ${found.join(", ")}\n${run.ended.stderr.slice(-2000)}`)
}
