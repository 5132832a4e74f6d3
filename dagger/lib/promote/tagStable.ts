import type { GpuGate } from "./gate.js"
import { lookAhead, promote } from "./promote.js"
import type { MeteredContext, PromotionRequest } from "./promote.js"
import type { PromotionReport } from "./report.js"
import { stableTags } from "./tags.js"

/** Makes a branch's images the stable ones of their quarter. */
export interface TagStableRequest extends PromotionRequest {
  /** `<year>.<quarter>-<branch>`, or `<version>-<branch>`; used as it is, whatever the spec's prefix. */
  readonly tag: string
  readonly gate: GpuGate
}

/** `2026.4-main` becomes `2026.4-stable`. @throws InputError for a tag of another form, before anything is asked */
export async function tagStable(
  request: TagStableRequest,
  context: MeteredContext,
): Promise<PromotionReport> {
  return promote(
    { ...request, verb: "tag-stable", tags: stableTags(request.tag, request.form ?? "quarter") },
    context,
  )
}

/**
 * What would become stable, before the GPU test is started for nothing.
 * @throws InputError for a tag of another form, before anything is asked
 */
export async function lookBeforeTagStable(
  {
    tag,
    form = "quarter",
    images,
    pages,
    evidence,
  }: Pick<TagStableRequest, "tag" | "form" | "images" | "pages" | "evidence">,
  context: MeteredContext,
): Promise<PromotionReport> {
  return lookAhead({ images, pages, evidence, verb: "tag-stable", tags: stableTags(tag, form) }, context)
}
