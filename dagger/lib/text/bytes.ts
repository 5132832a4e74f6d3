/**
 * Texts that need not be UTF-8, without loss: a byte that is no part of a character becomes a lone surrogate, U+DC80 to
 * U+DCFF, which no UTF-8 holds (as Python's `surrogateescape`, PEP 383). So two files that differ never become alike.
 */

const firstStray = 0xdc00
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text of bytes; nothing is left out or replaced. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return lossless(bytes)
  }
}

/** The bytes of a text of `textOfBytes`. */
export function bytesOfText(text: string): Uint8Array {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text)
  const pieces = text.match(/[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]|[^\udc80-\udcff]/g) ?? []
  return Buffer.concat(
    pieces.map((piece) =>
      piece.length === 1 && isStray(piece)
        ? Buffer.from([piece.charCodeAt(0) - firstStray])
        : Buffer.from(piece),
    ),
  )
}

function isStray(char: string): boolean {
  const code = char.charCodeAt(0)
  return code >= firstStray + 0x80 && code <= firstStray + 0xff
}

function lossless(bytes: Uint8Array): string {
  const parts: string[] = []
  let index = 0
  while (index < bytes.length) {
    const length = sequenceLength(bytes, index)
    if (length === 0) parts.push(String.fromCharCode(firstStray + (bytes[index] ?? 0)))
    else parts.push(strictDecoder.decode(bytes.subarray(index, index + length)))
    index += Math.max(1, length)
  }
  return parts.join("")
}

/** Bytes of the character that starts at an index; 0 where none does. */
function sequenceLength(bytes: Uint8Array, index: number): number {
  const first = bytes[index] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  try {
    if (length === 0 || index + length > bytes.length) return 0
    strictDecoder.decode(bytes.subarray(index, index + length))
    return length
  } catch {
    return 0
  }
}
