import { cleanText } from "../text/cleanText.js"

/**
 * What the engine said, as clean text, without what only the engine's authors can use: error class names and trace ids.
 * An exec's output, which the SDK keeps beside the message, is part of it.
 */
export function engineMessage(error: unknown): string {
  if (!(error instanceof Error)) return cleanText(String(error))
  const message = error.message.replaceAll(/ ?\[traceparent:[^\]]*\]/g, "").trim()
  return cleanText([message, ...outputOf(error)].join("\n"))
}

/** Output of a failed exec: `extensions` of the GraphQL error, as the engine's API documents them. */
function outputOf(error: Error): readonly string[] {
  const extensions: unknown = "extensions" in error ? error.extensions : undefined
  if (typeof extensions !== "object" || extensions === null) return []
  return ["stdout", "stderr"].flatMap((key) => {
    const text: unknown = Reflect.get(extensions, key)
    return typeof text === "string" && text.trim() !== "" && !error.message.includes(text.trim())
      ? [text.trim()]
      : []
  })
}
