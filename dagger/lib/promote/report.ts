import { listOf, plural } from "../text/format.js"
import type { Traffic } from "../registry/traffic.js"
import type { PromotedDifferences } from "../wiki/pageCheck.js"
import type { Journal } from "./journal.js"
import type { PromotionOutcome } from "./promotion.js"

/** One image of a promotion. */
export interface PromotionLine {
  readonly name: string
  /** The reference that is promoted. */
  readonly from: string
  /** The reference that names the same image after it. */
  readonly to: string
  /** What `from` names; absent where there is no such image. */
  readonly digest?: string
  /** What `to` named before; absent where there was no such tag. */
  readonly previous?: string
  /** Whether the tag has to be written; false where it names the digest already. */
  readonly moves: boolean
}

/** What came of a promotion or a rollback: everything that its renderings tell. */
export interface PromotionReport {
  readonly version: 1
  readonly verb: "tag-stable" | "tag-global-stable" | "rollback"
  readonly id: string
  /** ISO 8601. */
  readonly at: string
  /** The tag that is promoted, or of a rollback the promotion that is taken back. */
  readonly from: string
  /** The tag that is given. */
  readonly to: string
  readonly outcome: PromotionOutcome
  /** What the GPU test said, in a sentence; absent where it does not matter. */
  readonly gate?: string
  readonly images: readonly PromotionLine[]
  readonly notices: readonly string[]
  /** Packages and sizes that change under the tag; absent where nothing moves, and where nobody knows. */
  readonly differences?: PromotedDifferences
  /** Written before the first tag; absent where nothing was written. */
  readonly journal?: Journal
  readonly traffic?: Traffic
}

/** Whether what was asked for is the case now, or would be. */
export function isPromotionOk({ outcome }: PromotionReport): boolean {
  return ["promoted", "unchanged", "dry-run"].includes(outcome.kind)
}

/** The outcome in a sentence. */
export function describePromotion({ verb, outcome, images, from, to }: PromotionReport): string {
  const count = plural(images.filter(({ moves }) => moves).length, "image")
  const act =
    verb === "rollback" ? `\`${to}\` back to what it was before ${from}` : `\`${from}\` to \`${to}\``
  switch (outcome.kind) {
    case "promoted":
      return verb === "rollback" ? `Put ${act}: ${count}.` : `Promoted ${act}: ${count}.`
    case "unchanged":
      return `Nothing to do: every \`${to}\` names the right image already.`
    case "dry-run":
      return verb === "rollback" ? `Would put ${act}: ${count}.` : `Would promote ${act}: ${count}.`
    case "refused":
      return `Refused, and nothing was written: ${listOf(outcome.problems)}.`
    case "undone":
      return `Failed, and every \`${to}\` names again what it named before: ${outcome.why}.`
    case "overtaken":
      return `Another ${outcome.by.kind} to \`${to}\` (${outcome.by.id}) ran at the same time and came last; its images are in place.`
    case "half-done":
      return `Failed half-way: ${outcome.why}. Run the same again to finish it, or a rollback to take it back.`
  }
}
