import { posix } from "node:path"
import type { Location, Problem } from "../problems.js"
import type { SourceTree } from "../source/sourceTree.js"
import { filesBelow, isLeftOut } from "../source/sourceTree.js"
import { commonTests } from "../testing/testFolders.js"
import { suggest } from "../text/suggest.js"
import { trimEnd } from "../text/trim.js"
import type { Facts } from "./facts.js"
import { imagesOf, problemAt, problemAtKey } from "./facts.js"
import type { Place } from "./yamlFile.js"
import { readYaml } from "./yamlFile.js"

/** Folder that holds one folder per image, wherever the spec stands. */
export const imagesDirectory = "images"

/** The root of the source as a build context. */
export const wholeSource = "."

/** Where the files of an image are: paths from the root of the source. */
export interface ImagePaths {
  /** Folder of its tests; of its Dockerfile and its build context too, where the spec names no others. */
  readonly directory: string
  readonly dockerfile: string
  /** Folder that its COPY and ADD read; `.` for the whole source. */
  readonly context: string
}

/** A stage of an image's Dockerfile that is the image, with the place that says so. */
export interface BuildTarget {
  readonly stage: string
  readonly location: Location
}

const pathKeys = ["directory", "dockerfile", "context", "build_args_file"] as const

/** A key of an image that holds a path of the source. */
type PathKey = (typeof pathKeys)[number]

/** Where an image's files are by its keys in the spec; what is not well formed is as if it were not there. */
export function imagePathsOf(name: string, image: Place): ImagePaths {
  const written = (key: PathKey) => pathOf(image, key)
  const directory = written("directory") ?? `${imagesDirectory}/${name}`
  return {
    directory,
    dockerfile: written("dockerfile") ?? `${directory}/Dockerfile`,
    context: written("context") ?? directory,
  }
}

/** The path that a key of an image holds; what is not well formed is as if it were not there. */
export function pathOf(image: Place, key: PathKey): string | undefined {
  const text = image.children.get(key)?.text
  return text === undefined || flawOf(text) !== undefined ? undefined : cleaned(text)
}

/** The stage that an image's `target` names. */
export function buildTargetOf(image: Place): { readonly target?: BuildTarget } {
  const target = image.children.get("target")
  if (target?.text === undefined) return {}
  return { target: { stage: target.text, location: target.location } }
}

/** Whether an image's build context is the folder of its own name, which no other image can have. */
export function hasOwnContext({
  name,
  context,
}: Pick<ImagePaths, "context"> & { readonly name: string }): boolean {
  return context === `${imagesDirectory}/${name}`
}

/**
 * What images are built from besides the folder of images, as patterns of paths: what else of a source has to be read.
 * Asked before the spec is checked, which looks at these files.
 * @param text the spec's, as written
 */
export function patternsOutside(text: string): readonly string[] {
  if (!/\b(?:context|dockerfile|build_args_file)\b/.test(text)) return []
  const { file } = readYaml("spec.yml", text)
  const images = file === undefined ? [] : imagesOf(file)
  const patterns = images.flatMap(([name, image]) => {
    const { dockerfile, context } = imagePathsOf(name, image)
    const args = pathOf(image, "build_args_file")
    return [
      ...(args !== undefined && isOutside(args) ? [args] : []),
      ...(isOutside(dockerfile) ? [dockerfile, `${dockerfile}.dockerignore`] : []),
      ...(isOutside(context) ? [context === wholeSource ? "**" : `${context}/**`] : []),
    ]
  })
  return [...new Set(patterns)]
}

function isOutside(path: string): boolean {
  return path !== imagesDirectory && !path.startsWith(`${imagesDirectory}/`)
}

/** What a folder of the source is called in messages. */
export function folderName(folder: string): string {
  return folder === wholeSource ? "the root of the source" : folder
}

export function pathsOfImagesStayInside({ file }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([, image]) =>
    pathKeys.flatMap((key) => {
      const place = image.children.get(key)
      const flaw = place?.text === undefined ? undefined : flawOf(place.text)
      if (place === undefined || flaw === undefined) return []
      const hint = `such as ${examples[key]}`
      return problemAt(
        place,
        `"${key}" is a path from the root of the source, and "${place.text ?? ""}" ${flaw}`,
        hint,
      )
    }),
  )
}

