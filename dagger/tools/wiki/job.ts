import { z } from "zod"
import { checkedPairSchema, wikiChangeSchema } from "../../lib/wiki/change.js"
import type { WikiEntry } from "../../lib/wiki/lookup.js"
import type { PageCheck } from "../../lib/wiki/pageCheck.js"
import type { FailureKind } from "./failure.js"

/** What is to be done with a wiki. */
export const wikiJobSchema = z.strictObject({
  /** Git URL (http, https, file) or local path of the wiki's repository, without a login. */
  url: z.string(),
  /** File that holds the token or password, nothing else. */
  tokenFile: z.string().optional(),
  /** User name that goes with the token; GitHub takes any. */
  user: z.string().default("x-access-token"),
  /** Branch to write to, instead of the repository's default branch. */
  branch: z.string().optional(),
  /** URL of the repository that the wiki belongs to, for links; made from a wiki's URL where it is not given. */
  repository: z.string().optional(),
  /** How many rows `Home.md` shows. */
  recentRows: z.number().int().positive().optional(),
  /** How often to start again from fetch when another writer was faster. */
  tries: z.number().int().positive().optional(),
  /** Update as usual, but commit and push nothing. */
  dryRun: z.boolean().default(false),
  /** Folder that gets a copy of every file that differs. */
  output: z.string().optional(),
  /** Folder for the clone, which stays; by default a temporary one, which goes. */
  workFolder: z.string().optional(),
  action: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("update"), change: wikiChangeSchema }),
    /** Tells what the wiki has on these images. */
    z.strictObject({ kind: z.literal("lookUp"), references: z.array(z.string()) }),
    /** Tells why these images could not be promoted as far as the wiki is concerned, and what would change. */
    z.strictObject({ kind: z.literal("check"), images: z.array(checkedPairSchema) }),
  ]),
})
export type WikiJob = z.infer<typeof wikiJobSchema>
/** A job as it is written: what has a default may be left out. */
export type WikiJobInput = z.input<typeof wikiJobSchema>

/** What an update came to. */
export interface UpdateFacts {
  readonly branch: string
  /** Paths of the files that differ. */
  readonly files: readonly string[]
  readonly pages: readonly { readonly reference: string; readonly page: string }[]
  readonly tries: number
}

/** What a job came to; printed as JSON. */
export type WikiResult =
  | ({ readonly kind: "pushed"; readonly commit: string; readonly message: string } & UpdateFacts)
  /** The wiki is so already: no commit. */
  | ({ readonly kind: "unchanged" } & UpdateFacts)
  | ({ readonly kind: "dry-run"; readonly message: string } & UpdateFacts)
  | { readonly kind: "entries"; readonly entries: readonly WikiEntry[] }
  | ({ readonly kind: "checked" } & PageCheck)
  | { readonly kind: "failed"; readonly reason: FailureKind; readonly message: string }
