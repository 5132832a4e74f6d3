import type { LinkedStack, RunOfImages } from "../dockerfile/link.js"
import { requireSecrets } from "../dockerfile/secrets.js"
import type { Plan, Step } from "../plan/planDocument.js"

/** A plan with the images that it is about. */
interface LinkedPlan {
  readonly plan: Plan
  readonly linked: LinkedStack
}

/**
 * What is built to carry out a plan.
 * @param runId a word that no earlier run had: what is fully rebuilt runs its RUN instructions again
 * @param agent what the engine knows the ssh agent by
 */
export function linkedRun({ plan, linked }: LinkedPlan, runId: string, agent?: string): LinkedStack {
  return linked.forRun({ ...runOf(plan, runId), agent })
}

/** @throws InputError where the secrets that are given do not fit what a plan builds. @param given their ids */
export function requirePlanned(prepared: LinkedPlan, given: ReadonlySet<string>): void {
  const { images } = linkedRun(prepared, "")
  requireSecrets(given, [...images.values()], () => [...prepared.linked.images.values()])
}

/** The images that a plan builds and those whose stages they need, with the other parents as references to the registry. */
function runOf(plan: Plan, runId: string): RunOfImages {
  const built = plan.steps.filter((step) => step.action === "build")
  const wanted = new Set(built.map(({ image }) => image))
  const sources = built.flatMap(({ parents }) => parents)
  for (const parent of sources) if (parent.from === "source") wanted.add(parent.image)
  const parents = new Map(
    sources.flatMap((parent) =>
      parent.from === "registry" ? [[parent.image, parent.reference] as const] : [],
    ),
  )
  const words = built.flatMap(({ image, reasons, fresh }) => {
    const word = reasons.some(isFullRebuild) ? runId : fresh?.word
    return word === undefined ? [] : [[image, word] as const]
  })
  return { images: [...wanted], parents, runAgain: new Map(words) }
}

function isFullRebuild({ kind }: Step["reasons"][number]): boolean {
  return kind === "full-rebuild-option" || kind === "full-rebuild-message"
}
