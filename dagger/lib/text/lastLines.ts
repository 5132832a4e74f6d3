/** Lines that are kept of all output, and of standard error besides. */
const mostLines = 70
const mostErrors = 30
/** Characters that are kept of a line. */
const longestLine = 4000

interface Line {
  /** Number of the line among all of the output. */
  readonly number: number
  readonly text: string
}

/**
 * The end of a program's output, a hundred lines. Its two streams come on two ways, so that the word on what went wrong
 * may arrive before lines that were printed earlier: the last lines of standard error are kept in any case.
 */
export class LastLines {
  private count = 0
  private readonly open = { out: "", err: "" }
  private readonly last: Line[] = []
  private readonly errors: Line[] = []

  /** Takes a piece of output as it came, which need not be whole lines. */
  add(stream: "out" | "err", piece: string): void {
    const lines = `${this.open[stream]}${piece}`.split("\n")
    this.open[stream] = (lines.pop() ?? "").slice(-longestLine)
    for (const text of lines) this.take(stream, text)
  }

  /** The lines that were kept, with a mark where others stood between. */
  text(): string {
    for (const stream of ["out", "err"] as const) if (this.open[stream] !== "") this.add(stream, "\n")
    const numbers = new Set(this.last.map(({ number }) => number))
    const kept = [...this.errors.filter(({ number }) => !numbers.has(number)), ...this.last]
    const shown = kept.flatMap(({ number, text }, index) =>
      number === (index === 0 ? 0 : (kept[index - 1]?.number ?? 0) + 1) ? [text] : ["[...]", text],
    )
    return shown.join("\n")
  }

  private take(stream: "out" | "err", text: string): void {
    const line = { number: this.count, text: text.slice(-longestLine) }
    this.count += 1
    for (const [lines, most] of [
      [this.last, mostLines],
      [stream === "err" ? this.errors : [], mostErrors],
    ] as const) {
      lines.push(line)
      if (lines.length > most) lines.shift()
    }
  }
}
