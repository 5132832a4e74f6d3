/** Replaces secrets in a text that goes to people. */
export type Redact = (text: string) => string

const replacement = "[secret]"
/** Lines of a private key shorter than this are its frame or its last, short line; they tell nothing. */
const shortestKeyLine = 16

/**
 * Makes a function that removes secrets from texts, as they are and as programs commonly write them: base64,
 * percent-encoded, JSON-escaped, and each line of a longer one. An empty secret is none.
 */
export function redactor(secrets: readonly (string | undefined)[]): Redact {
  const forms = new Set(secrets.flatMap((secret) => (secret === undefined ? [] : formsOf(secret))))
  forms.delete("")
  return (text) =>
    withoutPlaces(
      text,
      [...forms].flatMap((form) => placesOf(text, form)),
    )
}

/** From a position up to another. */
type Place = readonly [start: number, end: number]

/** Where a form stands; places that overlap or touch are told as one. */
function placesOf(text: string, form: string): readonly Place[] {
  const places: [number, number][] = []
  for (let start = text.indexOf(form); start !== -1; start = text.indexOf(form, start + 1)) {
    const last = places.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = start + form.length
    else places.push([start, start + form.length])
  }
  return places
}

/** All places are found before the first is replaced: where two secrets overlap, no part of the second may be left. */
function withoutPlaces(text: string, places: readonly Place[]): string {
  let clean = ""
  let position = 0
  for (const [start, end] of places.toSorted(([a], [b]) => a - b)) {
    if (start > position || position === 0) clean += text.slice(position, start) + replacement
    position = Math.max(position, end)
  }
  return clean + text.slice(position)
}

function formsOf(secret: string): string[] {
  const whole = secret.trim()
  if (whole === "") return []
  const lines = whole.includes("\n")
    ? whole.split(/\r?\n/).filter((line) => line.length >= shortestKeyLine && !line.startsWith("-----"))
    : []
  const escaped = JSON.stringify(whole).slice(1, -1)
  const bytes = Buffer.from(whole)
  // By way of bytes, as percent-encoding refuses half a surrogate pair.
  const encoded = encodeURIComponent(bytes.toString())
  return [secret, whole, escaped, bytes.toString("base64"), encoded, ...lines]
}
