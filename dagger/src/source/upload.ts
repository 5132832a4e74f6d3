import { isIgnored, parseIgnoreFile } from "../dockerfile/ignoreFile.js"

/**
 * What the CLI does not upload of a checkout: the `ignore` of every argument `source` in `index.ts`, where the SDK wants
 * it as a literal. Installations and results are large, and no part of a stack outside of build contexts; below images/
 * they may be copied, as docker would. What Python leaves beside tests is nobody's.
 */
export const notUploaded: readonly string[] = [
  "**/node_modules",
  "**/.venv",
  "out",
  "!images/**",
  "**/__pycache__",
]

const patterns = parseIgnoreFile("index.ts", notUploaded.join("\n"), [])

/** Whether a path of the checkout is uploaded, where it is there. */
export function isUploaded(path: string): boolean {
  return !isIgnored(patterns, path)
}
