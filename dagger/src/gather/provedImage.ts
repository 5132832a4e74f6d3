import { proofOf } from "../attestation/demand.js"
import type { Proof } from "../attestation/demand.js"
import type { Believer } from "../attestation/evidence.js"
import { claimsAbout } from "../attestation/evidence.js"
import type { RegistryImage } from "../plan/facts.js"
import type { Plan } from "../plan/planDocument.js"
import { parentsIn, publishedIn } from "../plan/planDocument.js"
import { atOption, InputError } from "../problems.js"
import type { PinnedReference } from "../reference/reference.js"
import { parseReference } from "../reference/reference.js"
import type { RegistryClient } from "../registry/client.js"
import { RegistryError } from "../registry/registryError.js"
import type { ClaimKind } from "../spec/trust.js"
import type { Spec } from "../spec/spec.js"
import type { RegistryQuestion } from "./publishedImages.js"
import { believerOf } from "./signing.js"

/**
 * A published image as trusted statements tell of it, and not as its labels and tags do; these only save questions about
 * images of another content.
 */
export async function asProved(
  client: RegistryClient,
  believer: Believer,
  found: RegistryImage,
  question: RegistryQuestion,
): Promise<RegistryImage> {
  const image = { ...found, passedBy: undefined }
  const { inputKey, testKey, tag, unresolvedBases, repository } = question
  const isComparable = unresolvedBases.length === 0
  if (isComparable && image.inputKey !== inputKey) return { ...image, inputKey: undefined, passed: false }
  const proof = await proofFor(client, believer, { ...repository, digest: image.digest }, tag)
  if (typeof proof === "string") return { ...image, inputKey: undefined, passed: false, unproved: proof }
  // Without the digests of all bases no key is known: then it is enough that it was built and tested, of whatever.
  const isBuilt = isComparable ? proof.inputKeys.has(inputKey) : proof.inputKeys.size > 0
  if (!isBuilt) {
    const unproved = `no trusted statement says that it was built from this content${doubtsIn(proof, "provenance")}`
    return { ...image, inputKey: undefined, passed: false, unproved }
  }
  const passed = isComparable ? proof.passed.get(inputKey)?.has(testKey) === true : proof.passed.size > 0
  if (passed) return { ...image, passed }
  const unproved = `no trusted statement says that it has passed these tests${doubtsIn(proof, "tests")}`
  return { ...image, passed, unproved }
}

/**
 * Checks the published images of a plan that is repeated: anybody may have written it.
 * @throws InputError where the spec trusts signers, and they do not say that an image was built from its content
 */
export async function refuseUnproved(
  plan: Pick<Plan, "steps" | "tag">,
  spec: Pick<Spec, "trust" | "path"> | undefined,
  client: RegistryClient,
): Promise<void> {
  const believer = spec && (await believerOf(spec))
  if (believer === undefined) return
  const keys = new Map(plan.steps.map(({ image, inputKey }) => [image, inputKey]))
  const taken = plan.steps.flatMap((step) => {
    const published = publishedIn(step)
    // What is tested again, or only built on, need not have passed.
    const tests = step.action === "retag" || step.action === "reuse" ? step.testKey : undefined
    return [
      ...(published === undefined ? [] : [{ image: step.image, tests, ...published }]),
      ...parentsIn(step).flatMap((parent) =>
        parent.from === "registry" ? [{ ...parent, tests: undefined }] : [],
      ),
    ]
  })
  const problems = await Promise.all(
    taken.map(async ({ image, reference, digest, tests }) => {
      const proof = await proofFor(client, believer, { ...parseReference(reference), digest }, plan.tag)
      const key = keys.get(image) ?? ""
      const hasPassed = (found: Proof) => tests === undefined || found.passed.get(key)?.has(tests) === true
      if (typeof proof !== "string" && proof.inputKeys.has(key) && hasPassed(proof)) return []
      const why =
        typeof proof === "string"
          ? proof
          : `no trusted statements say that it was built and tested so${doubtsIn(proof, "provenance")}`
      const message = `${reference} is not believed: ${why}`
      return [{ location: atOption("--plan"), message, hint: "leave --plan out: it is built then" }]
    }),
  )
  if (problems.flat().length > 0) throw new InputError(problems.flat())
}

/** What is proved of an image, or why nobody can tell. */
async function proofFor(
  client: RegistryClient,
  believer: Believer,
  { registry, path, digest }: PinnedReference,
  tag: string,
): Promise<Proof | string> {
  try {
    return proofOf(await claimsAbout(client, believer, { registry, path, digest }, tag))
  } catch (error) {
    if (error instanceof RegistryError)
      return `the registry does not say what is attached to it (${error.message})`
    throw error
  }
}

function doubtsIn({ doubts }: Proof, kind: ClaimKind): string {
  const [first] = [...(doubts.get(kind) ?? []), ...(doubts.get("other") ?? [])]
  return first === undefined ? "" : ` (${first})`
}
