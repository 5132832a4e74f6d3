import * as z from "zod"
import type { InTotoStatement } from "./statement.js"

const key = z.string().min(1)

/** What a reader of provenance asks for; a statement may say more. */
const provenanceSchema = z.object({
  buildDefinition: z.object({
    externalParameters: z.object({ image: z.string(), commit: z.string().optional() }),
    internalParameters: z.object({ inputKey: key }),
  }),
  runDetails: z.object({ builder: z.object({ id: z.string() }) }),
})

const testResultSchema = z.object({
  result: z.enum(["PASSED", "WARNED", "FAILED"]),
  inputKey: key,
  testKey: key,
})

const gpuVerdictSchema = z.object({
  result: z.enum(["PASSED", "FAILED"]),
  testedAt: z.iso.datetime(),
})

const vulnerabilitiesSchema = z.object({
  verdict: z.enum(["PASSED", "FAILED"]),
  metadata: z.object({ scanFinishedOn: z.iso.datetime() }),
  platform: z.string().optional(),
})

/** What a statement of provenance says; undefined where it is no whole one. */
export function readProvenance({
  predicate,
}: InTotoStatement):
  { readonly image: string; readonly inputKey: string; readonly builder: string } | undefined {
  const { data } = provenanceSchema.safeParse(predicate)
  if (data === undefined) return undefined
  const { externalParameters, internalParameters } = data.buildDefinition
  const builder = data.runDetails.builder.id
  return { image: externalParameters.image, inputKey: internalParameters.inputKey, builder }
}

/** What a statement of tests says; undefined where it is no whole one, or they did not pass. */
export function readPassedTests({
  predicate,
}: InTotoStatement): { readonly inputKey: string; readonly testKey: string } | undefined {
  const { data } = testResultSchema.safeParse(predicate)
  return data?.result === "PASSED" ? data : undefined
}

/** How something ended that says nothing of later, and when: milliseconds since 1970. */
export interface TimedVerdict {
  readonly passed: boolean
  readonly at: number
}

/** The verdict of a scan for vulnerabilities. */
export interface ScanVerdict extends TimedVerdict {
  /** Of an index, where only one of its images was scanned: which. Earlier versions have signed such. */
  readonly platform?: string | undefined
}

/** When a scan for vulnerabilities ended, and how; undefined where the statement is no whole one, or judges nothing. */
export function readVulnerabilities({ predicate }: InTotoStatement): ScanVerdict | undefined {
  const { data } = vulnerabilitiesSchema.safeParse(predicate)
  if (data === undefined) return undefined
  const { verdict, metadata, platform } = data
  return { passed: verdict === "PASSED", at: Date.parse(metadata.scanFinishedOn), platform }
}

/** When a GPU test ended, and how; undefined where the statement is no whole one. */
export function readGpuTest({ predicate }: InTotoStatement): TimedVerdict | undefined {
  const { data } = gpuVerdictSchema.safeParse(predicate)
  return data && { passed: data.result === "PASSED", at: Date.parse(data.testedAt) }
}