const examples = {
  directory: "images/pytorch-notebook/cuda12",
  dockerfile: "images/pytorch-notebook/cuda12/Dockerfile",
  context: "images/pytorch-notebook, or . for the whole source",
  build_args_file: "images/versions.env",
}

export function directoriesHoldImages({ file, tree }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([name, image]) => {
    const place = image.children.get("directory")
    if (place?.text === undefined || flawOf(place.text) !== undefined) return []
    const { directory } = imagePathsOf(name, image)
    if (!directory.startsWith(`${imagesDirectory}/`)) {
      const hint = `tests are looked for below ${imagesDirectory}/; "dockerfile" and "context" may be elsewhere`
      return problemAt(place, `"directory" must be below ${imagesDirectory}/, not "${directory}"`, hint)
    }
    if (directory === `${imagesDirectory}/${commonTests}`)
      return problemAt(place, `"${directory}" is the folder of tests that all images share`)
    return folderProblem(tree, place, directory)
  })
}

export function contextsAreFolders({ file, tree }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([name, image]) => {
    const place = image.children.get("context")
    if (place?.text === undefined || flawOf(place.text) !== undefined) return []
    const { context } = imagePathsOf(name, image)
    return context === wholeSource ? [] : folderProblem(tree, place, context)
  })
}

function folderProblem(tree: SourceTree, place: Place, folder: string): readonly Problem[] {
  if (filesBelow(tree, folder).length > 0) return []
  const entry = tree.files.get(folder)
  if (entry?.kind === "file") return problemAt(place, `"${folder}" is a file where a folder is needed`)
  if (entry !== undefined) return problemAt(place, `"${folder}" is a symlink where a folder is needed`)
  const folders = new Set([...tree.files.keys()].flatMap(foldersAbove))
  const near = suggest(folder, folders)
  return problemAt(
    place,
    `there is no folder "${folder}"`,
    near === undefined ? undefined : `is "${near}" meant?`,
  )
}

function foldersAbove(path: string): readonly string[] {
  const parts = path.split("/")
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"))
}

export function imagesHaveDockerfiles({ file, tree }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([name, image]) => {
    // The shape's check reports names that are paths; looking them up would lead out of the folder.
    if (name.includes("/")) return []
    const { dockerfile: path, directory } = imagePathsOf(name, image)
    const written = image.children.get("dockerfile") ?? image.children.get("directory")
    const tell = (message: string, hint?: string) =>
      written === undefined ? problemAtKey(image, message, hint) : problemAt(written, message, hint)
    const entry = tree.files.get(path)
    if (entry?.kind === "file")
      return tree.text(path) === undefined ? tell(`"${path}" is larger than 1 MiB`) : []
    if (entry !== undefined) return tell(`"${path}" is a symlink where a file is needed`)
    const link = tree.files.get(directory)
    if (link?.target !== undefined) {
      const hint = "a build sees what is below images/, and no folder that a symlink leads to"
      return tell(`"${link.path}" is a symlink to "${link.target}" where a folder is needed`, hint)
    }
    return tell(`image "${name}" has no Dockerfile: there is no "${path}"`, missingHint(tree, path))
  })
}

function missingHint(tree: SourceTree, path: string): string | undefined {
  if (isLeftOut(tree, path)) return "git ignores it, and a checkout elsewhere has it not"
  const folder = posix.dirname(path)
  const siblings = filesBelow(tree, folder).map((file) =>
    file.path.slice(folder === "." ? 0 : folder.length + 1),
  )
  const near = suggest(posix.basename(path), siblings)
  return near === undefined ? undefined : `is "${near}" meant?`
}

/** Why a text is no path of the source; undefined where it is one. */
function flawOf(text: string): string | undefined {
  if (text === "") return "is empty"
  if (text.startsWith("/")) return 'begins with "/"'
  if (text.includes("\\")) return 'has a "\\"'
  return text.split("/").includes("..") ? 'has a ".."' : undefined
}

function cleaned(text: string): string {
  return trimEnd(posix.normalize(text), "/")
}
