import type { GpuGate } from "./gate.js"
import { promote } from "./promote.js"
import type { GpuGateOpener, MeteredContext, PromotionRequest } from "./promote.js"
import type { PromotionReport } from "./report.js"
import { stableTags } from "./tags.js"

/** Makes a branch's images the stable ones of their quarter. */
export interface TagStableRequest extends PromotionRequest {
  /** `<year>.<quarter>-<branch>`; used as it is, whatever the spec's prefix. */
  readonly tag: string
  /** The verdict, or what gets it: then everything else is looked at before the GPU test is started for nothing. */
  readonly gate: GpuGate | GpuGateOpener
}

/** `2026.4-main` becomes `2026.4-stable`. @throws InputError for a tag of another form, before anything is asked */
export async function tagStable(
  request: TagStableRequest,
  context: MeteredContext,
): Promise<PromotionReport> {
  return promote({ ...request, verb: "tag-stable", tags: stableTags(request.tag) }, context)
}
