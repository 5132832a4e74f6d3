import { parseReference } from "../reference/reference.js"
import type { PromotedPair, WikiChange } from "../wiki/change.js"
import type { PromotionReport } from "./report.js"
import { globalStable } from "./tags.js"

/** The images that have another name now, or would have. */
export function promotedPairs({ images }: PromotionReport): readonly PromotedPair[] {
  return images.flatMap(({ from, to, digest }) => (digest === undefined ? [] : [{ from, to, digest }]))
}

/**
 * What a promotion changes in the wiki: pages under the new tag and a row in `Home.md`, or `Stable_Tag.md`. Also where
 * nothing had to be written in the registry: an earlier run may have ended between the two. Undefined where the wiki
 * stays as it is: after a failure, a dry run, and a rollback of a quarter, whose older pages the wiki no longer has.
 */
export function wikiChangeOf(report: PromotionReport): WikiChange | undefined {
  const { verb, at, to, outcome } = report
  if (outcome.kind !== "promoted" && outcome.kind !== "unchanged") return undefined
  const images = [...promotedPairs(report)]
  if (images.length === 0) return undefined
  if (verb === "tag-stable") return { kind: "promote", at, images }
  if (to !== globalStable || images.some(({ from }) => parseReference(from).tag === undefined))
    return undefined
  return { kind: "globalStable", at, images }
}
