import { posix } from "node:path"
import type { ChangedPath, GitFacts } from "../git/gitFacts.js"
import type { ChangeRules } from "../spec/spec.js"
import { commonTests, testDirectories, testSettings } from "../testing/testFolders.js"
import { compareCodeUnits } from "../text/order.js"
import { trimEnd } from "../text/trim.js"

/** A changed file; `committed` is false for what only the working tree has. */
export interface ChangedFile extends ChangedPath {
  readonly committed: boolean
}

/** What the paths of a stack mean. */
export interface ChangeScope {
  readonly imagesDirectory: string
  readonly specPath: string
  readonly rules: ChangeRules
  /** Every image, in the order of the spec. */
  readonly images: readonly ImageScope[]
}

export interface ImageScope {
  readonly name: string
  /** `images/<name>`, or where else its tests are. */
  readonly directory: string
  /** Its Dockerfile; `Dockerfile` in its folder, where it is not given. */
  readonly dockerfile?: string
  /** File of its build arguments, where it has one. */
  readonly buildArgsFile?: string | undefined
  /** Paths of the files that its build can read, where that is known. */
  readonly contextFiles?: ReadonlySet<string>
}

/** Changed files of one image. A file that is both read by the build and a test is in both. */
export interface ImageChanges {
  readonly inputs: readonly ChangedFile[]
  readonly tests: readonly ChangedFile[]
}

/** Changed files by what they mean. */
export interface StackChanges {
  readonly images: ReadonlyMap<string, ImageChanges>
  /** Files that `BuildAll` names: every image is rebuilt. */
  readonly buildAll: readonly ChangedFile[]
  /** The spec, where `BuildAll` does not name it: it may concern any image. */
  readonly spec: readonly ChangedFile[]
  /** Tests and test settings of all images. */
  readonly commonTests: readonly ChangedFile[]
  /** Folders of images that were deleted and are not in the spec any more. */
  readonly removedImages: readonly string[]
}

/** All that differs from the base, committed or not; undefined where git cannot say. */
export function changedFiles(facts: GitFacts): readonly ChangedFile[] | undefined {
  if (facts.changes.kind === "unknown") return undefined
  const byPath = new Map<string, ChangedFile>()
  for (const file of facts.changes.files) byPath.set(file.path, { ...file, committed: true })
  for (const file of facts.dirty) byPath.set(file.path, { ...file, committed: false })
  for (const path of facts.untracked) byPath.set(path, { path, status: "added", committed: false })
  return [...byPath.values()].toSorted((a, b) => compareCodeUnits(a.path, b.path))
}

/**
 * Whether a rule of change_ignore.json names a path. A rule is the first part of a path below the images folder, as
 * in the old pipeline (`spec.yml`, `tests_common`, an image's name), a longer path, or a path from the root.
 */
export function isNamedBy(rules: readonly string[], imagesDirectory: string, path: string): boolean {
  const prefix = `${imagesDirectory}/`
  const names = path.startsWith(prefix) ? [path, path.slice(prefix.length)] : [path]
  return rules
    .map((rule) => trimEnd(rule, "/"))
    .some((rule) => names.some((name) => name === rule || name.startsWith(`${rule}/`)))
}

/** Sorts changed files by what they mean. */
export function classifyChanges(scope: ChangeScope, files: readonly ChangedFile[]): StackChanges {
  const found = files.map((file) => ({ file, meaning: meaningOf(scope, file) }))
  const of = (kind: Meaning["kind"]): readonly ChangedFile[] =>
    found.filter(({ meaning }) => meaning.kind === kind).map(({ file }) => file)
  const images = scope.images.map(({ name }): readonly [string, ImageChanges] => {
    const own = found.flatMap(({ file, meaning }) => {
      const parts = meaning.kind === "images" ? meaning.parts.get(name) : undefined
      return parts === undefined ? [] : [{ file, ...parts }]
    })
    const pick = (part: "input" | "test"): readonly ChangedFile[] =>
      own.filter((each) => each[part]).map(({ file }) => file)
    return [name, { inputs: pick("input"), tests: pick("test") }]
  })
  return {
    images: new Map(images),
    buildAll: of("build-all"),
    spec: of("spec"),
    commonTests: of("common-tests"),
    removedImages: removedImages(scope, files),
  }
}

