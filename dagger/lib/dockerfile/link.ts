import type { Problem } from "../problems.js"
import { formatProblem, InputError } from "../problems.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import { ownerOfTag } from "../reference/imagePlace.js"
import type { ImageReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { SourceTree } from "../source/sourceTree.js"
import type { ImageSpec, Spec } from "../spec/spec.js"
import { madeFrom } from "../spec/spec.js"
import { toldApart } from "./toldApart.js"
import type { BaseConfig } from "./baseConfig.js"
import type { ImageDraft, Surroundings } from "./draft.js"
import { patternsBelow } from "./ignoreFile.js"
import type { LinkedImage } from "./linkedImage.js"
import { basesOf, linkedImage } from "./linkedImage.js"
import { linkImage } from "./linkImage.js"
import { neededStages, parentProblems } from "./notices.js"
import { platformProblems } from "./pinnedPlatform.js"
import type { Places } from "./authorsPlaces.js"
import { statementOf } from "./authorsPlaces.js"
import { ReadImages } from "./readImages.js"
import type { RenderedLine, Spelling } from "./render.js"
import { renderImage, textOf } from "./render.js"
import { fixedArguments, platformArguments, Scope } from "./scope.js"
import { stageNamesOf } from "./stageNames.js"
import { linkedDirectives } from "./syntax.js"

/** What a run builds, and how its text names the rest. */
export interface RunOfImages {
  /** Names of the images to build in this run. */
  readonly images: readonly string[]
  /** Where images of the tree that are not built in this run are found: `name:tag@sha256:...` by image. */
  readonly parents?: ReadonlyMap<string, string> | undefined
  /**
   * Words that the builder keeps RUN instructions of images by, by image: with one that no earlier run had they run again,
   * whatever it has of them.
   */
  readonly runAgain?: ReadonlyMap<string, string> | undefined
  /** What the builder knows the ssh agent by, where that is not `default`. */
  readonly agent?: string | undefined
}

/** What to link, and the facts that decide how references are written. */
export interface LinkRequest extends RunOfImages {
  readonly spec: Spec
  readonly tree: SourceTree
  /** What is built for, as `linux/amd64`; only a FROM whose image depends on TARGETARCH or its kin needs it. */
  readonly platform?: string
  /** Build arguments by image and name, before those of the spec. */
  readonly buildArgs?: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Digests of external bases by full reference (`docker.io/library/debian:bookworm-slim`). */
  readonly bases?: ReadonlyMap<string, string>
  /** Their configurations, as far as registries have told them; the triggers of one that is not here act by themselves. */
  readonly baseConfigs?: ReadonlyMap<string, BaseConfig>
  /** Where images are published; a FROM is compared with this repository and the spec's. */
  readonly repositories?: ReadonlyMap<string, ImagePlace>
}

/** Name of the linked Dockerfile in the build context. */
export const linkedDockerfile = "stack.Dockerfile"

/** Images as one Dockerfile. */
export interface LinkedText extends Places {
  /** Builds any of the images, in the root of the source, as `docker build -f stack.Dockerfile --target <name> .` */
  readonly dockerfile: string
  /** Goes with it as `stack.Dockerfile.dockerignore`. */
  readonly dockerignore: string
}

/**
 * Links the Dockerfiles of a run into one, in which images build on each other's stages without a registry.
 * @throws InputError with every mistake that a pass over all Dockerfiles found
 */
export function linkStack(request: LinkRequest): LinkedStack {
  const linker = new Linker(request)
  const run = linker.draftRun()
  linkedDirectives(run, linker.problems)
  if (linker.problems.length > 0) throw new InputError(eachOnce(linker.problems))
  return new LinkedStack(
    linker,
    request,
    new Map(run.map((draft) => [draft.spec.name, linkedImage(draft, linker)])),
  )
}

/**
 * The images of registries that a run takes files from, by their full references.
 * @throws InputError with every mistake that a pass over all Dockerfiles found
 */
export function externalBases(request: LinkRequest): readonly string[] {
  const linker = new Linker(request)
  const run = linker.draftRun()
  if (linker.problems.length > 0) throw new InputError(eachOnce(linker.problems))
  return [...new Set(run.flatMap((draft) => basesOf(neededStages(draft)).map(({ reference }) => reference)))]
}

/** Images of one Dockerfile have its mistakes in common. */
function eachOnce(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()]
}

/**
 * The images of a run, linked. Each has a text of its own, the same beside whatever others it stands: a part of the
 * images is the texts of these.
 */
