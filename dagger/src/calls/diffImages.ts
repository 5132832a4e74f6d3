import type { Directory, Secret } from "@dagger.io/dagger"
import { renderSetDiff } from "../manifest/diffMarkdown.js"
import { InvalidImageManifest } from "../manifest/manifestData.js"
import { InputError, atOption } from "../problems.js"
import { formatReference, isTag } from "../reference/reference.js"
import { publishedAs } from "../spec/publishedAs.js"
import { plainText } from "../text/markdown.js"
import type { ComparedSet } from "../wiki/comparedSet.js"
import { compareSets, taggedSet } from "../wiki/comparedSet.js"
import type { ActionResult } from "./actionResult.js"
import { actionResult } from "./actionResult.js"
import { readArtifacts } from "./artifactManifests.js"
import { openSource } from "../gather/openSource.js"
import { requireNamed } from "../gather/secretHosts.js"
import { runWiki } from "../engine/wikiContainer.js"

/** What a caller asks: each side is a tag or the artifacts of a run. */
export interface DiffRequest {
  readonly source: Directory
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly fromArtifacts?: Directory | undefined
  readonly toArtifacts?: Directory | undefined
  /** URL of the wiki that the tags are looked up in; the spec's where not given. */
  readonly wiki?: string | undefined
  readonly wikiUsername?: string | undefined
  readonly wikiToken?: Secret | undefined
  /** Registry and organisation instead of those of the spec. */
  readonly registry?: string | undefined
}

/** One side of the comparison, as it was asked for. */
type Side =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "artifacts"; readonly option: string; readonly artifacts: Directory }

/** What is known of a tag, or in a sentence why nothing is. */
type Answer = ComparedSet | string

/**
 * The packages and sizes that differ between two sets of images.
 * @throws InputError for mistakes in the options or the source
 */
export async function diffImages(request: DiffRequest): Promise<ActionResult> {
  const { wikiToken, wiki } = request
  requireNamed([{ option: "--wiki-token", secret: wikiToken, namedBy: { "--wiki": wiki } }])
  const before = sideOf("from", request.from, request.fromArtifacts)
  const after = sideOf("to", request.to, request.toArtifacts)
  const tags = [before, after].flatMap((side) => (side.kind === "tag" ? [side.tag] : []))
  const answers = tags.length === 0 ? new Map<string, Answer>() : await askWiki(request, tags)
  const from = await findSide(before, answers)
  const to = await findSide(after, answers)
  if (typeof from === "string") return nothingToCompare(from)
  if (typeof to === "string") return nothingToCompare(to)
  return compared(from, to)
}

function nothingToCompare(why: string): Promise<ActionResult> {
  const report = { version: 1, kind: "failed", why }
  return actionResult({ ok: false, report, markdown: `Nothing to compare: ${why}.\n` })
}

function compared(from: ComparedSet, to: ComparedSet): Promise<ActionResult> {
  const images = compareSets(from, to)
  const notices = [...from.notices, ...to.notices]
  const notes = notices.map((notice) => `- ${plainText(notice)}`).join("\n")
  return actionResult({
    ok: true,
    report: { version: 1, kind: "compared", images, notices },
    markdown: [renderSetDiff(images), ...(notes === "" ? [] : [notes]), ""].join("\n\n"),
  })
}

function sideOf(name: "from" | "to", tag: string | undefined, artifacts: Directory | undefined): Side {
  const location = atOption(`--${name}`)
  if (artifacts !== undefined && tag === undefined)
    return { kind: "artifacts", option: `--${name}-artifacts`, artifacts }
  if (artifacts !== undefined || tag === undefined) {
    const message = `give either --${name} or --${name}-artifacts`
    const hint = "a tag such as 2026.4-main, or the folder that a run's artifacts were exported to"
    throw new InputError([{ location, message, hint }])
  }
  if (!isTag(tag)) throw new InputError([{ location, message: `"${tag}" is not a tag` }])
  return { kind: "tag", tag }
}

async function findSide(side: Side, answers: ReadonlyMap<string, Answer>): Promise<Answer> {
  if (side.kind === "tag") return answers.get(side.tag) ?? `nobody was asked about ${side.tag}`
  const { manifests } = await readManifests(side)
  if (manifests.length > 0) return { manifests, undescribed: [], notices: [] }
  const hint = "give the folder that the artifacts of build-stack were exported to"
  throw new InputError([{ location: atOption(side.option), message: "there are no manifests in it", hint }])
}

async function readManifests({
  option,
  artifacts,
}: Extract<Side, { kind: "artifacts" }>): ReturnType<typeof readArtifacts> {
  try {
    return await readArtifacts(artifacts)
  } catch (error) {
    if (!(error instanceof InvalidImageManifest)) throw error
    throw new InputError([{ location: atOption(option), message: error.message }])
  }
}

/** Asks the wiki about all images of the stack under all tags at once. */
async function askWiki(
  { source, wiki, wikiUsername: username, wikiToken: token, registry }: DiffRequest,
  tags: readonly string[],
): Promise<ReadonlyMap<string, Answer>> {
  const { spec } = await openSource(source)
  const url = wiki ?? spec.wiki
  if (url === undefined) {
    const hint = "what a tag's images have in them is in the wiki; without one, compare artifacts"
    throw new InputError([{ location: atOption("--wiki"), message: "neither given nor in the spec", hint }])
  }
  const questions = tags.flatMap((tag) =>
    [...publishedAs(spec, registry)].map(([name, repository]) => {
      return { tag, name, reference: formatReference({ ...repository, tag }) }
    }),
  )
  const access = { url, username, token }
  const references = questions.map(({ reference }) => reference)
  const result = await runWiki(access, { kind: "lookUp", references })
  if (result.kind === "failed") return new Map(tags.map((tag) => [tag, result.message]))
  if (result.kind !== "entries") throw new Error(`the wiki tool answered another question: ${result.kind}`)
  const found = questions.flatMap((question, index) => {
    const entry = result.entries[index]
    return entry === undefined ? [] : [{ ...question, entry }]
  })
  const setOf = (tag: string): Answer =>
    taggedSet(
      tag,
      found.filter((each) => each.tag === tag),
    )
  return new Map(tags.map((tag) => [tag, setOf(tag)]))
}
