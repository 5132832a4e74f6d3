import type { Problem } from "../problems.js"
import { InputError, atOption, formatProblem } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import type { LinkedImage } from "./link.js"

/** What of an image says which secrets its build takes. */
type WithSecrets = Pick<LinkedImage, "name" | "secrets">

/**
 * Whether what is given fits what the images mount.
 * @param given ids of the secrets that the call names
 * @param built the images that are built in this run, with what they are built on
 * @param all gives every image of the stack; asked for a secret that none of those mounts
 * @throws InputError for a secret that a build cannot do without, and for one that no image mounts
 */
export function requireSecrets(
  given: ReadonlySet<string>,
  built: readonly WithSecrets[],
  all: () => readonly WithSecrets[],
): void {
  const missing = built.flatMap(({ secrets }) =>
    secrets.filter(({ id, required }) => required && !given.has(id)),
  )
  const mounted = idsOf(built)
  const known = [...given].every((id) => mounted.has(id)) ? mounted : idsOf(all())
  const problems: readonly Problem[] = [
    ...missing.map(({ id, location }) => ({ location, ...notGiven(id) })),
    ...[...given]
      .filter((id) => !known.has(id))
      .map((id) => ({
        location: atOption("--secret-id"),
        message: `no image mounts a secret "${id}"`,
        hint: hintFor(id, known, "secrets that images mount"),
      })),
  ]
  if (problems.length > 0) throw new InputError(problems)
}

function idsOf(images: readonly WithSecrets[]): ReadonlySet<string> {
  return new Set(images.flatMap(({ secrets }) => secrets.map(({ id }) => id)))
}

/** What is said about secrets that an image mounts, can do without, and does not get; one for all. */
export function secretNotices(given: ReadonlySet<string>, { secrets }: WithSecrets): readonly string[] {
  const absent = secrets.filter(({ id }) => !given.has(id))
  const [first] = absent
  if (first === undefined) return []
  const ids = [...new Set(absent.map(({ id }) => id))].join(", ")
  return [formatProblem({ location: first.location, ...notGiven(ids) })]
}

function notGiven(id: string): { readonly message: string; readonly hint: string } {
  return {
    message: `the secret "${id}" is not given`,
    hint: `--secret-id=${id} --secret=env://NAME, with the secret in the variable NAME`,
  }
}
