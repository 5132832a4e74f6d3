/** A place in a file of the user's; lines and columns count from 1. See `atOption` for options. */
export interface Location {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One mistake in the user's input, told in a sentence, with what would be accepted where that helps. */
export interface Problem {
  readonly location: Location
  readonly message: string
  /** What would be accepted instead, as a sentence or a suggestion (`did you mean "depend_on"?`). */
  readonly hint?: string
}

/** Mistakes in the user's input, all that one pass found, each at its place. */
export class InputError extends Error {
  override readonly name = "InputError"

  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"))
  }
}

/** The place of a mistake in an option of the call (`--only`): it has no lines. */
export function atOption(option: string): Location {
  return { file: option, line: 0, column: 0 }
}

/** `file:line:column: message (hint)`: the form that editors and terminals turn into a link. */
export function formatProblem({ location, message, hint }: Problem): string {
  const { file, line, column } = location
  const place = line === 0 ? file : `${file}:${line}:${column}`
  return hint === undefined ? `${place}: ${message}` : `${place}: ${message} (${hint})`
}
