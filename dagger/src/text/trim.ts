/**
 * A text without a character's repetitions at its end. The regular expression for that (`/x+$/`) takes time by the
 * square of their number where they stand in the middle.
 */
export function trimEnd(text: string, char: string): string {
  let end = text.length
  while (end > 0 && text.charAt(end - 1) === char) end -= 1
  return text.slice(0, end)
}