export class LinkedStack {
  private readonly spelling: Spelling
  private readonly lines = new Map<string, readonly RenderedLine[]>()
  private wholeText: LinkedText | undefined

  constructor(
    private readonly linker: Linker,
    run: RunOfImages,
    readonly images: ReadonlyMap<string, LinkedImage>,
  ) {
    this.spelling = linker.spellingOf(run)
  }

  /** All of them. */
  get whole(): LinkedText {
    this.wholeText ??= this.only([...this.images.keys()])
    return this.wholeText
  }

  /**
   * Some of the images.
   * @param names with all that they are built on in this run, parents first
   * @param built the one that is built of this text, where that is for the engine: the others' bases are told apart by it
   */
  only(names: readonly string[], built?: string): LinkedText {
    const drafts = names.flatMap((name) => this.linker.draftOf(name) ?? [])
    const lines = [
      ...headerLines(linkedDirectives(drafts, [])),
      ...drafts.flatMap((draft) =>
        built === undefined || draft.spec.name === built
          ? this.linesOf(draft)
          : this.linesOf(draft).map((line) => toldApart(line, built)),
      ),
    ]
    return {
      dockerfile: textOf(lines),
      dockerignore: dockerignoreOf(drafts),
      statements: drafts.flatMap(({ stages }) =>
        stages.flatMap(({ instructions }) => instructions.map(({ instruction }) => statementOf(instruction))),
      ),
      locate: (line) => {
        const origin = lines[line - 1]?.origin
        return origin === undefined ? undefined : { ...origin, column: 1 }
      },
    }
  }

  /** An image and what it is built on in this run, all the way down; parents first. */
  lineage(name: string): readonly string[] {
    const lineage = new Set([name])
    // A set's loop reaches what is added on the way: every image once, however many ways lead to it.
    for (const each of lineage) for (const parent of this.images.get(each)?.parents ?? []) lineage.add(parent)
    return [...this.images.keys()].filter((each) => lineage.has(each))
  }

  /** Another run of these images, which builds some of them; nothing is read or linked again. */
  forRun(run: RunOfImages): LinkedStack {
    const wanted = new Set(run.images)
    return new LinkedStack(this.linker, run, new Map([...this.images].filter(([name]) => wanted.has(name))))
  }

  private linesOf(draft: ImageDraft): readonly RenderedLine[] {
    const { name } = draft.spec
    const lines = this.lines.get(name) ?? imageLines(draft, this.spelling)
    this.lines.set(name, lines)
    return lines
  }
}

/** The id of an ssh agent that `docker build --ssh=default` gives. */
const defaultAgent = "default"

/** Drafts each image once, parents before children. */
class Linker implements Surroundings {
  readonly problems: Problem[] = []
  private readonly drafts = new Map<string, ImageDraft | undefined>()
  private readonly byRepository = new Map<string, NamedPlace[]>()
  private readonly images: ReadImages

  constructor(readonly request: LinkRequest) {
    const { spec, tree, repositories } = request
    this.images = ReadImages.of(spec, tree)
    for (const { name, repository, tagPrefix } of spec.images.values()) {
      const places = [repository, repositories?.get(name) ?? repository].map(repositoryName)
      for (const place of new Set(places)) {
        this.byRepository.set(place, [...(this.byRepository.get(place) ?? []), { name, tagPrefix }])
      }
    }
  }

  get spec(): Spec {
    return this.request.spec
  }

  /** The drafts of the images of the run, parents first. */
  draftRun(): readonly ImageDraft[] {
    for (const name of this.request.images) this.draft(name)
    const wanted = new Set(this.request.images)
    const run = [...this.drafts].flatMap(([name, draft]) =>
      draft !== undefined && wanted.has(name) ? [draft] : [],
    )
    for (const draft of run) for (const stage of neededStages(draft)) this.problems.push(...stage.problems)
    for (const draft of run) {
      this.problems.push(
        ...parentProblems(draft, this.spec),
        ...platformProblems(draft, this.request.platform),
      )
    }
    return run
  }

  imageAt({ tag = "latest", ...repository }: ImageReference): string | undefined {
    const images = this.byRepository.get(repositoryName(repository)) ?? []
    return (images.length > 1 ? ownerOfTag(images, tag) : images[0])?.name
  }

  draftOf(image: string): ImageDraft | undefined {
    return this.drafts.get(image)
  }

  digestOf(reference: string): string | undefined {
    return this.request.bases?.get(reference)
  }

