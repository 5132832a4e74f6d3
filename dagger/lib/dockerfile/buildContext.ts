import type { Problem } from "../problems.js"
import { createHash } from "node:crypto"
import { posix } from "node:path"
import type { SourceFile, SourceTree } from "../source/sourceTree.js"
import { isLeftOut } from "../source/sourceTree.js"
import { folderName, hasOwnContext, wholeSource } from "../spec/imagePaths.js"
import type { ImageSpec } from "../spec/spec.js"
import { PatternSet } from "../text/patternSet.js"
import { goPatternParts } from "./goPattern.js"
import type { IgnoreFile } from "./ignoreFile.js"
import { isIgnored, noIgnoreFile, parseIgnoreFile } from "./ignoreFile.js"

/** What a path of an instruction's source is in the build context. */
export type SourceKind = "directory" | "file" | "symlink" | "ignored" | "left-out" | "missing"

/** Symlinks on the way to a file; the builder's limit is 255. */
const mostLinks = 255

/** The files of one image that its build can see. */
export class BuildContext {
  /** Files after `.dockerignore`, by their path below the context. */
  private readonly visible: ReadonlyMap<string, SourceFile>
  /** The paths of `visible` by code unit, as a source tree has them: those of a folder stand together. */
  private readonly paths: readonly string[]
  private readonly directories = new Set<string>([""])

  constructor(
    /** Its folder in the source. */
    readonly folder: string,
    /** Its folder in the context of the linked build. */
    readonly place: string,
    files: readonly SourceFile[],
    readonly ignoreFile: IgnoreFile,
    /** Whether git ignores what was at a path below the context. */
    private readonly isLeftOut: (path: string) => boolean,
  ) {
    const prefix = folder === wholeSource ? 0 : folder.length + 1
    const below = files.map((file) => [file.path.slice(prefix), file] as const)
    this.visible = new Map(below.filter(([path]) => !isIgnored(ignoreFile, path)))
    this.paths = [...this.visible.keys()]
    // A folder stays when all its files are ignored, as long as it is not ignored itself.
    for (const [path] of below) for (const parent of parentPaths(path)) this.directories.add(parent)
  }

  get isEmpty(): boolean {
    return this.visible.size === 0
  }

  /** @param path cleaned by `contextPath`, without wildcards */
  kindOf(path: string): SourceKind {
    const file = this.visible.get(path)
    if (file !== undefined) return file.kind
    if (path === "") return "directory"
    const isDirectory = this.directories.has(path)
    if (isDirectory && (!isIgnored(this.ignoreFile, path) || this.filesBelow(path).length > 0))
      return "directory"
    // Behind a symlink the path may exist: only the build can tell.
    if (parentPaths(path).some((parent) => this.visible.get(parent)?.kind === "symlink")) return "symlink"
    if (isIgnored(this.ignoreFile, path)) return "ignored"
    return this.isLeftOut(path) ? "left-out" : "missing"
  }

  /** The files that an instruction with this source can read; all of them where a symlink may lead anywhere. */
  matching(path: string): readonly SourceFile[] {
    if (path === "") return this.all()
    if (!hasWildcard(path)) return this.mounted(path)
    const parts = goPatternParts(path, false)
    if (parts === undefined) return this.all()
    const set = new PatternSet([parts])
    const matched = this.paths.filter((own) => set.lastMatch(own) !== -1)
    const files = this.filesAt(matched)
    const leadsAnywhere = files.some((file, index) => {
      const own = matched[index] ?? ""
      return file.kind === "symlink" && !parentPaths(own).some((parent) => set.lastMatch(parent) !== -1)
    })
    return leadsAnywhere ? this.all() : files
  }

  /** The files that a mount of this path shows; a mount's path is taken as it is, without wildcards. */
  mounted(path: string): readonly SourceFile[] {
    if (path === "" || this.kindOf(path) === "symlink") return this.all()
    return this.filesAt([path, ...this.filesBelow(path)])
  }

  /**
   * Where a path leads through the symlinks of the context, whose root is what they take for `/`; undefined where they
   * lead in a circle.
   */
  follow(path: string): string | undefined {
    let done = ""
    let links = 0
    for (let rest = path.split("/"); rest.length > 0;) {
      const [name = "", ...more] = rest
      const next = done === "" ? name : `${done}/${name}`
      const target = this.visible.get(next)?.target
      links += target === undefined ? 0 : 1
      if (links > mostLinks) return undefined
      const led = target === undefined ? undefined : contextPath(posix.resolve("/", done, target))
      rest = led === undefined || led === "" ? more : [...led.split("/"), ...more]
      done = led === undefined ? next : ""
    }
    return done
  }

  /** Every file after `.dockerignore`. */
  all(): readonly SourceFile[] {
    return [...this.visible.values()]
  }

