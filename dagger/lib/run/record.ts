import { AsyncResource } from "node:async_hooks"
import { getTracer } from "@dagger.io/dagger/telemetry"
import type { FolderPasses, SuiteResult } from "../engine/imageTests.js"
import type { OutsideFacts, ProbeResult } from "../engine/inspectImage.js"
import type { TimedStep, TestSuite } from "../report/report.js"
import { cleanText } from "../text/cleanText.js"
import type { OpenStep, Progress } from "./progress.js"

/** Of a span: it stands in front on a terminal, and what is not marked so is folded away (telemetry/attrs.go). */
export const inFront = { "dagger.io/ui.reveal": true }

/** A test suite's result with what it leaves for the artifacts. */
export interface SuiteOutput extends TestSuite {
  readonly log: string
  readonly files?: SuiteResult["files"]
  readonly notices: SuiteResult["notices"]
  readonly passed: FolderPasses["passed"]
  readonly serverLog?: string
}

/**
 * What is found out about one image, as it is found out: whatever happens to the image afterwards, it stays. Lines for
 * its log and for whoever watches, times of steps, results of tests, facts for its page.
 */
export class ImageRecord {
  readonly steps: TimedStep[] = []
  readonly suites: SuiteOutput[] = []
  readonly notices: string[]
  /** Folders whose tests have passed in this very image, by the word of the registry: they do not run again. */
  readonly proved: string[] = []
  /** Folders whose tests passed in this run, or in an earlier one. */
  readonly passed: string[] = []
  probes: ReadonlyMap<string, ProbeResult> = new Map()
  /** What was found out of it from outside. */
  outside: OutsideFacts = {}
  private readonly lines: string[] = []

  constructor(
    private readonly image: string,
    private readonly progress: Progress,
    notices: readonly string[],
  ) {
    this.notices = [...notices]
  }

  /** One line for the log and the watcher. */
  say(line: string): void {
    const clean = cleanText(line)
    this.log(clean)
    this.progress.say(this.image, clean)
  }

  /** Output that belongs into the log only. */
  keep(output: string): void {
    this.lines.push(cleanText(output))
  }

  /** Runs a step and notes how long it took, whether it works or not. */
  async step<T>(name: TimedStep["name"], run: () => Promise<T>): Promise<T> {
    const startedAt = Date.now()
    this.log(`${name} ...`)
    const open = this.progress.begin(this.image, name)
    try {
      return await inSpan(name, open, run)
    } finally {
      const milliseconds = Date.now() - startedAt
      this.steps.push({ name, startedAt, milliseconds })
      this.log(`${name} took ${(milliseconds / 1000).toFixed(1)} s`)
      open.end(milliseconds)
    }
  }

  /** The whole log. */
  text(): string {
    return `${this.lines.join("\n")}\n`
  }

  private log(line: string): void {
    this.lines.push(`${new Date().toISOString()} ${line}`)
  }
}

/** A build is the one step of its phase, which has a span already, and tells nothing of how far it is. */
function inSpan<T>(name: TimedStep["name"], open: OpenStep, run: () => Promise<T>): Promise<T> {
  if (name === "build") return run()
  const followed = async (span: ReturnType<ReturnType<typeof getTracer>["startSpan"]>) => {
    const line = new CountLine()
    // Called from elsewhere, it still belongs to this span.
    const show = AsyncResource.bind((count: string) => {
      line.show(count)
    })
    open.follow({ span: span.spanContext().spanId, show })
    try {
      return await run()
    } finally {
      line.remove()
    }
  }
  return getTracer().startActiveSpan(name, followed, inFront)
}

/**
 * How far a step is, as a line below it in the CLI's tree. A span's name stays what it was at its start: another count is
 * another line, and the CLI takes away those that have ended.
 */
class CountLine {
  private end: () => void = () => undefined

  /** Replaces the line. Belongs to the span in which it is called. */
  show(count: string): void {
    this.end()
    const span = getTracer().startSpan(count, inFront)
    this.end = () => {
      span.end()
    }
  }

  /** Takes it away. */
  remove(): void {
    this.end()
    this.end = () => undefined
  }
}