  configOf(reference: string): BaseConfig | undefined {
    return this.request.baseConfigs?.get(reference)
  }

  sourcesOf(image: string): ReadonlySet<string> {
    const { images } = this.spec
    const ofImage = (name: string) => {
      const spec = images.get(name)
      return spec === undefined ? [] : madeFrom(spec)
    }
    const found = new Set(ofImage(image))
    // A set's loop reaches what is added on the way.
    for (const each of found) for (const source of ofImage(each)) found.add(source)
    return found
  }

  /** For a run: images that it does not build are references. */
  spellingOf({ images, parents, runAgain, agent = defaultAgent }: RunOfImages): Spelling {
    const built = new Set(images)
    return {
      imageName: ({ image, written }) =>
        built.has(image) ? this.stageOf(image) : (parents?.get(image) ?? written),
      inheritedFrom: (base) =>
        base.kind === "image" && built.has(base.image) ? this.draftOf(base.image) : undefined,
      isPublished: (base) => base.kind === "image" && !built.has(base.image),
      agent,
      runFlag: ({ spec }) => {
        const word = runAgain?.get(spec.name)
        return word === undefined ? undefined : flagOf(word)
      },
    }
  }

  /** As if every image were in the run, and without what depends on the text of others. */
  ownSpelling(): Spelling {
    return {
      imageName: ({ image }) => this.stageOf(image),
      inheritedFrom: () => undefined,
      isPublished: () => false,
      agent: defaultAgent,
      runFlag: () => undefined,
    }
  }

  private stageOf(image: string): string {
    const draft = this.draftOf(image)
    const isSplit = (draft?.stages.at(-1)?.onbuild.length ?? 0) > 0
    return (isSplit ? draft?.names.body : draft?.names.image) ?? image
  }

  private draft(name: string): void {
    const image = this.spec.images.get(name)
    if (image === undefined || this.drafts.has(name)) return
    for (const source of madeFrom(image)) this.draft(source)
    const draft = this.read(image)
    if (draft !== undefined) linkImage(draft, this)
    this.drafts.set(name, draft)
  }

  private read(spec: ImageSpec): ImageDraft | undefined {
    const { platform, buildArgs } = this.request
    const { dockerfile, context, problems } = this.images.read(spec)
    this.problems.push(...problems)
    if (dockerfile === undefined || context === undefined) return undefined
    const args = new Map([...spec.buildArgs, ...(buildArgs?.get(spec.name) ?? [])])
    const platformArgs = platformArguments(platform)
    return {
      spec,
      dockerfile,
      names: stageNamesOf(spec.name, dockerfile.stages),
      context,
      buildArgs: args,
      declared: new Set(),
      globals: new Scope(
        [...platformArgs, ...fixedArguments, ...[...args].filter(([name]) => platformArgs.has(name))],
        true,
      ),
      globalValues: new Map(),
      platformArguments: platformArgs,
      stages: [],
      namedStages: new Map(),
    }
  }
}

/** An image of a repository. */
interface NamedPlace extends Pick<ImagePlace, "tagPrefix"> {
  readonly name: string
}

function repositoryName({ registry, path }: ImageReference): string {
  return formatReference({ registry, path })
}

/**
 * A mount in the container's own /dev, which is no part of the image: the builder takes a RUN with another mount for
 * another RUN.
 */
function flagOf(word: string): string {
  return `--mount=type=tmpfs,target=/dev/stack-run-${word}`
}

function headerLines(directives: readonly string[]): readonly RenderedLine[] {
  return [
    ...directives.map((text) => ({ text })),
    {
      text: "# All images of the stack in one file, linked from their Dockerfiles. From the root of the source:",
    },
    { text: "#   docker build --file stack.Dockerfile --target <image> ." },
    { text: "# with the patterns that belong to it in stack.Dockerfile.dockerignore." },
  ]
}

function imageLines(draft: ImageDraft, spelling: Spelling): readonly RenderedLine[] {
  return [
    { text: "" },
    { text: `# ${draft.spec.name}: ${draft.dockerfile.file}` },
    ...renderImage(draft, spelling),
  ]
}

/** Leaves out all but the contexts of these images, and of those what each leaves out by itself. */
function dockerignoreOf(run: readonly ImageDraft[]): string {
  const blocks = new Map(
    run.map(({ context: { place, ignoreFile } }) => [
      place,
      [`!${place}`, ...patternsBelow(place, ignoreFile)],
    ]),
  )
  return ["*", ...[...blocks.values()].flat()].map((pattern) => `${pattern}\n`).join("")
}
