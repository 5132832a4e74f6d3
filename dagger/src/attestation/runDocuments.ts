import * as z from "zod"
import { testResult } from "../testing/testRun.js"
import type { ClaimedRun } from "./claims.js"

/** What of report.json statements are made of; a report says more. */
const claimedRun = z.object({
  version: z.literal(1),
  platform: z.string().optional(),
  startedAt: z.number(),
  source: z.object({
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/)
      .optional(),
    dirty: z.boolean(),
  }),
  request: z.object({ arguments: z.array(z.string()) }),
  images: z.array(
    z.object({
      name: z.string(),
      reference: z.string(),
      inputKey: z.string(),
      digest: z
        .string()
        .regex(/^sha256:[0-9a-f]{64}$/)
        .optional(),
      outcome: z.object({ kind: z.string() }),
      suites: z.array(
        z.object({
          kind: z.string(),
          run: z.object({ tests: z.array(testResult) }),
          earlier: z.array(z.string()).optional(),
        }),
      ),
    }),
  ),
})

/** Reads what a report says of a run's images. @throws Error telling what is wrong with it */
export function readClaimedRun(json: string): ClaimedRun {
  let document: unknown
  try {
    document = JSON.parse(json)
  } catch {
    throw new Error("it is not JSON")
  }
  const parsed = claimedRun.safeParse(document)
  if (!parsed.success) throw new Error(`it is no report of a run: ${z.prettifyError(parsed.error)}`)
  const { platform, source, ...rest } = parsed.data
  const { commit, dirty } = source
  return {
    ...rest,
    ...(platform !== undefined && { platform }),
    source: { dirty, ...(commit !== undefined && { commit }) },
  }
}
