import type { Problem } from "../problems.js"
import { InputError, atOption, formatProblem } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import { sshAgent } from "../text/shell.js"
import type { LinkedImage } from "./linkedImage.js"

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
    ...[...given].filter((id) => !known.has(id)).map((id) => unmounted(id, known)),
  ]
  if (problems.length > 0) throw new InputError(problems)
}

function unmounted(id: string, known: ReadonlySet<string>): Problem {
  if (id === sshAgent) return { location: atOption("--ssh"), message: "no image mounts an ssh agent" }
  const ids = [...known].filter((each) => each !== sshAgent)
  return {
    location: atOption("--secret-id"),
    message: `no image mounts a secret "${id}"`,
    hint: hintFor(id, ids, "secrets that images mount"),
  }
}

function idsOf(images: readonly WithSecrets[]): ReadonlySet<string> {
  return new Set(images.flatMap(({ secrets }) => secrets.map(({ id }) => id)))
}

/** What is said about secrets that an image mounts, can do without, and does not get: one for all, and one for the agent. */
export function secretNotices(given: ReadonlySet<string>, { secrets }: WithSecrets): readonly string[] {
  const absent = secrets.filter(({ id }) => !given.has(id))
  return [absent.filter(({ id }) => id !== sshAgent), absent.filter(({ id }) => id === sshAgent)].flatMap(
    (some) => {
      const ids = [...new Set(some.map(({ id }) => id))].join(", ")
      return some.slice(0, 1).map(({ location }) => formatProblem({ location, ...notGiven(ids) }))
    },
  )
}

function notGiven(id: string): { readonly message: string; readonly hint: string } {
  if (id === sshAgent)
    return {
      message: "no ssh agent is given",
      hint: '--ssh="$SSH_AUTH_SOCK", with an agent that has the key',
    }
  return {
    message: `the secret "${id}" is not given`,
    hint: `--secret-id=${id} --secret=env://NAME, with the secret in the variable NAME`,
  }
}
