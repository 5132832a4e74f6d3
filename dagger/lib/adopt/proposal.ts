import { posix } from "node:path"
import { linkStack } from "../dockerfile/link.js"
import type { Problem } from "../problems.js"
import { formatProblem, InputError } from "../problems.js"
import type { ImageReference } from "../reference/reference.js"
import { formatReference } from "../reference/reference.js"
import type { SourceTree } from "../source/sourceTree.js"
import { filesBelow } from "../source/sourceTree.js"
import { folderName, imagesDirectory, wholeSource } from "../spec/imagePaths.js"
import { loadSpec } from "../spec/loadSpec.js"
import { codeCell, plainText, table } from "../text/markdown.js"
import { plural } from "../text/format.js"
import type { FoundImage } from "./foundImages.js"
import { findImages } from "./foundImages.js"

/** An image as the proposed spec has it. */
export interface ProposedImage {
  readonly name: string
  /** Where it would be published. */
  readonly repository: string
  readonly dockerfile: string
  /** Its build context. */
  readonly context: string
  /** Name of the image of the source that it is built on. */
  readonly parent?: string
  /** Keys of spec.yml with their values. */
  readonly keys: ReadonlyMap<string, string | readonly string[]>
}

/** A spec for a repository that has none. */
export interface Proposal {
  readonly version: 1
  /** The text of spec.yml. */
  readonly spec: string
  readonly images: readonly ProposedImage[]
  /** What a person has to decide, or to put right. */
  readonly undecided: readonly Problem[]
}

/** Where images would go that no FROM tells of. */
const unknownOwner = "ghcr.io/example"
const specPath = "spec.yml"

/**
 * Proposes a spec for the Dockerfiles of a source, and tries it: what it would be refused for is undecided.
 * @param prefix `<year>.<quarter>` that its tags begin with
 * @throws InputError where there is a spec, or no Dockerfile
 */
export function proposeSpec(tree: SourceTree, prefix: string): Proposal {
  const there = [specPath, `${imagesDirectory}/${specPath}`].find((path) => tree.files.has(path))
  if (there !== undefined) throw nothingToAdopt(there, "there is a spec already", "plan shows what it means")
  const found = findImages(tree)
  if (found.length === 0)
    throw nothingToAdopt(specPath, "there is no Dockerfile", "new-stack begins a new stack")
  const repositories = repositoriesOf(found)
  const images = found.map((image) => proposed(image, found, repositories, tree))
  const spec = specText(images, prefix)
  const doubts = found.flatMap((image) => [...image.doubts, ...contextDoubts(image, tree)])
  const all = [...doubts, ...repositories.doubts, ...problemsOf(tree, spec)]
  return {
    version: 1,
    spec,
    images,
    undecided: [...new Map(all.map((each) => [formatProblem(each), each])).values()],
  }
}

function nothingToAdopt(file: string, message: string, hint: string): InputError {
  return new InputError([{ location: { file, line: 1, column: 1 }, message, hint }])
}

/** The image of the source that a reference means: the one of the name that it ends with. */
function imageAt(
  reference: ImageReference | undefined,
  image: FoundImage,
  all: readonly FoundImage[],
): FoundImage | undefined {
  if (reference === undefined || reference.digest !== undefined) return undefined
  const name = posix.basename(reference.path)
  return all.find((other) => other !== image && other.name.toLowerCase() === name)
}

/** The image of the source that another one is built on. */
function parentOf(image: FoundImage, all: readonly FoundImage[]): FoundImage | undefined {
  return imageAt(image.from, image, all)
}

/** Names of the others that it takes files from. */
function copiedBy(image: FoundImage, all: readonly FoundImage[]): readonly string[] {
  const parent = parentOf(image, all)
  const copied = image.copies.flatMap((reference) => imageAt(reference, image, all) ?? [])
  return [...new Set(copied)].flatMap((other) => (other === parent ? [] : [other.name]))
}

interface Repositories {
  /** By image, as FROM lines name them. */
  readonly named: ReadonlyMap<string, string>
  /** Registry and organisation of the others. */
  readonly owner: string
  readonly doubts: readonly Problem[]
}

function repositoriesOf(images: readonly FoundImage[]): Repositories {
  const named = new Map<string, string>()
  const doubts: Problem[] = []
  const uses = images.flatMap((image) =>
    [image.from, ...image.copies].flatMap((reference) => {
      const used = imageAt(reference, image, images)
      return used === undefined || reference === undefined ? [] : [{ image, used, reference }]
    }),
  )
  for (const { image, used, reference } of uses) {
    const repository = formatReference({ registry: reference.registry, path: reference.path })
    const before = named.get(used.name) ?? repository
    named.set(used.name, before)
    if (before === repository) continue
    const location = { file: image.dockerfile, line: 1, column: 1 }
    doubts.push({
      location,
      message: `it uses ${repository}, and others ${before}`,
      hint: "one is meant",
    })
  }
  const [first] = named.values()
  if (first !== undefined) return { named, owner: posix.dirname(first), doubts }
  const location = { file: specPath, line: 1, column: 1 }
  const message = `no FROM tells where images are published: ${unknownOwner} stands for it`
  return { named, owner: unknownOwner, doubts: [...doubts, { location, message }] }
}

