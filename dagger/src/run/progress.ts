import { formatDuration, plural } from "../text/format.js"

/** Milliseconds without a line after which one says what is still running. */
const silence = 60_000
/** Of more running steps only the number is said. */
const namedSteps = 3

interface RunningStep {
  readonly image: string
  readonly step: string
  readonly startedAt: number
}

/**
 * How far a run is, as lines for whoever follows it through a pipe: one when a step begins and ends, with what else is
 * running, and one a minute where nothing else happens.
 */
export class Progress {
  private readonly running = new Set<RunningStep>()
  private finished = 0
  private lastLine = Date.now()

  /**
   * @param images how many there are
   * @param echo where lines go; the caller's console
   */
  constructor(
    private readonly images: number,
    private readonly echo: (line: string) => void,
  ) {}

  /** Something that happens to an image. */
  say(image: string, text: string): void {
    this.lastLine = Date.now()
    this.echo(`${image}: ${text}`)
  }

  /** A step begins. @returns what to call at its end, with the milliseconds that it took */
  begin(image: string, step: string): (milliseconds: number) => void {
    const running = { image, step, startedAt: Date.now() }
    this.running.add(running)
    this.say(image, `${step} ...`)
    return (milliseconds) => {
      this.running.delete(running)
      const others = this.describeRunning(false)
      this.say(
        image,
        `${step} took ${formatDuration(milliseconds)}${others === "" ? "" : ` (running: ${others})`}`,
      )
    }
  }

  /** An image's way has ended. */
  end(): void {
    this.finished += 1
  }

  /** Runs something, and says what is going on where it is silent for long. */
  async watched<T>(run: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => {
      this.tick(Date.now())
    }, silence / 4)
    try {
      return await run()
    } finally {
      clearInterval(timer)
    }
  }

  /** @param now milliseconds since 1970 */
  tick(now: number): void {
    if (this.running.size === 0 || now - this.lastLine < silence) return
    this.lastLine = now
    const done = `${this.finished} of ${plural(this.images, "image")} done`
    this.echo(`still running: ${this.describeRunning(true, now)}; ${done}`)
  }

  private describeRunning(withTimes: boolean, now = Date.now()): string {
    const named = [...this.running].slice(0, namedSteps).map(({ image, step, startedAt }) => {
      return withTimes ? `${image} ${step} (${formatDuration(now - startedAt)})` : `${image} ${step}`
    })
    const more = this.running.size - named.length
    return [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ")
  }
}
