import { formatDuration } from "../text/format.js"
import { fenced } from "../text/markdown.js"
import { partsOf } from "./platforms.js"
import type { ImageOutcome, ImageReport, StackReport, TimedStep } from "./report.js"

/**
 * Where the time of a run went, as a Mermaid chart: a section for each image, a bar for each step, red for the step
 * that failed. Empty where no step ran.
 */
export function renderTimeline({ images, startedAt }: StackReport): string {
  const worked = images.flatMap(partsOf).filter(({ steps }) => steps.length > 0)
  if (worked.length === 0) return ""
  const lines = [
    "gantt",
    // Times of day, both read and shown in the zone of whoever looks: the axis starts at 00:00 everywhere.
    "  dateFormat HH:mm:ss.SSS",
    "  axisFormat %H:%M:%S",
    ...worked.flatMap((image) => sectionOf(image, startedAt)),
  ]
  return `## Where the time went\n\n${fenced(lines.join("\n"), "mermaid")}`
}

/** The steps that an outcome may come from. */
const failingSteps: Readonly<Partial<Record<ImageOutcome["kind"], readonly TimedStep["name"][]>>> = {
  "build-failed": ["build"],
  "tests-failed": ["tests", "integration tests"],
  "over-budget": ["inspect"],
  "tag-failed": ["inspect"],
  "publish-failed": ["publish", "tag"],
}

function sectionOf(image: ImageReport, startedAt: number): readonly string[] {
  const steps = image.steps.toSorted((a, b) => a.startedAt - b.startedAt)
  const failed = steps.findLast(({ name }) => failingSteps[image.outcome.kind]?.includes(name) === true)
  const bars = steps.map((step) => {
    const mark = step === failed ? "crit, " : ""
    return `  ${step.name} ${formatDuration(step.milliseconds)} :${mark}${spanOf(step, startedAt)}`
  })
  return [`  section ${chartName(image.name)}`, ...bars]
}

function spanOf({ startedAt, milliseconds }: TimedStep, origin: number): string {
  const start = Math.max(0, startedAt - origin)
  return `${timeOfDay(start)}, ${timeOfDay(start + milliseconds)}`
}

/** What Mermaid gives a meaning (`:`, `;`, `#`, `%%`, line breaks) is no part of a name there. */
function chartName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_. -]/gu, "-")
}

/** A time since the start as a time of day; a run is shorter than a day. */
function timeOfDay(milliseconds: number): string {
  return new Date(Math.min(milliseconds, 86_399_999)).toISOString().slice(11, 23)
}
