import { isBuiltAndTested, proofOf } from "../attestation/demand.js"
import type { Proof } from "../attestation/demand.js"
import type { Believer } from "../attestation/evidence.js"
import { claimsAbout } from "../attestation/evidence.js"
import type { RegistryImage } from "../plan/facts.js"
import type { Plan, Step } from "../plan/planDocument.js"
import { parentsIn, publishedIn } from "../plan/planDocument.js"
import { joinedKey, publishedIndex } from "../plan/platforms.js"
import { atOption, InputError } from "../problems.js"
import type { PinnedReference } from "../reference/reference.js"
import { formatReference, parseReference } from "../reference/reference.js"
import type { RegistryClient } from "../registry/client.js"
import { RegistryError } from "../registry/registryError.js"
import type { ClaimKind } from "../spec/trust.js"
import type { RegistryQuestion } from "./publishedImages.js"

/** What trusted statements prove of images; each is asked for once in a call, whatever names it. */
export class ProofBook {
  private readonly known = new Map<string, Promise<Proof | string>>()

  constructor(
    private readonly client: RegistryClient,
    private readonly believer: Believer,
  ) {}

  /** What is proved of an image, or why nobody can tell. @param tag that it has, or is to get */
  about({ registry, path, digest }: PinnedReference, tag: string): Promise<Proof | string> {
    const image = { registry, path, digest }
    const key = `${formatReference(image)} ${tag}`
    const known = this.known.get(key) ?? this.ask(image, tag)
    this.known.set(key, known)
    return known
  }

  /** For what has been signed since. */
  forget(): void {
    this.known.clear()
  }

  private async ask(image: PinnedReference, tag: string): Promise<Proof | string> {
    try {
      return proofOf(await claimsAbout(this.client, this.believer, image, tag))
    } catch (error) {
      if (error instanceof RegistryError)
        return `the registry does not say what is attached to it (${error.message})`
      throw error
    }
  }
}

/**
 * A published image as trusted statements tell of it, and not as its labels and tags do; these only save questions about
 * images of another content. An index that nobody whom the spec trusts has joined is none: it may list more than it should.
 */
export async function asProved(
  proofs: ProofBook,
  found: RegistryImage,
  question: RegistryQuestion,
): Promise<RegistryImage> {
  const image = { ...found, passedBy: undefined, index: undefined }
  const { inputKey, testKey, wholeTestKey, tag, unresolvedBases, repository } = question
  const isComparable = unresolvedBases.length === 0
  if (isComparable && image.inputKey !== inputKey) return { ...image, inputKey: undefined, passed: false }
  const proof = await proofs.about({ ...repository, digest: image.digest }, tag)
  if (typeof proof === "string") return { ...image, inputKey: undefined, passed: false, unproved: proof }
  // Without the digests of all bases no key is known: then it is enough that it was built and tested, of whatever.
  const isBuilt = isComparable ? proof.inputKeys.has(inputKey) : proof.inputKeys.size > 0
  if (!isBuilt) {
    const unproved = `no trusted statement says that it was built from this content${doubtsIn(proof, "provenance")}`
    return { ...image, inputKey: undefined, passed: false, unproved }
  }
  const index = await provedIndex(proofs, found, question)
  const passed = isComparable ? hasPassed(proof, inputKey, [testKey, wholeTestKey]) : proof.passed.size > 0
  if (passed) return { ...image, index, passed }
  const unproved = `no trusted statement says that it has passed these tests${doubtsIn(proof, "tests")}`
  return { ...image, index, passed, unproved }
}

/** Who has passed all tests has passed fewer. */
function hasPassed(
  { passed }: Pick<Proof, "passed">,
  inputKey: string,
  testKeys: readonly (string | undefined)[],
): boolean {
  const found = passed.get(inputKey)
  return testKeys.some((key) => key !== undefined && found?.has(key) === true)
}

async function provedIndex(
  proofs: ProofBook,
  { index }: RegistryImage,
  { repository, tag }: RegistryQuestion,
): Promise<string | undefined> {
  if (index === undefined) return undefined
  const proof = await proofs.about({ ...repository, digest: index }, tag)
  return typeof proof !== "string" && isBuiltAndTested(proof) ? index : undefined
}

/** Something that a repeated plan takes from the registry. */
interface TakenImage {
  readonly reference: string
  readonly digest: string
  /** What it must have been built for. */
  readonly inputKey: string
  /** Whether that is enough of what was built so and has passed tests of these keys. */
  readonly isEnough: (testKeys: ReadonlySet<string> | undefined) => boolean
}

/**
 * Checks the published images of a plan that is repeated: anybody may have written it.
 * @param wholeTestKeys of test keys for fewer tests, those for all
 * @throws InputError where the spec trusts signers, and they do not say that an image was built from its content
 */
export async function refuseUnproved(
  plan: Pick<Plan, "steps" | "tag">,
  proofs: ProofBook | undefined,
  wholeTestKeys: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  if (proofs === undefined) return
  const taken = [...takenImages(plan, wholeTestKeys), ...takenIndexes(plan)]
  const problems = await Promise.all(
    taken.map(async ({ reference, digest, inputKey, isEnough }) => {
      const proof = await proofs.about({ ...parseReference(reference), digest }, plan.tag)
      const isKnown = typeof proof !== "string" && proof.inputKeys.has(inputKey)
      if (isKnown && isEnough(proof.passed.get(inputKey))) return []
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

function takenImages(
  { steps }: Pick<Plan, "steps">,
  wholeTestKeys: ReadonlyMap<string, string>,
): readonly TakenImage[] {
  const keyOf = (name: string, { platform }: Step): string =>
    steps.find((each) => each.image === name && each.platform === platform)?.inputKey ?? ""
  return steps.flatMap((step) => {
    const published = publishedIn(step)
    // What is tested again, or only built on, need not have passed.
    const isTagged = step.action === "retag" || step.action === "reuse"
    const wanted = [step.testKey, wholeTestKeys.get(step.testKey) ?? step.testKey]
    const isEnough: TakenImage["isEnough"] = (passed) =>
      !isTagged || wanted.some((key) => passed?.has(key) === true)
    const parents = parentsIn(step).flatMap((parent) => (parent.from === "registry" ? [parent] : []))
    return [
      ...(published === undefined ? [] : [{ ...published, inputKey: step.inputKey, isEnough }]),
      ...parents.map((parent) => ({
        ...parent,
        inputKey: keyOf(parent.image, step),
        isEnough: () => true,
      })),
    ]
  })
}

/** Indexes that a plan takes whole: they are to have been joined of the content that the plan is for. */
function takenIndexes({ steps }: Pick<Plan, "steps">): readonly TakenImage[] {
  return [...new Set(steps.map(({ image }) => image))].flatMap((image) => {
    const own = steps.filter((step) => step.image === image)
    const [digest, reference] = [publishedIndex(own), own[0]?.reference]
    if (digest === undefined || reference === undefined) return []
    const inputKey = joinedKey(own.map((step) => step.inputKey))
    // Which tests each platform has passed, its own step asks.
    return [{ reference, digest, inputKey, isEnough: (passed) => passed !== undefined }]
  })
}

function doubtsIn({ doubts }: Proof, kind: ClaimKind): string {
  const [first] = [...(doubts.get(kind) ?? []), ...(doubts.get("other") ?? [])]
  return first === undefined ? "" : ` (${first})`
}
