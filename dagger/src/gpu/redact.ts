/** Replaces secrets in a text that leaves the session. */
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
  // The longest first: a form may contain another.
  const ordered = [...forms].sort((a, b) => b.length - a.length)
  return (text) => ordered.reduce((clean, form) => clean.replaceAll(form, replacement), text)
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
