import type { Problem } from "../problems.js"
import type * as z from "zod"
import { hintFor } from "../text/suggest.js"
import type { Place, YamlFile } from "./yamlFile.js"

type Issue = z.core.$ZodIssue

/** Checks a file's shape: its data as the schema types it, or undefined, and every mistake at its place. */
export function checkShape<Schema extends z.ZodType>(
  schema: Schema,
  file: YamlFile,
): { readonly data?: z.infer<Schema>; readonly problems: readonly Problem[] } {
  const { data, error } = schema.safeParse(file.root.value)
  if (error === undefined) return { data, problems: [] }
  return { problems: error.issues.flatMap((issue) => problemsOf(issue, file)) }
}

/** The schema's messages are accepted forms, see `writtenSpec`. */
function problemsOf(issue: Issue, file: YamlFile): readonly Problem[] {
  if (issue.code === "unrecognized_keys") return unknownKeys(issue.keys, issue, file)
  if (issue.code === "invalid_key") return [badKey(issue, file)]
  const name = nameOf(issue.path)
  const place = file.at(...issue.path)
  if (place === undefined) {
    const { keyLocation } = file.nearest(issue.path)
    return [{ location: keyLocation, message: `${name} is missing`, hint: `must be ${issue.message}` }]
  }
  const { location } = place
  return [{ location, message: `${name} must be ${issue.message}, not ${describe(place)}` }]
}

function unknownKeys(keys: readonly string[], issue: Issue, file: YamlFile): readonly Problem[] {
  const known = issue.message.split(" ")
  // Whoever has a thousand of them has not misspelt a thousand.
  return keys.map((key, index) => ({
    location: file.nearest([...issue.path, key]).keyLocation,
    message: `unknown key "${shorten(key)}"`,
    ...(index < mostHints && { hint: hintFor(key, known, "keys") }),
  }))
}

const mostHints = 100

function badKey(issue: z.core.$ZodIssueInvalidKey, file: YamlFile): Problem {
  const key = String(issue.path.at(-1))
  const form = issue.issues[0]?.message ?? issue.message
  const { keyLocation } = file.nearest(issue.path)
  return { location: keyLocation, message: `"${shorten(key)}" must be ${form}` }
}

/** `"tag"`, `item 2 of "info_cmds"`, or `the file` for the whole. */
function nameOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1)
  if (last === undefined) return "the file"
  if (typeof last !== "number") return `"${String(last)}"`
  return `item ${last + 1} of ${nameOf(path.slice(0, -1))}`
}

function describe({ value, text }: Place): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
  if (value === null) return "empty"
  if (typeof value === "object") return Object.keys(value).length === 0 ? "an empty mapping" : "a mapping"
  return typeof value === "string" ? `the text "${shorten(value)}"` : (text ?? JSON.stringify(value))
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`
}
