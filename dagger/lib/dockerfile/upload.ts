import { isIgnored, parseIgnoreFile } from "./ignoreFile.js"

/**
 * What the CLI does not upload of a checkout: the `ignore` of every argument `source` in `index.ts`, where the SDK wants
 * it as a literal. Installations and results are large, and no part of a stack outside of build contexts; below images/
 * git may track them. Configurations of git may hold logins (`url.https://TOKEN@host`, `http.extraheader`), and whatever
 * is uploaded lies in the engine's cache: git does without (`tools/git/configuration.ts`).
 */
export const notUploaded: readonly string[] = [
  "**/node_modules",
  "**/.venv",
  "**/__pycache__",
  "out",
  "!images/**",
  "**/.git/config",
  "**/.git/config.worktree",
  "**/.git/modules/**/config",
]

const patterns = parseIgnoreFile("index.ts", notUploaded.join("\n"), [])

/** Whether a path of the checkout is uploaded, where it is there. */
export function isUploaded(path: string): boolean {
  return !isIgnored(patterns, path)
}

/** Whether a path is of what Python leaves beside the files that it runs: nobody's, unless git tracks it. */
export function isLeftByPython(path: string): boolean {
  return /(?:^|\/)__pycache__\//.test(path)
}
