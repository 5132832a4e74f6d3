import { formatDuration, plural } from "../text/format.js"
import type { StepCounts } from "../engine/stepCounts.js"

/** Milliseconds between two looks at how far the steps are. */
const pace = 5000
/** Milliseconds between two lines that tell how far a step is, and without a line until one tells what is running. */
const pauses = { count: 15_000, silence: 60_000 }
/** The longer something takes, the rarer such lines are: a pause has at least this share of the time so far. */
const shareOfPause = 0.1
/** Of more running steps only the number is said. */
const namedSteps = 3

/** Where a step tells how far it is. */
export interface CountedStep {
  /** Id of its span. */
  readonly span: string
  /** Shows a count at a terminal. */
  readonly show: (count: string) => void
}

interface RunningStep {
  readonly image: string
  readonly step: string
  readonly startedAt: number
  counted?: CountedStep
  /** What is known of how far it is. */
  count?: string
  /** What was said of it last, and when, in milliseconds since 1970. */
  said: { readonly count: string; readonly at: number }
}

/** A step that goes on. */
export interface OpenStep {
  /** Has it followed. */
  readonly follow: (counted: CountedStep) => void
  /** Says its end. @param milliseconds that it took */
  readonly end: (milliseconds: number) => void
}

/**
 * How far a run is, as lines for whoever follows it through a pipe: one when a step begins and ends, with what else is
 * running, some while a long one counts, and one where nothing else happens for a minute.
 */
export class Progress {
  private readonly running = new Set<RunningStep>()
  private readonly startedAt = Date.now()
  private finished = 0
  private lastLine = Date.now()

  /**
   * @param images how many there are
   * @param echo where lines go; the caller's console
   * @param counts what is known of steps that go on
   */
  constructor(
    private readonly images: number,
    private readonly echo: (line: string) => void,
    private readonly counts: Pick<StepCounts, "refresh" | "describe">,
  ) {}

  /** Something that happens to an image. */
  say(image: string, text: string): void {
    this.lastLine = Date.now()
    this.echo(`${image}: ${text}`)
  }

  /** A step begins. */
  begin(image: string, step: string): OpenStep {
    const startedAt = Date.now()
    const running: RunningStep = { image, step, startedAt, said: { count: "", at: startedAt } }
    this.running.add(running)
    this.say(image, `${step} ...`)
    return {
      follow: (counted) => {
        running.counted = counted
      },
      end: (milliseconds) => {
        this.running.delete(running)
        const others = this.describeRunning()
        this.say(
          image,
          `${step} took ${formatDuration(milliseconds)}${others === "" ? "" : ` (running: ${others})`}`,
        )
      },
    }
  }

  /** An image's way has ended. */
  end(): void {
    this.finished += 1
  }

  /** Runs something, and says what is going on where it takes long. */
  async watched<T>(run: () => Promise<T>): Promise<T> {
    let looking = false
    const timer = setInterval(() => {
      if (looking) return
      looking = true
      void this.look().finally(() => (looking = false))
    }, pace)
    try {
      return await run()
    } finally {
      clearInterval(timer)
    }
  }

  /** Looks how far the steps are, and says it where it is time. @param now milliseconds since 1970 */
  async look(now?: number): Promise<void> {
    if ([...this.running].some(({ counted }) => counted !== undefined)) await this.counts.refresh()
    this.tick(now ?? Date.now())
  }

  private tick(now: number): void {
    for (const step of this.running) this.tellCount(step, now)
    if (this.running.size === 0 || now - this.lastLine < pauseAfter(now - this.startedAt, pauses.silence))
      return
    this.lastLine = now
    const done = `${this.finished} of ${plural(this.images, "image")} done`
    this.echo(`still running: ${this.describeRunning(now)}; ${done}`)
  }

  private tellCount(running: RunningStep, now: number): void {
    const { image, step, startedAt, counted, said } = running
    const count = counted === undefined ? undefined : this.counts.describe(counted.span)
    if (count === undefined) return
    if (count !== running.count) counted?.show(count)
    running.count = count
    if (count === said.count || now - said.at < pauseAfter(now - startedAt, pauses.count)) return
    running.said = { count, at: now }
    this.lastLine = now
    this.echo(`${image}: ${step}: ${count}`)
  }

  /** @param now milliseconds since 1970, where it is to be said since when */
  private describeRunning(now?: number): string {
    const named = [...this.running].slice(0, namedSteps).map(({ image, step, startedAt, count }) => {
      const known = [...(count === undefined ? [] : [count])]
      if (now !== undefined) known.push(formatDuration(now - startedAt))
      return known.length === 0 ? `${image} ${step}` : `${image} ${step} (${known.join("; ")})`
    })
    const more = this.running.size - named.length
    return [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ")
  }
}

/** @param soFar all in milliseconds */
function pauseAfter(soFar: number, least: number): number {
  return Math.max(least, shareOfPause * soFar)
}
