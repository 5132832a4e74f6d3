import { posix } from "node:path"
import { contextPath, hasWildcard } from "../dockerfile/buildContext.js"
import type { Dockerfile, ParsedStage } from "../dockerfile/dockerfile.js"
import { parseDockerfile } from "../dockerfile/dockerfile.js"
import type { Instruction } from "../dockerfile/instruction.js"
import { assignmentsOf, locationOf, wordsOf } from "../dockerfile/instruction.js"
import { parseHeredoc } from "../dockerfile/lines.js"
import { csvFields } from "../dockerfile/mounts.js"
import { platformArguments, Scope } from "../dockerfile/scope.js"
import { expandWord } from "../dockerfile/words.js"
import type { Problem } from "../problems.js"
import { InvalidReference, parseReference } from "../reference/reference.js"
import type { ImageReference } from "../reference/reference.js"
import type { SourceTree } from "../source/sourceTree.js"
import { listOf } from "../text/format.js"

/** An image that a Dockerfile of a repository seems to make. */
export interface FoundImage {
  readonly name: string
  /** Path of its Dockerfile, from the root of the source. */
  readonly dockerfile: string
  /** Folder that it lies in; `.` for the root. */
  readonly folder: string
  /** The image that its last stage is built on, through others of the same file; absent where that cannot be told. */
  readonly from?: ImageReference
  /** Other images that its instructions take files from, as far as that is written out. */
  readonly copies: readonly ImageReference[]
  /** What its instructions read of the build context, as far as that is written out. */
  readonly reads: readonly string[]
  /** What could not be told, each with its place. */
  readonly doubts: readonly Problem[]
}

/** Names that Dockerfiles have: `Dockerfile`, `Dockerfile.gpu`, `gpu.Dockerfile`, and podman's name. */
const dockerfileName = /^(?:Dockerfile|Containerfile)(?:\.[\w-]+)?$|^[\w-]+\.(?:Dockerfile|dockerfile)$/

/** Folders that say nothing of what is in them. */
const plainFolders = new Set([".", "build", "docker", "dockerfiles", "images", "src"])

/** The images of a source by its Dockerfiles, in the order of their paths. */
export function findImages(tree: SourceTree): readonly FoundImage[] {
  const files = [...tree.files.values()].filter(({ kind, path }) => kind === "file" && isDockerfile(path))
  const paths = files.map(({ path }) => path)
  const names = namesOf(paths)
  return paths.flatMap((path) => {
    const text = tree.text(path)
    return text === undefined ? [] : [foundImage(path, names.get(path) ?? "image", text)]
  })
}

function isDockerfile(path: string): boolean {
  return dockerfileName.test(posix.basename(path)) && !path.endsWith(".dockerignore")
}

/** A name for each path: that of its folder, where that says something and no other image has it. */
function namesOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const short = paths.map((path) => [path, shortName(path, paths)] as const)
  const counts = new Map<string, number>()
  for (const [, name] of short) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1)
  return new Map(
    short.map(([path, name]) => [
      path,
      counts.get(name.toLowerCase()) === 1 ? name : spelled(path.split("/")),
    ]),
  )
}

function shortName(path: string, all: readonly string[]): string {
  const folder = posix.dirname(path)
  const outer = all.find((other) => folder.startsWith(`${posix.dirname(other)}/`) && other !== path)
  const own =
    outer === undefined || plainFolders.has(posix.basename(posix.dirname(outer)))
      ? folder.split("/").slice(-1)
      : [posix.basename(posix.dirname(outer)), ...folder.slice(posix.dirname(outer).length + 1).split("/")]
  const [, before, after] =
    /^(?:(.+)\.dockerfile|(?:Dockerfile|Containerfile)(?:\.(.+))?)$/i.exec(posix.basename(path)) ?? []
  if (before !== undefined) return spelled([before])
  const parts = [...own.filter((part) => !plainFolders.has(part)), ...(after === undefined ? [] : [after])]
  return parts.length === 0 ? "base" : spelled(parts)
}

/** Parts as a name that images may have. */
function spelled(parts: readonly string[]): string {
  const name = parts.join("-").replaceAll(/[^A-Za-z0-9._-]+/g, "-")
  return name.replaceAll(/^[._-]+|[._-]+$/g, "").slice(0, 100) || "base"
}

function foundImage(dockerfile: string, name: string, text: string): FoundImage {
  const problems: Problem[] = []
  const parsed = parseDockerfile(dockerfile, text, problems)
  const found = { name, dockerfile, folder: posix.dirname(dockerfile) }
  if (parsed === undefined) return { ...found, copies: [], reads: [], doubts: problems }
  problems.push(...stageDoubts(parsed))
  const from = baseOf(parsed, problems)
  const more = { copies: copiesOf(parsed), reads: readsOf(parsed), doubts: problems }
  return { ...found, ...(from !== undefined && { from }), ...more }
}

