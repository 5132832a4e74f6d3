import type { Problem } from "../problems.js"
import type { SourceFile, SourceTree } from "../source/sourceTree.js"
import type { ImageSpec, Spec } from "../spec/spec.js"
import type { BuildContext } from "./buildContext.js"
import { buildContextOf, filesByDirectory } from "./buildContext.js"
import type { Dockerfile } from "./dockerfile.js"
import { parseDockerfile } from "./dockerfile.js"
import { parseInstruction } from "./instruction.js"
import { readDockerfileLines } from "./lines.js"
import { quoteWord } from "./words.js"
import { hintFor } from "../text/suggest.js"

/** What of an image is read from the source, the same in every link of it. */
export interface ReadImage {
  /** Undefined where there is none that can be linked. */
  readonly dockerfile?: Dockerfile | undefined
  readonly context?: BuildContext | undefined
  /** What is wrong with it. */
  readonly problems: readonly Problem[]
}

/** The images of one source; each is read when it is first asked for, and once. */
export class ReadImages {
  private static readonly known = new WeakMap<SourceTree, WeakMap<Spec, ReadImages>>()
  private readonly files: ReadonlyMap<string, readonly SourceFile[]>
  private readonly images = new Map<string, ReadImage>()

  private constructor(
    spec: Spec,
    private readonly tree: SourceTree,
  ) {
    const contexts = [...spec.images.values()].map(({ context }) => context)
    this.files = filesByDirectory(tree, new Set(contexts))
  }

  /**
   * A run links its source twice: to see which bases there are, and with their digests. Patterns and files are looked at
   * in the first of these.
   */
  static of(spec: Spec, tree: SourceTree): ReadImages {
    const ofTree = this.known.get(tree) ?? new WeakMap<Spec, ReadImages>()
    this.known.set(tree, ofTree)
    const images = ofTree.get(spec) ?? new ReadImages(spec, tree)
    ofTree.set(spec, images)
    return images
  }

  read(image: ImageSpec): ReadImage {
    const read = this.images.get(image.name) ?? this.readAnew(image)
    this.images.set(image.name, read)
    return read
  }

  private readAnew(image: ImageSpec): ReadImage {
    const { dockerfile: path, context: folder, location, name } = image
    const source = this.tree.text(path)
    if (source === undefined) {
      return { problems: [{ location, message: `${name} has no Dockerfile: ${path} does not exist` }] }
    }
    const problems: Problem[] = []
    const parsed = parseDockerfile(path, source, problems)
    const whole = parsed === undefined ? undefined : upToTarget(parsed, image, problems)
    const dockerfile = whole === undefined ? undefined : withLabels(whole, image, problems)
    if (dockerfile === undefined) return { problems }
    const context = buildContextOf(image, this.tree, this.files.get(folder) ?? [], problems)
    return { dockerfile, context, problems }
  }
}

/** A Dockerfile that ends with the labels of the spec. */
function withLabels(dockerfile: Dockerfile, { labels }: ImageSpec, problems: Problem[]): Dockerfile {
  const last = dockerfile.stages.at(-1)
  if (labels === undefined || last === undefined) return dockerfile
  const { values, location } = labels
  const text = [...values].map(([name, value]) => `${quoteWord(name)}=${quoteWord(value)}`).join(" ")
  const { lines } = readDockerfileLines(location.file, `LABEL ${text}\n`, problems)
  const added = lines.map((line) => parseInstruction({ ...line, segments: [{ ...location, offset: 0 }] }))
  const stage = { ...last, instructions: [...last.instructions, ...added] }
  return { ...dockerfile, stages: [...dockerfile.stages.slice(0, -1), stage] }
}

/** A Dockerfile as far as the stage that is the image: no stage needs one that follows on it. */
function upToTarget(
  dockerfile: Dockerfile,
  { target }: ImageSpec,
  problems: Problem[],
): Dockerfile | undefined {
  if (target === undefined) return dockerfile
  const { stages, file } = dockerfile
  // As BuildKit: the last one of that name, whatever its case.
  const index = stages.findLastIndex(({ name }) => name === target.stage.toLowerCase())
  if (index !== -1) return { ...dockerfile, stages: stages.slice(0, index + 1) }
  const names = stages.flatMap(({ name }) => name ?? [])
  const message = `"target" names "${target.stage}", which is no stage of ${file}`
  problems.push({
    location: target.location,
    message,
    hint: hintFor(target.stage, names, "stages with a name"),
  })
  return undefined
}
