import { dueImages } from "../plan/freshness.js"
import type { PlanFacts } from "../plan/facts.js"
import { planStack } from "../plan/plan.js"
import type { Plan } from "../plan/planDocument.js"
import type { AskedStack } from "./askUpdates.js"

/**
 * Plans a run. Images that would stay as they are published, and are older than their `max_age`, are asked for updates
 * before; nothing is asked, and nothing loaded for it, where there are none.
 */
export async function planFresh(
  facts: PlanFacts,
  stack: AskedStack,
  { parallel }: { readonly parallel: number },
): Promise<Plan> {
  const plan = planStack(facts)
  const due = dueImages(facts, plan)
  if (due.length === 0) return plan
  const { askUpdates } = await import("./askUpdates.js")
  return planStack({ ...facts, answers: await askUpdates(due, facts.images, stack, parallel) })
}
