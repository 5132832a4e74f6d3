/**
 * A text without a character's repetitions at its end. The regular expression for that (`/x+$/`) takes time by the
 * square of their number where they stand in the middle.
 */
export function trimEnd(text: string, char: string): string {
  let end = text.length
  while (end > 0 && text.charAt(end - 1) === char) end -= 1
  return text.slice(0, end)
}

/** A text without its last line break, `\n` or `\r\n`; further ones, and blanks, stay. */
export function withoutLineBreak(text: string): string {
  if (text.endsWith("\r\n")) return text.slice(0, -2)
  return text.endsWith("\n") ? text.slice(0, -1) : text
}
