import type { GpuVerdict } from "../gpu/verdict.js"
import { formatReference, parseReference, sameRepository } from "../reference/reference.js"
import type { SurveyedImage } from "./survey.js"

/** The part of the GPU test's verdict that decides. */
export type GateVerdict = Pick<GpuVerdict, "kind" | "image" | "digest" | "sentence">

/** What stands between a branch's images and the students. */
export type GpuGate =
  | { readonly kind: "verdict"; readonly verdict: GateVerdict }
  /** By request (`--skip-gpu-test`), or because the spec has no GPU test. */
  | { readonly kind: "skipped"; readonly why: string }
  /** A signed verdict about this digest is there, which is asked for with the other statements. */
  | { readonly kind: "attested" }

/** Why the GPU test does not let these images pass; none where it does. */
export function gateProblems(
  gate: GpuGate,
  images: readonly Pick<SurveyedImage, "name" | "source" | "from">[],
): readonly string[] {
  if (gate.kind !== "verdict") return []
  const { kind, image, digest, sentence } = gate.verdict
  if (kind !== "passed") return [`the GPU test did not pass: ${sentence}`]
  const tested = images.find(({ from }) => {
    const promoted = parseReference(from)
    return sameRepository(promoted, image) && promoted.tag === image.tag
  })
  if (tested === undefined) return [`the GPU test was about ${formatReference(image)}, which is not promoted`]
  if (digest === undefined)
    return ["the GPU test launched the image by its tag, so nobody knows what was tested"]
  // That the source is missing is reported elsewhere.
  if (tested.source === undefined || tested.source.digest === digest) return []
  return [
    `${tested.from} has moved since the GPU test: tested was ${digest}, now it is ${tested.source.digest}`,
  ]
}

/** The gate in a sentence; `pending` before the GPU test. */
export function describeGate(gate: GpuGate | "pending"): string {
  if (gate !== "pending" && gate.kind === "attested") return "passed before, by a signed statement"
  if (gate === "pending") return "not run yet; it comes when nothing else is in the way"
  return gate.kind === "verdict" ? gate.verdict.sentence : `the GPU test was skipped: ${gate.why}`
}
