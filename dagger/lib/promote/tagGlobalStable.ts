import { promote } from "./promote.js"
import type { MeteredContext, PromotionRequest } from "./promote.js"
import type { PromotionReport } from "./report.js"
import { globalStableTags } from "./tags.js"

/** Makes the stable images of a quarter those in production. */
export interface TagGlobalStableRequest extends PromotionRequest {
  /** `<year>.<quarter>`, or a version */
  readonly prefix: string
}

/** `2026.4-stable` becomes `stable`. @throws InputError for a prefix of another form, before anything is asked */
export async function tagGlobalStable(
  request: TagGlobalStableRequest,
  context: MeteredContext,
): Promise<PromotionReport> {
  const { prefix, form = "quarter" } = request
  return promote({ ...request, verb: "tag-global-stable", tags: globalStableTags(prefix, form) }, context)
}
