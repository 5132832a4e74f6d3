const sizeGrammar = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/
const durationGrammar = /^(\d+(?:\.\d+)?)\s*(s|min|h)$/

const bytesPer: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

const secondsPer: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 }

const ageGrammar = /^(\d+(?:\.\d+)?)\s*(h|d)$/
const secondsPerAge: Readonly<Record<string, number>> = { h: 3600, d: 86_400 }

/** What `parseSize` accepts, for messages. */
export const sizeForm = 'a size such as "12 GB" or a number of bytes'
/** What `parseDuration` accepts, for messages. */
export const durationForm = 'a time such as "90 s", "20 min" or "2 h", or a number of seconds'

/** Bytes of `12 GB`, `512 MiB` or a plain number of bytes; undefined for what is no size above zero. */
export function parseSize(written: string | number): number | undefined {
  return positive(parse(written, sizeGrammar, bytesPer))
}

/** Seconds of `90 s`, `20 min`, `2 h` or a plain number of seconds; undefined for what is no time above zero. */
export function parseDuration(written: string | number): number | undefined {
  return positive(parse(written, durationGrammar, secondsPer))
}

/** What `parseAge` accepts, for messages. */
export const ageForm = 'an age such as "30 d" or "36 h"'

/** Seconds of `7 d` or `36 h`; undefined for what is no age above zero. */
export function parseAge(written: string): number | undefined {
  return positive(parse(written, ageGrammar, secondsPerAge))
}

/** What `parseDays` accepts, for messages. */
export const daysForm = 'a number of days such as "7 d"'

/** Days of `7 d`; undefined for what is no whole number of them above zero. */
export function parseDays(written: string): number | undefined {
  const days = (parseAge(written) ?? NaN) / 86_400
  return Number.isInteger(days) ? days : undefined
}

function parse(
  written: string | number,
  grammar: RegExp,
  factors: Readonly<Record<string, number>>,
): number | undefined {
  if (typeof written === "number") return written
  const [, amount, unit] = grammar.exec(written.trim()) ?? []
  if (amount === undefined || unit === undefined) return undefined
  return Number(amount) * (factors[unit] ?? NaN)
}

function positive(value: number | undefined): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined
  const whole = Math.round(value)
  return whole > 0 ? whole : undefined
}
