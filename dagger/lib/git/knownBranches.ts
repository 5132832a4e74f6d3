import * as z from "zod"

const answer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("known"), references: z.array(z.string()) }),
  z.object({ kind: z.literal("unknown"), why: z.string() }),
])

/** References to branches that a clone has (`tools/gitBranches.ts`), or why git cannot tell. */
export type KnownBranches = z.infer<typeof answer>

/** Reads what `tools/gitBranches.ts` printed. @throws Error where it is something else */
export function readKnownBranches(json: string): KnownBranches {
  return answer.parse(JSON.parse(json))
}

const remote = "refs/remotes/origin/"
const local = "refs/heads/"

/**
 * Branches that exist as far as a clone tells: those of origin, and its own, which may not be pushed yet.
 * @returns why they cannot be told, where that is so: a clone without any branch of origin knows only its own
 */
export function existingBranches(known: KnownBranches): readonly string[] | string {
  if (known.kind === "unknown") return known.why
  const { references } = known
  const names = (start: string) =>
    references.flatMap((name) => (name.startsWith(start) ? [name.slice(start.length)] : []))
  const remotes = names(remote).filter((name) => name !== "HEAD")
  if (remotes.length === 0) return "the checkout has no branch of origin; --branch names them"
  return [...new Set([...remotes, ...names(local)])]
}
