import type { Timing } from "../generatedPlan.js"
import { planGenerated } from "../generatedPlan.js"
import { median } from "../measure.js"
import type { BenchPart } from "../part.js"
import { atMost } from "../part.js"

/** Milliseconds that linking may take, and planning as well. */
const limit = 2000
const size = { images: 300, files: 30 }

/** What a run works out before it builds, for a stack that is larger than anybody's. */
export const planning: BenchPart = {
  name: "planning",
  summary: "linking and planning 300 images, without an engine",
  needsEngine: false,
  run: function* ({ repeats }) {
    const runs = Array.from({ length: repeats }, () => planGenerated(size))
    const steps = runs[0]?.map(({ step }) => step) ?? []
    const medianOf = (wanted: (step: string) => boolean) =>
      median(runs.map((timings) => sum(timings.filter(({ step }) => wanted(step)))))
    const totals = ["link", "plan"].map((kind) => [kind, medianOf((step) => step.startsWith(kind))] as const)
    const section = {
      title: `Planning ${size.images} images of ${size.files} files each`,
      header: ["step", "median"],
      rows: [
        ...steps.map((step) => [step, formatMilliseconds(medianOf((each) => each === step))]),
        ...totals.map(([kind, total]) => [`all of ${kind}`, formatMilliseconds(total)]),
      ],
      notes: [],
      goals: totals.map(([kind, total]) => atMost(`all of ${kind}`, total, limit, formatMilliseconds)),
    }
    yield section
  },
}

function sum(timings: readonly Timing[]): number {
  return timings.reduce((total, { milliseconds }) => total + milliseconds, 0)
}

function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`
}
