import * as z from "zod"
import { manifestSchema, sourceCommitSchema } from "../manifest/manifestData.js"

/** Shape of `PromotedPair`. */
export const promotedPairSchema = z.object({
  /** The reference whose page is copied. */
  from: z.string(),
  /** The reference that names the same image now. */
  to: z.string(),
  /** Digest of both. */
  digest: z.string(),
})

/** One image that got another tag. */
export type PromotedPair = z.infer<typeof promotedPairSchema>

/** Shape of `CheckedPair`. */
export const checkedPairSchema = promotedPairSchema.extend({
  /** Digest that `to` names so far; absent where there is no such tag. */
  previous: z.string().optional(),
})

/** One image that is to get another tag. */
export type CheckedPair = z.infer<typeof checkedPairSchema>

/** A change to a wiki, as JSON: what a run built, what was promoted, what production uses. */
export const wikiChangeSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("publish"),
    /** When, ISO 8601. */
    at: z.string(),
    commit: sourceCommitSchema.optional(),
    manifests: z.array(manifestSchema).min(1),
  }),
  z.object({
    kind: z.literal("promote"),
    at: z.string(),
    /** The commit the images were built from, where it is known; else it is taken from the wiki. */
    commit: sourceCommitSchema.optional(),
    images: z.array(promotedPairSchema).min(1),
  }),
  z.object({ kind: z.literal("globalStable"), at: z.string(), images: z.array(promotedPairSchema).min(1) }),
])
export type WikiChange = z.infer<typeof wikiChangeSchema>