type Meaning =
  /** A part of these images. */
  | { readonly kind: "images"; readonly parts: ReadonlyMap<string, PartOfImage> }
  | { readonly kind: "build-all" | "spec" | "common-tests" | "nothing" }

/** Whether a file is read by a build, and whether it is a test. */
interface PartOfImage {
  readonly input: boolean
  readonly test: boolean
}

function meaningOf(scope: ChangeScope, file: ChangedFile): Meaning {
  const { imagesDirectory, rules, specPath } = scope
  const { path } = file
  // In the order of the old pipeline: BuildAll wins over ChangeIgnore.
  if (isNamedBy(rules.buildAll, imagesDirectory, path)) return { kind: "build-all" }
  if (isNamedBy(rules.ignore, imagesDirectory, path)) return { kind: "nothing" }
  if (path === specPath) return { kind: "spec" }
  if (isCommonTest(imagesDirectory, path)) return { kind: "common-tests" }
  const parts = partsOf(scope, file)
  return parts.size > 0 ? { kind: "images", parts } : { kind: "nothing" }
}

function isCommonTest(imagesDirectory: string, path: string): boolean {
  if (path.startsWith(`${imagesDirectory}/${commonTests}/`)) return true
  return testSettings.some((name) => path === `${imagesDirectory}/${name}`)
}

/** The images that a file is a part of: those that share a folder, or a context, have files in common. */
function partsOf({ images }: ChangeScope, file: ChangedFile): ReadonlyMap<string, PartOfImage> {
  const nearest = Math.max(0, ...images.map((image) => (isBelow(image, file) ? image.directory.length : 0)))
  return new Map(
    images.flatMap((image) => {
      // Of folders within each other, a file is in the inner one.
      const isOwn = isBelow(image, file) && image.directory.length === nearest
      const test =
        isOwn && testDirectories.some((tests) => file.path.startsWith(`${image.directory}/${tests}/`))
      const input = isInput(image, file, isOwn && !test)
      return test || input ? [[image.name, { input, test }] as const] : []
    }),
  )
}

function isBelow({ directory }: ImageScope, { path }: ChangedFile): boolean {
  return path.startsWith(`${directory}/`)
}

/**
 * The build's own files are not part of its context; of a deleted file nobody knows whether it was.
 * @param isOwn whether the file lies in the image's folder, and is no test
 */
function isInput(image: ImageScope, { path, status }: ChangedFile, isOwn: boolean): boolean {
  const { contextFiles, directory, dockerfile = `${directory}/Dockerfile` } = image
  if (
    [image.buildArgsFile, dockerfile, `${dockerfile}.dockerignore`, `${directory}/.dockerignore`].includes(
      path,
    )
  )
    return true
  if (contextFiles === undefined) return isOwn
  return contextFiles.has(path) || (status === "deleted" && isOwn)
}

/** Folders directly below the images folder whose Dockerfile was deleted. */
function removedImages(
  { imagesDirectory, images }: ChangeScope,
  files: readonly ChangedFile[],
): readonly string[] {
  const known = new Set(
    images.flatMap(({ directory, dockerfile }) =>
      dockerfile === undefined ? [directory] : [directory, posix.dirname(dockerfile)],
    ),
  )
  return files
    .filter(({ status }) => status === "deleted")
    .flatMap(({ path }) => (posix.basename(path) === "Dockerfile" ? [posix.dirname(path)] : []))
    .filter((directory) => posix.dirname(directory) === imagesDirectory && !known.has(directory))
}