function proposed(
  image: FoundImage,
  all: readonly FoundImage[],
  { named, owner }: Repositories,
  tree: SourceTree,
): ProposedImage {
  const { name, dockerfile, folder } = image
  const repository = named.get(name) ?? `${owner}/${name.toLowerCase()}`
  const parent = parentOf(image, all)?.name
  const copied = copiedBy(image, all)
  const context = contextOf(image, tree) ?? folder
  const isBelow = folder.startsWith(`${imagesDirectory}/`)
  const directory = isBelow ? folder : `${imagesDirectory}/${name}`
  const hasServerTests = filesBelow(tree, `${directory}/integration_tests`).length > 0
  const keys = new Map<string, string | readonly string[]>([
    ["image_name", repository],
    ...(directory === `${imagesDirectory}/${name}` ? [] : [["directory", directory] as const]),
    ...(dockerfile === `${directory}/Dockerfile` ? [] : [["dockerfile", dockerfile] as const]),
    ...(context === directory ? [] : [["context", context] as const]),
    ...(parent === undefined ? [] : [["depend_on", parent] as const]),
    ...(copied.length === 0 ? [] : [["copies_from", copied] as const]),
    ...(hasServerTests ? [["integration_tests", "true"] as const] : []),
  ])
  return { name, repository, dockerfile, context, ...(parent !== undefined && { parent }), keys }
}

/** The nearest folder, from the Dockerfile's own up to the root, that has all that its instructions read. */
function contextOf({ folder, reads }: FoundImage, tree: SourceTree): string | undefined {
  const parts = folder === wholeSource ? [] : folder.split("/")
  const folders = [...parts.map((_, index) => parts.slice(0, parts.length - index).join("/")), wholeSource]
  return folders.find((each) => reads.every((path) => isThere(tree, each, path)))
}

function isThere(tree: SourceTree, folder: string, path: string): boolean {
  const whole = folder === wholeSource ? path : `${folder}/${path}`
  return tree.files.has(whole) || filesBelow(tree, whole).length > 0
}

function contextDoubts(image: FoundImage, tree: SourceTree): readonly Problem[] {
  const { dockerfile, folder, reads } = image
  const context = contextOf(image, tree)
  const location = { file: dockerfile, line: 1, column: 1 }
  if (context === undefined) {
    const missing = reads.filter((path) => !isThere(tree, folder, path)).slice(0, 5)
    const message = `no folder has all that it reads; its own lacks ${missing.join(", ")}`
    return [{ location, message, hint: "name the build context with context, or commit what is missing" }]
  }
  if (context === folder) return []
  return [
    {
      location,
      message: `what it reads is in ${folderName(context)}: taken for its build context`,
      hint: "is that right?",
    },
  ]
}

function specText(images: readonly ProposedImage[], prefix: string): string {
  const blocks = images.map(({ name, keys }) => {
    const lines = [...keys].map(([key, value]) => `    ${key}: ${yamlValue(key, value)}`)
    return [`  ${scalar(name)}:`, ...lines].join("\n")
  })
  return `images:\n${blocks.join("\n\n")}\n\ntag:\n  prefix: "${prefix}"\n`
}

function yamlValue(key: string, value: string | readonly string[]): string {
  if (typeof value !== "string") return `[${value.map(scalar).join(", ")}]`
  return key === "integration_tests" ? value : scalar(value)
}

/** A text as YAML reads it back: in quotes where it could be something else. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z][\w./:-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
  return isPlain || text === wholeSource ? text : JSON.stringify(text)
}

/** What is wrong with a source that has this spec. */
function problemsOf(tree: SourceTree, spec: string): readonly Problem[] {
  const file = { path: specPath, kind: "file" as const, mode: 0o644, size: spec.length, sha256: "" }
  const text = (path: string) => (path === specPath ? spec : tree.text(path))
  const whole: SourceTree = { ...tree, files: new Map([...tree.files, [specPath, file]]), text }
  try {
    const loaded = loadSpec(whole)
    const { images } = linkStack({ spec: loaded, tree: whole, images: [...loaded.images.keys()] })
    return [...images.values()].flatMap(({ notices }) => notices)
  } catch (error) {
    if (error instanceof InputError) return error.problems
    throw error
  }
}

/** Calls that take a proposal. */
const taking = ["./stack adopt artifacts file --path=spec.yml export --path=spec.yml", "./stack plan"]

/** The proposal for people. */
export function renderProposal({ spec, images, undecided }: Proposal): string {
  const rows = images.map(({ name, dockerfile, context, parent }) => [
    codeCell(name),
    codeCell(dockerfile),
    codeCell(context),
    parent === undefined ? "" : codeCell(parent),
  ])
  const doubts = undecided.map((problem) => `- ${plainText(formatProblem(problem))}`)
  const sections = [
    `# A spec for ${plural(images.length, "image")}`,
    "Nothing was written.",
    `To take it, and to see what it means:\n\n\`\`\`sh\n${taking.join("\n")}\n\`\`\``,
    `\`\`\`yaml\n${spec}\`\`\``,
    table(["image", "Dockerfile", "context", "built on"], rows),
    ...(doubts.length === 0 ? [] : ["## To decide", doubts.join("\n")]),
  ]
  return `${sections.join("\n\n")}\n`
}
