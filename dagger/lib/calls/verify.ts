import { missingForPromotion, proofOf } from "../attestation/demand.js"
import type { Claim, Evidence } from "../attestation/evidence.js"
import { claimsAbout } from "../attestation/evidence.js"
import {
  readGpuTest,
  readPassedTests,
  readProvenance,
  readVulnerabilities,
} from "../attestation/predicates.js"
import type { InTotoStatement } from "../attestation/statement.js"
import { openSource } from "../gather/openSource.js"
import { RegistrySession } from "../gather/registrySession.js"
import type { RegistryOptionsOfCall } from "../gather/request.js"
import { loginForImage, referenceOf } from "../gather/secretHosts.js"
import { believerOf } from "../gather/signing.js"
import { atOption, InputError } from "../problems.js"
import { ownerOfTag } from "../reference/imagePlace.js"
import type { ImageReference, PinnedReference } from "../reference/reference.js"
import { formatReference, sameRepository } from "../reference/reference.js"
import { publishedAs } from "../spec/publishedAs.js"
import type { Spec } from "../spec/spec.js"
import { listedImages } from "../registry/imageFacts.js"
import type { PlatformDigest } from "../registry/joinIndex.js"
import { shortDigest } from "../text/format.js"
import { codeCell, codeSpan, plainText, table } from "../text/markdown.js"
import type { ActionOutcome } from "./actionOutcome.js"

/** Which image a caller asks about. */
export interface VerifyRequest extends Omit<RegistryOptionsOfCall, "registry"> {
  /** Reference of a published image. */
  readonly ref: string
}

/**
 * What is claimed of a published image, by whom, and whether it holds as the source's spec trusts. It holds where
 * provenance and test results do; of an index those of the index, which tell of all that it lists.
 * @throws InputError for mistakes in the source or the options, and where there is no such image
 */
export async function verifyImage(request: VerifyRequest): Promise<ActionOutcome> {
  const reference = referenceOf(request.ref)
  const login = loginForImage(request, request.ref)
  const { spec } = await openSource(request.source)
  const store = (await RegistrySession.open(login)).client
  const found = await store.resolve(reference)
  if (found === undefined) {
    throw new InputError([
      { location: atOption("--ref"), message: `there is no image ${formatReference(reference)}` },
    ])
  }
  const image = { registry: reference.registry, path: reference.path, digest: found.digest }
  const nobody = { trust: { signers: [] }, verify: () => ({ problem: "the spec trusts nobody (`trust`)" }) }
  const believer = (await believerOf(spec)) ?? nobody
  const tag = tagOfRun(spec, reference)
  const evidence = await claimsAbout(store, believer, image, tag)
  const parts = await Promise.all(
    (await listedImages(store, image)).map(async ({ platform, digest }) => {
      const { claims } = await claimsAbout(store, believer, { ...image, digest }, tag)
      return { platform, digest, claims }
    }),
  )
  return resultFor(image, request.ref, evidence, parts)
}

/** What is claimed of one of an index's images. */
interface ClaimedPlatform extends PlatformDigest {
  readonly claims: readonly Claim[]
}

/** The tag of a reference as runs and promotions call it: without what tells its image from others of the repository. */
function tagOfRun(spec: Spec, { tag = "", ...repository }: ImageReference): string {
  const places = [...publishedAs(spec).values()].filter((place) => sameRepository(place, repository))
  return tag.slice(ownerOfTag(places, tag)?.tagPrefix?.length ?? 0)
}

function resultFor(
  image: PinnedReference,
  ref: string,
  { claims, notices }: Evidence,
  platforms: readonly ClaimedPlatform[],
): ActionOutcome {
  const missing = missingForPromotion(proofOf({ claims }), { now: Date.now() })
  const ok = missing.length === 0
  const own = claims.map((claim) => rowOfClaim(claim, ""))
  const rows = [
    ...own,
    ...platforms.flatMap((part) => part.claims.map((claim) => rowOfClaim(claim, `${part.platform}: `))),
  ]
  const sentence = ok
    ? "Built and tested, by the word of who is trusted."
    : `Not proved: ${missing.map(({ kind }) => kind).join(", ")}.`
  const lines = [...missing.map(({ why }) => why), ...notices]
  return {
    ok,
    report: {
      ...{ version: 1, kind: "verified", reference: ref, digest: image.digest, claims, missing, notices },
      ...(platforms.length > 0 && { platforms }),
    },
    markdown: [
      `# ${ok ? "✅" : "❌"} verify ${codeSpan(ref)}`,
      sentence,
      `Its digest is ${codeSpan(image.digest)}.`,
      ...(rows.length === 0 ? ["Nothing is claimed of it."] : [table(["Claim", "", "By", "What"], rows)]),
      ...(lines.length === 0 ? [] : [lines.map((line) => `- ${plainText(line)}`).join("\n")]),
      "",
    ].join("\n\n"),
  }
}

/** @param of which image of an index it is about; empty for the index, or the image, itself */
function rowOfClaim(claim: Claim, of: string): readonly string[] {
  return [
    codeCell(`${of}${claim.kind ?? claim.predicateType ?? shortDigest(claim.attachment)}`),
    claim.problem === undefined ? "holds" : "NOT BELIEVED",
    plainText(claim.signer ?? "unknown"),
    plainText(claim.problem ?? contentOf(claim)),
  ]
}

/** What a statement says, in a few words. */
function contentOf({ kind, statement }: Claim): string {
  if (statement === undefined) return ""
  const said: Readonly<Record<string, (statement: InTotoStatement) => string>> = {
    provenance: (each) => {
      const read = readProvenance(each)
      return read === undefined
        ? "it is not whole"
        : `built for the key ${read.inputKey.slice(0, 12)} by ${read.builder}`
    },
    tests: (each) => {
      const read = readPassedTests(each)
      return read === undefined ? "they did not pass" : `passed, test key ${read.testKey.slice(0, 12)}`
    },
    gpu: (each) => {
      const read = readGpuTest(each)
      if (read === undefined) return "it is not whole"
      return `${read.passed ? "passed" : "FAILED"} on ${new Date(read.at).toISOString()}`
    },
    vulnerabilities: (each) => {
      const read = readVulnerabilities(each)
      if (read === undefined) return "it judges nothing"
      return `${read.passed ? "passed" : "FAILED"} on ${new Date(read.at).toISOString()}`
    },
  }
  return kind === undefined ? "" : (said[kind]?.(statement) ?? "")
}
