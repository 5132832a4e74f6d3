import type { Directory } from "@dagger.io/dagger"
import { requireNamed } from "../gather/secretHosts.js"
import { renderSetDiff } from "../manifest/diffMarkdown.js"
import { plainText } from "../text/markdown.js"
import type { ComparedSet } from "../wiki/comparedSet.js"
import { compareSets } from "../wiki/comparedSet.js"
import type { ActionOutcome } from "./actionOutcome.js"
import type { ManifestSources } from "./imageSets.js"
import { imageSet, knownSets } from "./imageSets.js"

/** What a caller asks: each side is a tag, a published image or the artifacts of a run. */
export interface DiffRequest extends ManifestSources {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly fromArtifacts?: Directory | undefined
  readonly toArtifacts?: Directory | undefined
}

/**
 * The packages and sizes that differ between two sets of images.
 * @throws InputError for mistakes in the options or the source
 */
export async function diffImages(request: DiffRequest): Promise<ActionOutcome> {
  const { wikiToken, wiki } = request
  requireNamed([{ option: "--wiki-token", secret: wikiToken, namedBy: { "--wiki": wiki } }])
  const sides = [
    imageSet({ tag: "--from", artifacts: "--from-artifacts" }, request.from, request.fromArtifacts),
    imageSet({ tag: "--to", artifacts: "--to-artifacts" }, request.to, request.toArtifacts),
  ]
  const [from = "", to = ""] = await knownSets(sides, request)
  if (typeof from === "string") return nothingToCompare(from)
  if (typeof to === "string") return nothingToCompare(to)
  const isOfTwo = sides.every(({ kind }) => kind === "reference")
  return compared(isOfTwo ? calledLike(to, from) : from, to)
}

/** Two images that a caller names are compared, whatever their repositories are called. */
function calledLike({ manifests: [other] }: ComparedSet, set: ComparedSet): ComparedSet {
  return {
    ...set,
    manifests: set.manifests.map((manifest) => ({ ...manifest, name: other?.name ?? manifest.name })),
  }
}

function nothingToCompare(why: string): ActionOutcome {
  const report = { version: 1, kind: "failed", why }
  return { ok: false, report, markdown: `Nothing to compare: ${why}.\n` }
}

function compared(from: ComparedSet, to: ComparedSet): ActionOutcome {
  const images = compareSets(from, to)
  const notices = [...from.notices, ...to.notices]
  const notes = notices.map((notice) => `- ${plainText(notice)}`).join("\n")
  return {
    ok: true,
    report: { version: 1, kind: "compared", images, notices },
    markdown: [renderSetDiff(images), ...(notes === "" ? [] : [notes]), ""].join("\n\n"),
  }
}
