const byteUnits = ["B", "kB", "MB", "GB", "TB"] as const

/** A size for people, in decimal units as registries and `docker images` show it: `4.21 GB`, `999 kB`, `0 B`. */
export function formatBytes(bytes: number): string {
  const exact = Math.abs(bytes)
  // 999,950 bytes would round to "1000 kB": the unit is chosen after rounding to three digits.
  const power = exact < 1 ? 0 : Math.floor(Math.log10(Number(exact.toPrecision(3))) / 3)
  const unit = Math.min(power, byteUnits.length - 1)
  const value = exact / 1000 ** unit
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${bytes < 0 ? "-" : ""}${value.toFixed(digits)} ${byteUnits[unit] ?? "B"}`
}

/** A length of time for people, two units at most: `850 ms`, `12.4 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${padded(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} min`
}

/** `1 image`, `3 images`; give the plural where adding an "s" is wrong. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}

/** The first 12 hex digits of `sha256:<hex>`, enough for a person to compare. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12)
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(items: readonly string[], word: "and" | "or" = "and"): string {
  if (items.length < 2) return items.join("")
  return `${items.slice(0, -1).join(", ")} ${word} ${items.at(-1) ?? ""}`
}

function padded(value: number): string {
  return String(value).padStart(2, "0")
}
