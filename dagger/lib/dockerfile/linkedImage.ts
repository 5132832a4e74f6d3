import type { Location, Problem } from "../problems.js"
import type { SourceFile } from "../source/sourceTree.js"
import { wholeSource } from "../spec/imagePaths.js"
import type { Spec } from "../spec/spec.js"
import { foldersOfTests } from "../testing/testFolders.js"
import { compareCodeUnits } from "../text/order.js"
import type { ImageDraft, SecretUse, StageDraft, Surroundings } from "./draft.js"
import { assignedNames } from "./instruction.js"
import { configuringStages, neededStages, noticesOf, treeUses } from "./notices.js"
import type { Spelling } from "./render.js"
import { renderImage, textOf } from "./render.js"
import { isPredefined } from "./scope.js"
import { ownDirectives } from "./syntax.js"

/** One image of the run. */
export interface LinkedImage {
  readonly name: string
  /** Where its COPY and ADD read. */
  readonly context: LinkedFolder
  /** The stage to build. */
  readonly target: string
  /** Its part of the text, the same whatever other images are in the run: a part of its input key. */
  readonly stages: string
  /** Files of its context that its instructions can read. */
  readonly contextFiles: readonly SourceFile[]
  /** The image of a registry that its last stage is built on, through other stages of its own; none on an image of the tree. */
  readonly base?: ExternalBase
  /** Images of registries that it takes files from, its base included. */
  readonly bases: readonly ExternalBase[]
  /** Images of the tree that it takes files from. */
  readonly parents: readonly string[]
  /** Arguments that act without a declaration (proxies), to be given to the builder. */
  readonly builderArgs: ReadonlyMap<string, string>
  /** What its RUN instructions mount as `type=secret` and `type=ssh`. */
  readonly secrets: readonly SecretUse[]
  /** Names of the labels that its Dockerfile sets, or one of the images that it is built on. */
  readonly labelNames: readonly string[]
  /** What works, but maybe not as meant. */
  readonly notices: readonly Problem[]
}

/** A build context as a part of the linked build's. */
export interface LinkedFolder {
  /** In the source; `.` for the whole. */
  readonly folder: string
  /** In the context of the linked build. */
  readonly place: string
  /** Folders of tests in it that none of the image's instructions reads, with a slash at the end: paths below it. */
  readonly unread: readonly string[]
}

/** An image of a registry that a FROM, COPY --from or mount names. */
export interface ExternalBase {
  /** With registry and tag: `docker.io/library/debian:bookworm-slim`. */
  readonly reference: string
  readonly digest?: string
  readonly location: Location
}

/** What is known around an image when all Dockerfiles are read. */
interface ImageSurroundings extends Pick<Surroundings, "draftOf"> {
  readonly spec: Spec
  /** As if every image were in the run. */
  ownSpelling(): Spelling
}

/** What linking has found out about an image. */
export function linkedImage(draft: ImageDraft, surroundings: ImageSurroundings): LinkedImage {
  const needed = neededStages(draft)
  const files = new Set(needed.flatMap((stage) => [...stage.files]))
  const directives = ownDirectives(draft).map((text) => ({ text }))
  return {
    name: draft.spec.name,
    context: linkedFolder(draft, files, surroundings.spec),
    target: draft.names.image,
    stages: textOf([...directives, ...renderImage(draft, surroundings.ownSpelling())]),
    contextFiles: [...files].sort((a, b) => compareCodeUnits(a.path, b.path)),
    ...baseOf(draft),
    bases: basesOf(needed),
    secrets: needed.flatMap(({ secrets }) => secrets),
    parents: [...new Set(treeUses(needed).map(({ image }) => image))],
    builderArgs: new Map([...draft.buildArgs].filter(([name]) => isPredefined(name))),
    labelNames: labelNamesOf(draft, surroundings),
    notices: noticesOf(draft, surroundings.spec),
  }
}

function linkedFolder(
  { context: { folder, place } }: ImageDraft,
  files: ReadonlySet<SourceFile>,
  spec: Spec,
): LinkedFolder {
  const prefix = folder === wholeSource ? "" : `${folder}/`
  const read = [...files]
  const unread = foldersOfTests(spec)
    .filter((tests) => tests.startsWith(prefix) && !read.some(({ path }) => path.startsWith(tests)))
    .map((tests) => tests.slice(prefix.length))
  return { folder, place, unread }
}

function labelNamesOf(draft: ImageDraft, surroundings: ImageSurroundings): readonly string[] {
  const chain = configuringStages(draft)
  const bottom = chain.at(-1)?.base
  const parent = bottom?.kind === "image" ? surroundings.draftOf(bottom.image) : undefined
  const own = chain.flatMap(({ instructions }) =>
    instructions.flatMap(({ instruction }) =>
      instruction.keyword === "LABEL" ? assignedNames(instruction) : [],
    ),
  )
  return [...new Set([...own, ...(parent === undefined ? [] : labelNamesOf(parent, surroundings))])]
}

function baseOf(draft: ImageDraft): Pick<LinkedImage, "base"> {
  const bottom = configuringStages(draft).at(-1)
  if (bottom?.base.kind !== "external") return {}
  const { reference } = bottom.base
  const base = basesOf([bottom]).find((each) => each.reference === reference)
  return base === undefined ? {} : { base }
}

/** The images of registries that some stages take files from. */
export function basesOf(stages: readonly StageDraft[]): readonly ExternalBase[] {
  const bases = new Map<string, ExternalBase>()
  for (const { source, location } of stages.flatMap(({ uses }) => uses)) {
    if (source.kind !== "external" || bases.has(source.reference)) continue
    const { reference, digest } = source
    bases.set(reference, { reference, location, ...(digest !== undefined && { digest }) })
  }
  return [...bases.values()]
}
