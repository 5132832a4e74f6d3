import type { LinkedStack } from "../dockerfile/link.js"
import type { Plan } from "../plan/planDocument.js"
import { listOf } from "../text/format.js"
import type { Prepared } from "./prepare.js"

/** Docker's official images. Of those with triggers, which are kept up no more, each says so in its tag. */
function isPlain(reference: string): boolean {
  return reference.startsWith("docker.io/library/") && !/\bonbuild\b/.test(reference)
}

/** What of a run says what is not known of its bases. */
type KnownOfBases = Pick<Prepared, "unknownConfigs" | "unresolvedBases"> & {
  readonly linked: Pick<LinkedStack, "images">
  readonly plan: { readonly steps: readonly Pick<Prepared["plan"]["steps"][number], "image" | "action">[] }
}

/** What is not known of external bases, where it matters; each line says what can be done. */
export function baseNotices(run: KnownOfBases): readonly string[] {
  const unresolved = [...run.unresolvedBases].map(
    ([reference, why]) => `${reference} could not be resolved: ${why}`,
  )
  return [...unresolved, ...unknownConfigs(run)]
}

/** The plan of a run, with what is not known of its bases; once, where it is a plan that is repeated. */
export function withBaseNotices(run: KnownOfBases & Pick<Prepared, "plan">): Plan {
  return { ...run.plan, notices: [...new Set([...run.plan.notices, ...baseNotices(run)])] }
}

/** One line for all bases of what is built: most often it is one registry that only the engine reaches. */
function unknownConfigs({ plan, linked, unknownConfigs: configs }: KnownOfBases): readonly string[] {
  const built = plan.steps.filter(({ action }) => action === "build")
  const bases = new Set(
    built.flatMap(({ image }) => linked.images.get(image)?.bases.map(({ reference }) => reference)),
  )
  const unknown = [...configs].filter(([reference]) => bases.has(reference) && !isPlain(reference))
  const [first] = unknown
  if (first === undefined) return []
  const names = listOf(unknown.map(([reference]) => reference))
  const remedy =
    "where it has, say its SHELL again in the Dockerfile, and start from an image without triggers: they would see the whole source"
  return [`whether ${names} has ONBUILD or SHELL is not known, and taken for no (${first[1]}); ${remedy}`]
}
