import * as z from "zod"
import type { ClaimKind } from "../spec/trust.js"
import { claimKinds } from "../spec/trust.js"

/** Payload type of an in-toto statement in its envelope (in-toto attestation framework, "Envelope"). */
export const statementMediaType = "application/vnd.in-toto+json"

/**
 * Types of predicates. `provenance`: SLSA provenance v1 (slsa.dev/spec/v1.0/provenance); `tests` and `vulnerabilities`:
 * in-toto's attestation framework (spec/predicates/test-result.md, vuln.md); `gpu`: this pipeline's own.
 */
export const predicateTypes: Readonly<Record<ClaimKind, string>> = {
  provenance: "https://slsa.dev/provenance/v1",
  tests: "https://in-toto.io/attestation/test-result/v0.1",
  gpu: "https://jupyter-stack.github.io/attestation/gpu-verdict/v1",
  vulnerabilities: "https://in-toto.io/attestation/vulns/v0.2",
}

/** What a predicate of this type is about; undefined for types that nobody here asks for. */
export function claimKindOf(predicateType: string): ClaimKind | undefined {
  return claimKinds.find((kind) => predicateTypes[kind] === predicateType)
}

const statementSchema = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z
    .array(z.object({ name: z.string().optional(), digest: z.record(z.string(), z.string()) }))
    .min(1),
  predicateType: z.string(),
  predicate: z.record(z.string(), z.unknown()),
})

/** An in-toto statement v1: what is said (the predicate), and of which content (the subject). */
export type InTotoStatement = z.infer<typeof statementSchema>

/** A statement about one image. @param digest `sha256:<hex>` @param name repository of the image */
export function statementAbout(
  kind: ClaimKind,
  { name, digest }: { readonly name: string; readonly digest: string },
  predicate: InTotoStatement["predicate"],
): InTotoStatement {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: { sha256: digest.replace(/^sha256:/, "") } }],
    predicateType: predicateTypes[kind],
    predicate,
  }
}

/** Reads a statement; undefined where it is none. */
export function parseStatement(bytes: Uint8Array): InTotoStatement | undefined {
  try {
    return statementSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data
  } catch {
    return undefined
  }
}

/** Whether a statement is about this content, and not about another. @param digest `sha256:<hex>` */
export function isAbout({ subject }: InTotoStatement, digest: string): boolean {
  return subject.some((each) => `sha256:${each.digest.sha256 ?? ""}` === digest)
}
