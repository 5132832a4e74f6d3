import * as z from "zod"
import { testResult } from "../testing/testRun.js"
import type { ClaimedRun } from "./claims.js"

const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .optional()

const imageScan = z.object({
  scanner: z.string(),
  databaseBuilt: z.string(),
  startedAt: z.number(),
  endedAt: z.number(),
  policy: z.string(),
  failures: z.array(z.string()),
  found: z.array(
    z.object({ id: z.string(), severity: z.string(), package: z.string(), accepted: z.boolean() }),
  ),
})

/** How an image has ended, on one platform or on all. */
const reportedEnd = z.object({
  inputKey: z.string(),
  digest,
  outcome: z.object({ kind: z.string() }),
  suites: z.array(
    z.object({
      kind: z.string(),
      run: z.object({ tests: z.array(testResult) }),
      earlier: z.array(z.string()).optional(),
    }),
  ),
  vulnerabilities: imageScan.optional(),
})

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
    committedAt: z.string().optional(),
    dirty: z.boolean(),
  }),
  request: z.object({ arguments: z.array(z.string()) }),
  images: z.array(
    reportedEnd.extend({
      name: z.string(),
      reference: z.string(),
      platforms: z
        .array(reportedEnd.extend({ platform: z.string(), tests: z.enum(["full", "smoke", "none"]) }))
        .optional(),
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
  const { commit, committedAt, dirty } = source
  return {
    ...rest,
    ...(platform !== undefined && { platform }),
    source: {
      dirty,
      ...(commit !== undefined && { commit }),
      ...(committedAt !== undefined && { committedAt }),
    },
  }
}
