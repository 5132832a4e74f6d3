import { StringDecoder } from "node:string_decoder"
import type { Redact } from "../text/redact.js"

/** Characters of one line that are kept; a program that never ends its line must not fill the memory. */
const maximalLine = 64 * 1024
/** What stays uncut at the end of a long line: a secret there may not have come in full. The longest is a key. */
const margin = 16 * 1024
const headCharacters = 128 * 1024
const tailCharacters = 896 * 1024

/** A launch script says first what is wrong, and then that it cleans up. */
const complaints = /error|fail|denied|refused|invalid|cannot|not found|no such|exceeded|backoff|oomkilled/i

/** Cuts a stream of bytes into lines of UTF-8 text, without their line ends. */
export class LineSplitter {
  private readonly decoder = new StringDecoder("utf8")
  private rest = ""

  /** @param redact removes secrets from a line before it is cut: half of one would not be known again */
  constructor(
    private readonly take: (line: string) => void,
    private readonly redact: Redact = (text) => text,
  ) {}

  /** Takes the next bytes. */
  write(bytes: Buffer): void {
    this.split(this.decoder.write(bytes))
  }

  /** Hands over a last line without a line end. */
  end(): void {
    this.split(this.decoder.end())
    if (this.rest !== "") this.take(this.rest)
    this.rest = ""
  }

  private split(text: string): void {
    const [first = "", ...lines] = text.split("\n")
    this.rest += first
    this.cut()
    for (const line of lines) {
      this.take(this.rest.replace(/\r$/, ""))
      this.rest = line
      this.cut()
    }
  }

  private cut(): void {
    if (this.rest.length <= maximalLine + margin) return
    this.rest = this.redact(this.rest)
    while (this.rest.length > maximalLine + margin) {
      this.take(this.rest.slice(0, maximalLine))
      this.rest = this.rest.slice(maximalLine)
    }
  }
}

/** A log that keeps its beginning and its end, at most about a million characters. */
export class Transcript {
  private head = ""
  private tail: string[] = []
  private tailLength = 0
  private leftOut = 0
  private last = ""
  private lastComplaint = ""

  /** Appends a line, given without its line end. */
  add(line: string): void {
    if (line.trim() !== "") this.last = line.trim()
    if (complaints.test(line)) this.lastComplaint = line.trim()
    if (this.tail.length === 0 && this.head.length + line.length < headCharacters) {
      this.head += `${line}\n`
      return
    }
    this.tail.push(line)
    this.tailLength += line.length + 1
    // In blocks, as removing single lines from the front of a long array is slow.
    if (this.tailLength > 2 * tailCharacters) this.shorten()
  }

  /** The last line that complains of something, else the last that is not empty; at most 300 characters of it. */
  get closingWords(): string {
    return (this.lastComplaint || this.last).slice(0, 300)
  }

  /** The log; where lines are left out, a line says how many. */
  get text(): string {
    this.shorten()
    const gap = this.leftOut === 0 ? "" : `[... ${this.leftOut} lines left out ...]\n`
    return this.head + gap + this.tail.map((line) => `${line}\n`).join("")
  }

  private shorten(): void {
    let first = 0
    while (this.tailLength > tailCharacters && first < this.tail.length - 1) {
      this.tailLength -= (this.tail[first]?.length ?? 0) + 1
      first++
    }
    this.tail = this.tail.slice(first)
    this.leftOut += first
  }
}
