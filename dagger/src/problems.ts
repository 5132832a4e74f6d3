import type { Problem } from "./spec/spec.js"

/** Mistakes in the user's input, all that one pass found, each at its place. */
export class InputError extends Error {
  override readonly name = "InputError"

  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"))
  }
}

/** `file:line:column: message (hint)`: the form that editors and terminals turn into a link. */
export function formatProblem({ location, message, hint }: Problem): string {
  const place = `${location.file}:${location.line}:${location.column}`
  return hint === undefined ? `${place}: ${message}` : `${place}: ${message} (${hint})`
}