/** A last stage without a name is the image; one of several with names may be. */
function stageDoubts({ file, stages }: Dockerfile): readonly Problem[] {
  const names = stages.map(({ name }) => name)
  const last = names.at(-1)
  const others = names.slice(0, -1).filter((name) => name !== undefined)
  if (last === undefined || others.length === 0) return []
  const message = `its last stage is ${last}: taken for the image, and not ${listOf(others)}`
  return [{ location: { file, line: 1, column: 1 }, message, hint: "target names another" }]
}

/** What the last stage is built on. @param problems what cannot be told is added to it */
function baseOf(dockerfile: Dockerfile, problems: Problem[]): ImageReference | undefined {
  const scope = globalScope(dockerfile)
  let stage = dockerfile.stages.at(-1)
  for (;;) {
    if (stage === undefined) return undefined
    const { from, base } = stage
    const expansion = expandWord(base, scope.lookup)
    if (expansion.kind !== "text" || expansion.text === "") {
      const hint = "give its ARG a value in the Dockerfile, or build_args in spec.yml"
      problems.push({
        location: locationOf(from),
        message: `what "${base}" stands for is not said here`,
        hint,
      })
      return undefined
    }
    const below = stageBefore(dockerfile.stages, stage, expansion.text)
    if (below === undefined) return referenceOf(expansion.text, stage, problems)
    stage = below
  }
}

function stageBefore(
  stages: readonly ParsedStage[],
  stage: ParsedStage,
  name: string,
): ParsedStage | undefined {
  return stages.slice(0, stages.indexOf(stage)).findLast((other) => other.name === name.toLowerCase())
}

function referenceOf(text: string, { from }: ParsedStage, problems: Problem[]): ImageReference | undefined {
  if (text === "scratch") return undefined
  try {
    return parseReference(text)
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error
    problems.push({ location: locationOf(from), message: error.message })
    return undefined
  }
}

/** What its stages start from, and copy or mount from, besides each other; a text that is no image is none. */
function copiesOf(dockerfile: Dockerfile): readonly ImageReference[] {
  const { stages } = dockerfile
  const { lookup } = globalScope(dockerfile)
  const bases = stages.flatMap((stage) => {
    const base = expandWord(stage.base, lookup)
    return base.kind === "text" && stageBefore(stages, stage, base.text) === undefined ? [base.text] : []
  })
  const stageNames = new Set(stages.map(({ name }) => name))
  const copied = stages
    .flatMap(({ instructions }) => instructions.flatMap(fromOf))
    .filter((text) => !stageNames.has(text.toLowerCase()) && !/^\d+$/.test(text))
  return [...new Set([...bases, ...copied])].flatMap((text) => {
    try {
      return text === "scratch" ? [] : [parseReference(text)]
    } catch (error) {
      if (error instanceof InvalidReference) return []
      throw error
    }
  })
}

/** What an instruction names with `--from`, or a mount with `from`. */
function fromOf({ keyword, flags }: Instruction): readonly string[] {
  if (keyword === "COPY") return flags.flatMap(({ name, value = "" }) => (name === "from" ? [value] : []))
  if (keyword !== "RUN") return []
  return flags.flatMap(({ name, value = "" }) =>
    name === "mount" ? (mountFields(value).get("from") ?? []) : [],
  )
}

/** The arguments before the first FROM, with their defaults. */
function globalScope({ globalArguments }: Dockerfile): Scope {
  const scope = new Scope(platformArguments(), true)
  for (const argument of globalArguments.filter(({ keyword }) => keyword === "ARG")) {
    for (const { text } of assignmentsOf(argument)) {
      const [name = "", ...rest] = text.split("=")
      if (rest.length === 0) continue
      const value = expandWord(rest.join("="), scope.lookup)
      scope.set(name, value.kind === "text" ? value.text : undefined)
    }
  }
  return scope
}

/** Paths of the context that are written without variables and wildcards. */
function readsOf({ stages }: Dockerfile): readonly string[] {
  const reads = stages.flatMap(({ instructions }) => instructions.flatMap(sourcesOf))
  return [...new Set(reads.map(contextPath))].filter((path) => path !== "" && !hasWildcard(path))
}

function sourcesOf(instruction: Instruction): readonly string[] {
  const { keyword, flags, json } = instruction
  if (keyword === "RUN")
    return flags.flatMap(({ name, value = "" }) => (name === "mount" ? mountedBy(value) : []))
  if ((keyword !== "COPY" && keyword !== "ADD") || flags.some(({ name }) => name === "from")) return []
  const words = json ?? wordsOf(instruction).map(({ text }) => text)
  const isLocal = (word: string) =>
    !word.includes("$") && !/^(?:\w+:\/\/|git@)/.test(word) && parseHeredoc(word) === undefined
  return words.slice(0, -1).filter(isLocal)
}

function mountFields(value: string): ReadonlyMap<string, string> {
  return new Map(
    csvFields(value).map((field) => {
      const [key = "", ...rest] = field.split("=")
      return [key.toLowerCase(), rest.join("=")] as const
    }),
  )
}

function mountedBy(value: string): readonly string[] {
  const fields = mountFields(value)
  const source = fields.get("source") ?? fields.get("src")
  const isOfContext = (fields.get("type") ?? "bind") === "bind" && !fields.has("from")
  return isOfContext && source !== undefined && !source.includes("$") ? [source] : []
}
