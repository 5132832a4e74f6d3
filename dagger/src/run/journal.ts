import type { Step } from "../report/report.js"
import { cleanText } from "../text/cleanText.js"

/**
 * What happens to one image, as it happens: lines for the image's log and for whoever watches, and the times of steps.
 */
export class ImageJournal {
  readonly steps: Step[] = []
  private readonly lines: string[] = []

  /** @param echo where lines go beside the log; the caller's console */
  constructor(
    private readonly image: string,
    private readonly echo: (line: string) => void,
  ) {}

  /** One line for the log and the watcher. */
  say(line: string): void {
    const clean = cleanText(line)
    this.lines.push(`${new Date().toISOString()} ${clean}`)
    this.echo(`${this.image}: ${clean}`)
  }

  /** Output that belongs into the log only. */
  keep(output: string): void {
    this.lines.push(cleanText(output))
  }

  /** Runs a step and notes how long it took, whether it works or not. */
  async step<T>(name: Step["name"], run: () => Promise<T>): Promise<T> {
    const startedAt = Date.now()
    this.say(`${name} ...`)
    try {
      return await run()
    } finally {
      const milliseconds = Date.now() - startedAt
      this.steps.push({ name, startedAt, milliseconds })
      this.say(`${name} took ${(milliseconds / 1000).toFixed(1)} s`)
    }
  }

  /** The whole log. */
  text(): string {
    return `${this.lines.join("\n")}\n`
  }
}
