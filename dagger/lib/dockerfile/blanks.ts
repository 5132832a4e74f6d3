/**
 * White space as BuildKit knows it: Go's `unicode.IsSpace`. JavaScript's `\s` and `trim` lack U+0085 and take a byte
 * order mark for a blank.
 */
const space = "\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
const blank = new RegExp(`^[${space}]$`)
const leadingBlanks = new RegExp(`^[${space}]+`)

/** What separates a keyword from its arguments, and the words of FROM, COPY and ADD: plain blanks only. */
export const separators = /[\t\v\f\r ]+/

/** Whether one character is white space. */
export function isBlank(char: string): boolean {
  return blank.test(char)
}

/** How many characters of white space stand at the start, or behind a position. */
export function blanksAt(text: string, from = 0): number {
  let end = from
  while (end < text.length && isBlank(text.charAt(end))) end += 1
  return end - from
}

export function trimBlanksStart(text: string): string {
  return text.replace(leadingBlanks, "")
}

export function trimBlanks(text: string): string {
  let end = text.length
  while (end > 0 && isBlank(text.charAt(end - 1))) end -= 1
  return trimBlanksStart(text.slice(0, end))
}
