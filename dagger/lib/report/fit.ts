import { trimEnd } from "../text/trim.js"

/** Bytes of a text in UTF-8, as services count them. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}

/**
 * The first of these blocks that fit, and a block about the rest where some are left out. Blocks stay whole, so that
 * no fold or fence of Markdown is left open.
 * @param bytes room for all of it, with the blank lines between
 * @param rest says how many are left out
 */
export function fitting(
  blocks: readonly string[],
  bytes: number,
  rest: (count: number) => string,
): readonly string[] {
  const separator = 2
  const reserved = bytesOf(rest(blocks.length)) + separator
  let used = 0
  for (const [index, block] of blocks.entries()) {
    used += bytesOf(block) + separator
    const room = index === blocks.length - 1 ? bytes : bytes - reserved
    if (used > room) return [...blocks.slice(0, index), rest(blocks.length - index)]
  }
  return blocks
}

/** The start and the end of a long text, whole lines where they are not long themselves. */
export function shortened(text: string, characters: number): string {
  if (text.length <= characters) return text
  const half = Math.floor(characters / 2)
  const head = text.slice(0, half)
  const tail = text.slice(-half)
  const lineEnd = head.lastIndexOf("\n")
  const lineStart = tail.indexOf("\n")
  const start = lineEnd > half / 2 ? head.slice(0, lineEnd) : head
  const end = lineStart !== -1 && lineStart < half / 2 ? tail.slice(lineStart + 1) : tail
  const left = text.length - start.length - end.length
  return `${trimEnd(start, "\n")}\n[... ${left} characters are in the log only ...]\n${end}`.replaceAll(
    /\p{Cs}/gu,
    "\uFFFD",
  )
}
