import type { ClaimKind } from "../spec/trust.js"
import { withoutVariant } from "../registry/imageFacts.js"
import type { Evidence } from "./evidence.js"
import type { ScanVerdict, TimedVerdict } from "./predicates.js"
import { readGpuTest, readPassedTests, readProvenance, readVulnerabilities } from "./predicates.js"
import type { InTotoStatement } from "./statement.js"

/** What believed statements prove of one image. */
export interface Proof {
  /** Input keys that it was built for. */
  readonly inputKeys: ReadonlySet<string>
  /** Test keys that it passed, by input key. */
  readonly passed: ReadonlyMap<string, ReadonlySet<string>>
  /** Its last GPU test. */
  readonly gpu?: TimedVerdict | undefined
  /** Its scans for vulnerabilities, the last one first. */
  readonly vulnerabilities: readonly ScanVerdict[]
  /** Why claims are not believed, by kind. */
  readonly doubts: ReadonlyMap<ClaimKind | "other", readonly string[]>
}

/** What statements prove; those that are not believed prove nothing. */
export function proofOf({ claims }: Pick<Evidence, "claims">): Proof {
  const believed = claims.filter(({ problem }) => problem === undefined)
  const of = <T>(kind: ClaimKind, read: (statement: InTotoStatement) => T | undefined): T[] =>
    believed.flatMap(({ kind: own, statement }) => {
      const said = own === kind && statement !== undefined ? read(statement) : undefined
      return said === undefined ? [] : [said]
    })
  const passed = new Map<string, Set<string>>()
  for (const { inputKey, testKey } of of("tests", readPassedTests)) {
    passed.set(inputKey, (passed.get(inputKey) ?? new Set()).add(testKey))
  }
  const lastFirst = <T extends TimedVerdict>(
    kind: ClaimKind,
    read: (statement: InTotoStatement) => T | undefined,
  ): T[] => of(kind, read).sort((a, b) => b.at - a.at)
  const doubts = new Map<ClaimKind | "other", string[]>()
  for (const { kind = "other", problem, attachment } of claims) {
    if (problem === undefined) continue
    doubts.set(kind, [...(doubts.get(kind) ?? []), `${attachment.slice(0, 19)}: ${problem}`])
  }
  return {
    inputKeys: new Set(of("provenance", readProvenance).map(({ inputKey }) => inputKey)),
    passed,
    gpu: lastFirst("gpu", readGpuTest)[0],
    vulnerabilities: lastFirst("vulnerabilities", readVulnerabilities),
    doubts,
  }
}

/** Whether it was built by who is trusted, and has passed tests that were for what it was built from. */
export function isBuiltAndTested({ inputKeys, passed }: Pick<Proof, "inputKeys" | "passed">): boolean {
  return [...inputKeys].some((inputKey) => passed.has(inputKey))
}

/** What a promotion asks for. */
export interface PromotionDemand {
  /** Seconds that the verdict of a GPU test may be old; absent for images that none is asked of. */
  readonly gpuMaxAgeSeconds?: number | undefined
  /** Seconds that a scan for vulnerabilities may be old; absent where none is asked for. */
  readonly vulnerabilitiesMaxAgeSeconds?: number | undefined
  /** Of an index: what is proved of each image that it lists. Scans are asked of each. */
  readonly platforms?: readonly ProvedPlatform[] | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What is proved of one of an index's images. */
export interface ProvedPlatform {
  /** `linux/arm64` */
  readonly platform: string
  readonly proof: Proof
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
  { gpuMaxAgeSeconds, vulnerabilitiesMaxAgeSeconds, platforms = [], now }: PromotionDemand,
): readonly MissingProof[] {
  const [scan] = proof.vulnerabilities
  const scans =
    platforms.length === 0
      ? missingVerdict(proof, "vulnerabilities", scan, vulnerabilitiesMaxAgeSeconds, now)
      : platforms.flatMap((part) => missingScan(proof, part, vulnerabilitiesMaxAgeSeconds, now))
  return [
    ...(proof.inputKeys.size > 0
      ? []
      : [missing(proof, "provenance", "no trusted statement tells what it was built from")]),
    ...(isBuiltAndTested(proof)
      ? []
      : [missing(proof, "tests", "no trusted statement tells that its tests passed")]),
    ...missingVerdict(proof, "gpu", proof.gpu, gpuMaxAgeSeconds, now),
    ...scans,
  ]
}

/** The last word on one of an index's images counts: its own scan, or one of all that the index lists. */
function missingScan(
  index: Proof,
  { platform, proof }: ProvedPlatform,
  maxAgeSeconds: number | undefined,
  now: number,
): readonly MissingProof[] {
  const own = withoutVariant(platform)
  const ofIndex = index.vulnerabilities.filter(
    (scan) => scan.platform === undefined || withoutVariant(scan.platform) === own,
  )
  const [last] = [...proof.vulnerabilities, ...ofIndex].sort((a, b) => b.at - a.at)
  return missingVerdict(proof, "vulnerabilities", last, maxAgeSeconds, now).map(({ kind, why }) => {
    return { kind, why: `${platform}: ${why}` }
  })
}

/** Kinds of statements that get old, with what they are about and the key of the spec that says how old they may be. */
const timed = {
  gpu: { what: "GPU test", key: "gpu_max_age" },
  vulnerabilities: { what: "scan for vulnerabilities", key: "vulnerabilities_max_age" },
} as const

function missingVerdict(
  proof: Proof,
  kind: keyof typeof timed,
  verdict: TimedVerdict | undefined,
  maxAgeSeconds: number | undefined,
  now: number,
): readonly MissingProof[] {
  if (maxAgeSeconds === undefined) return []
  const { what, key } = timed[kind]
  if (verdict === undefined)
    return [missing(proof, kind, `no trusted statement tells that its ${what} passed`)]
  const time = new Date(verdict.at).toISOString()
  if (!verdict.passed) return [{ kind, why: `its ${what} of ${time} failed` }]
  if (verdict.at > now + clockSkew)
    return [{ kind, why: `its ${what} is said to be of ${time}, which is yet to come` }]
  if (now - verdict.at <= maxAgeSeconds * 1000) return []
  return [{ kind, why: `its ${what} is of ${time}, older than the spec accepts (${key})` }]
}

function missing({ doubts }: Proof, kind: ClaimKind, why: string): MissingProof {
  const [first, ...more] = [...(doubts.get(kind) ?? []), ...(doubts.get("other") ?? [])]
  if (first === undefined) return { kind, why }
  const rest = more.length === 0 ? "" : `, and ${more.length} more`
  return { kind, why: `${why} (not believed: ${first}${rest})` }
}
