import type { Directory, Secret } from "@dagger.io/dagger"
import { runWiki } from "../engine/wikiContainer.js"
import { lookIntoEach } from "../gather/lookInto.js"
import { openSource } from "../gather/openSource.js"
import { RegistrySession } from "../gather/registrySession.js"
import { loginOf } from "../gather/secretHosts.js"
import { InvalidImageManifest } from "../manifest/manifestData.js"
import { InputError, atOption } from "../problems.js"
import { underTag } from "../reference/imagePlace.js"
import type { ImageReference } from "../reference/reference.js"
import { InvalidReference, formatReference, isTag, parseReference } from "../reference/reference.js"
import { usualPlatform } from "../spec/platforms.js"
import { publishedAs } from "../spec/publishedAs.js"
import type { ComparedSet } from "../wiki/comparedSet.js"
import { taggedSet } from "../wiki/comparedSet.js"
import { readArtifacts } from "./artifactManifests.js"

/** Where manifests of images are looked up. */
export interface ManifestSources {
  readonly source: Directory
  /** URL of the wiki that tags are looked up in; the spec's where not given. */
  readonly wiki?: string | undefined
  readonly wikiUsername?: string | undefined
  readonly wikiToken?: Secret | undefined
  /** Registry and organisation instead of those of the spec. */
  readonly registry?: string | undefined
  /** Login to that registry, for images that are looked into. */
  readonly registryUsername?: string | undefined
  readonly registryPassword?: Secret | undefined
}

/** A set of images, as it was asked for. */
export type ImageSet =
  | { readonly kind: "tag"; readonly tag: string }
  /** A published image, to be looked into. */
  | { readonly kind: "reference"; readonly reference: ImageReference }
  | { readonly kind: "artifacts"; readonly option: string; readonly artifacts: Directory }

/** What is known of a set, or in a sentence why nothing is. */
export type KnownSet = ComparedSet | string

/** Names of the two options of which a caller gives one. */
export interface SetOptions {
  readonly tag: string
  readonly artifacts: string
}

/**
 * The set that a caller means, by a tag or by the artifacts of a run.
 * @throws InputError where it is neither, both or no tag
 */
export function imageSet(
  options: SetOptions,
  tag: string | undefined,
  artifacts: Directory | undefined,
): ImageSet {
  const location = atOption(options.tag)
  if (artifacts !== undefined && tag === undefined)
    return { kind: "artifacts", option: options.artifacts, artifacts }
  if (artifacts !== undefined || tag === undefined) {
    const message = `give either ${options.tag} or ${options.artifacts}`
    const hint = "a tag such as 2026.4-main, or the folder that a run's artifacts were exported to"
    throw new InputError([{ location, message, hint }])
  }
  if (tag.includes("/")) return { kind: "reference", reference: referenceAt(options.tag, tag) }
  if (!isTag(tag)) throw new InputError([{ location, message: `"${tag}" is not a tag` }])
  return { kind: "tag", tag }
}

/** @throws InputError */
function referenceAt(option: string, text: string): ImageReference {
  try {
    return parseReference(text)
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error
    throw new InputError([{ location: atOption(option), message: error.message }])
  }
}

/**
 * What the wiki and artifacts know of sets of images, in their order; the wiki is asked once for all tags.
 * @throws InputError for artifacts without manifests, and for mistakes in the options or the source
 */
export async function knownSets(
  sets: readonly ImageSet[],
  sources: ManifestSources,
): Promise<readonly KnownSet[]> {
  const tags = sets.flatMap((set) => (set.kind === "tag" ? [set.tag] : []))
  const answers = tags.length === 0 ? new Map<string, KnownSet>() : await askWiki(sources, tags)
  return Promise.all(sets.map((set) => knownSet(set, answers, sources)))
}

async function knownSet(
  set: ImageSet,
  answers: ReadonlyMap<string, KnownSet>,
  sources: ManifestSources,
): Promise<KnownSet> {
  if (set.kind === "reference") return lookedInto(set.reference, sources)
  if (set.kind === "tag") return answers.get(set.tag) ?? `nobody was asked about ${set.tag}`
  const { manifests } = await readManifests(set)
  if (manifests.length > 0) return { manifests, undescribed: [], notices: [] }
  const hint = "give the folder that the artifacts of build-stack were exported to"
  throw new InputError([{ location: atOption(set.option), message: "there are no manifests in it", hint }])
}

/** One image as its registry and itself tell it; named after its repository. */
async function lookedInto(reference: ImageReference, sources: ManifestSources): Promise<KnownSet> {
  const { spec } = await openSource(sources.source)
  const session = await RegistrySession.open(loginOf(sources))
  const name = reference.path.slice(reference.path.lastIndexOf("/") + 1)
  const image = { name, reference, platform: spec.platforms[0] ?? usualPlatform }
  const found = await lookIntoEach(session, image, spec.platforms)
  if (typeof found === "string") return found
  return { manifests: [found.manifest], undescribed: [], notices: found.notices }
}

async function readManifests({
  option,
  artifacts,
}: Extract<ImageSet, { kind: "artifacts" }>): ReturnType<typeof readArtifacts> {
  try {
    return await readArtifacts(artifacts)
  } catch (error) {
    if (!(error instanceof InvalidImageManifest)) throw error
    throw new InputError([{ location: atOption(option), message: error.message }])
  }
}

/** Asks the wiki about all images of the stack under all tags at once. */
async function askWiki(
  { source, wiki, wikiUsername: username, wikiToken: token, registry }: ManifestSources,
  tags: readonly string[],
): Promise<ReadonlyMap<string, KnownSet>> {
  const { spec } = await openSource(source)
  const url = wiki ?? spec.wiki
  if (url === undefined) {
    const hint = "what a tag's images have in them is in the wiki; without one, give artifacts of a run"
    throw new InputError([{ location: atOption("--wiki"), message: "neither given nor in the spec", hint }])
  }
  const questions = tags.flatMap((tag) =>
    [...publishedAs(spec, registry)].map(([name, repository]) => {
      return { tag, name, reference: formatReference(underTag(repository, tag)) }
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
  const setOf = (tag: string): KnownSet =>
    taggedSet(
      tag,
      found.filter((each) => each.tag === tag),
    )
  return new Map(tags.map((tag) => [tag, setOf(tag)]))
}
