import type { ClaimKind } from "../spec/trust.js"
import type { Claim, Evidence } from "./evidence.js"
import { readGpuTest, readPassedTests, readProvenance } from "./predicates.js"

/** What believed statements prove of one image. */
export interface Proof {
  /** Input keys that it was built for. */
  readonly inputKeys: ReadonlySet<string>
  /** Test keys that it passed, by input key. */
  readonly passed: ReadonlyMap<string, ReadonlySet<string>>
  /** Its last GPU test: when it ended, in milliseconds since 1970, and how. */
  readonly gpu?: { readonly passed: boolean; readonly at: number } | undefined
  /** Why claims are not believed, by kind. */
  readonly doubts: ReadonlyMap<ClaimKind | "other", readonly string[]>
}

/** What statements prove; those that are not believed prove nothing. */
export function proofOf({ claims }: Pick<Evidence, "claims">): Proof {
  const believed = claims.filter(({ problem }) => problem === undefined)
  const of = <T>(kind: ClaimKind, read: (statement: NonNullable<Claim["statement"]>) => T | undefined): T[] =>
    believed.flatMap(({ kind: own, statement }) => {
      const said = own === kind && statement !== undefined ? read(statement) : undefined
      return said === undefined ? [] : [said]
    })
  const passed = new Map<string, Set<string>>()
  for (const { inputKey, testKey } of of("tests", readPassedTests)) {
    passed.set(inputKey, (passed.get(inputKey) ?? new Set()).add(testKey))
  }
  const [gpu] = of("gpu", readGpuTest).sort((a, b) => b.at - a.at)
  const doubts = new Map<ClaimKind | "other", string[]>()
  for (const { kind = "other", problem, attachment } of claims) {
    if (problem === undefined) continue
    doubts.set(kind, [...(doubts.get(kind) ?? []), `${attachment.slice(0, 19)}: ${problem}`])
  }
  return {
    inputKeys: new Set(of("provenance", readProvenance).map(({ inputKey }) => inputKey)),
    passed,
    gpu,
    doubts,
  }
}

/** What a promotion asks for. */
export interface PromotionDemand {
  /** Seconds that the verdict of a GPU test may be old; absent for images that none is asked of. */
  readonly gpuMaxAgeSeconds?: number | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Clocks of signers may be ahead by so many milliseconds. */
const clockSkew = 5 * 60_000

/** A statement that is missing, and why what is there does not do. */
export interface MissingProof {
  readonly kind: ClaimKind
  readonly why: string
}

/** What is missing before an image may be promoted. */
export function missingForPromotion(
  proof: Proof,
  { gpuMaxAgeSeconds, now }: PromotionDemand,
): readonly MissingProof[] {
  const tested = [...proof.inputKeys].some((inputKey) => proof.passed.has(inputKey))
  return [
    ...(proof.inputKeys.size > 0
      ? []
      : [missing(proof, "provenance", "no trusted statement tells what it was built from")]),
    ...(tested ? [] : [missing(proof, "tests", "no trusted statement tells that its tests passed")]),
    ...(gpuMaxAgeSeconds === undefined ? [] : missingGpu(proof, gpuMaxAgeSeconds, now)),
  ]
}

function missingGpu(proof: Proof, maxAgeSeconds: number, now: number): readonly MissingProof[] {
  const { gpu } = proof
  if (gpu === undefined) return [missing(proof, "gpu", "no trusted statement tells that its GPU test passed")]
  const time = new Date(gpu.at).toISOString()
  if (!gpu.passed) return [{ kind: "gpu", why: `its GPU test of ${time} failed` }]
  if (gpu.at > now + clockSkew)
    return [{ kind: "gpu", why: `its GPU test is said to be of ${time}, which is yet to come` }]
  if (now - gpu.at <= maxAgeSeconds * 1000) return []
  return [{ kind: "gpu", why: `its GPU test is of ${time}, older than the spec accepts (gpu_max_age)` }]
}

function missing({ doubts }: Proof, kind: ClaimKind, why: string): MissingProof {
  const [first, ...more] = [...(doubts.get(kind) ?? []), ...(doubts.get("other") ?? [])]
  if (first === undefined) return { kind, why }
  const rest = more.length === 0 ? "" : `, and ${more.length} more`
  return { kind, why: `${why} (not believed: ${first}${rest})` }
}