  private filesBelow(path: string): readonly string[] {
    const after = String.fromCharCode("/".charCodeAt(0) + 1)
    return this.paths.slice(firstFrom(this.paths, `${path}/`), firstFrom(this.paths, `${path}${after}`))
  }

  private filesAt(paths: readonly string[]): readonly SourceFile[] {
    return paths.flatMap((path) => this.visible.get(path) ?? [])
  }
}

/** Reads the context of an image, with `Dockerfile.dockerignore` before `.dockerignore` as docker does. */
export function buildContextOf(
  image: ImageSpec,
  tree: SourceTree,
  files: readonly SourceFile[],
  problems: Problem[],
): BuildContext {
  const { context, dockerfile } = image
  const below = (path: string) => (context === wholeSource ? path : `${context}/${path}`)
  const isMissing = (path: string) => isLeftOut(tree, below(path))
  const own = `${dockerfile}.dockerignore`
  for (const path of [own, below(".dockerignore")]) {
    const text = tree.text(path)
    if (text === undefined) continue
    const place = placeOf(image, path === own ? own : "")
    return new BuildContext(context, place, files, parseIgnoreFile(path, text, problems), isMissing)
  }
  return new BuildContext(context, placeOf(image, ""), files, noIgnoreFile, isMissing)
}

/** Folder of the linked build's context for contexts that images share, or that lie within each other. */
export const sharedContexts = ".stack-contexts"

const placeDigits = 10

/**
 * Where a context is in that of the linked build: in its own place, where it is the folder of the image's name, which
 * no other image can have; else in one that only images with this very context and this ignore file have. So each
 * leaves out what its own ignore file names, and no image's text depends on what other images there are.
 */
function placeOf(image: ImageSpec, ignoreFile: string): string {
  const { context } = image
  if (hasOwnContext(image)) return context
  const hash = createHash("sha256").update(`${context}\0${ignoreFile}`).digest("hex").slice(0, placeDigits)
  return `${sharedContexts}/${hash}`
}

/** The files of a tree by the folder that holds them, for the folders asked for; one pass for all. */
export function filesByDirectory(
  tree: SourceTree,
  directories: ReadonlySet<string>,
): ReadonlyMap<string, readonly SourceFile[]> {
  const found = new Map<string, SourceFile[]>([...directories].map((directory) => [directory, []]))
  for (const file of tree.files.values()) {
    found.get(wholeSource)?.push(file)
    for (const parent of parentPaths(file.path)) found.get(parent)?.push(file)
  }
  return found
}

/** A source as a path below the context: absolute paths and `..` end at its root. */
export function contextPath(source: string): string {
  const path = posix.join("/", source).slice(1)
  return path.endsWith("/") ? path.slice(0, -1) : path
}

/** Why the builder would not find what an instruction names; undefined where it may. */
export function missingFrom(
  context: BuildContext,
  path: string,
): Absence | "circle" | { readonly leadsTo: string } | undefined {
  const kind = context.kindOf(path)
  if (isAbsent(kind)) return kind
  if (kind !== "symlink") return undefined
  const end = context.follow(path)
  if (end === undefined) return "circle"
  const found = context.kindOf(end)
  return isAbsent(found) ? { leadsTo: end } : undefined
}

type Absence = "ignored" | "left-out" | "missing"

function isAbsent(kind: SourceKind): kind is Absence {
  return kind === "ignored" || kind === "left-out" || kind === "missing"
}

/** What is said about it. */
export function missingMessage(
  path: string,
  reason: NonNullable<ReturnType<typeof missingFrom>>,
  { context, name }: Pick<ImageSpec, "context" | "name">,
): string {
  const folder = folderName(context)
  if (reason === "missing") return `"${path}" does not exist in ${folder}, the build context of ${name}`
  if (reason === "left-out")
    return `"${path}" is no part of ${folder}: git ignores it, and a checkout elsewhere has it not`
  if (reason === "ignored")
    return `"${path}" is left out of the build context of ${name} by its .dockerignore`
  const within = `in ${folder}, which is all that a build of ${name} sees`
  if (reason === "circle") return `"${path}" is a symlink that leads back to itself ${within}`
  return `"${path}" leads through a symlink to "${reason.leadsTo}", which does not exist ${within}`
}

/** Whether a source names files by `*`, `?` or `[...]`. */
export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path.replaceAll(/\\./gsu, ""))
}

/** Index of the first path that does not come before another. */
function firstFrom(paths: readonly string[], path: string): number {
  let low = 0
  let high = paths.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((paths[middle] ?? "") < path) low = middle + 1
    else high = middle
  }
  return low
}

function parentPaths(path: string): readonly string[] {
  const parents: string[] = []
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    parents.push(path.slice(0, slash))
  }
  return parents
}
