import type { Problem } from "../problems.js"
import { hintFor } from "../text/suggest.js"
import type { SourceTree } from "../source/sourceTree.js"
import type { Place, YamlFile } from "./yamlFile.js"

/** What the rules look at. They also run where the shape has mistakes, and pass over what is not well formed. */
export interface Facts {
  readonly file: YamlFile
  readonly tree: SourceTree
}

/** A check that concerns more than one field, or more than the spec. */
export type Rule = (facts: Facts) => readonly Problem[]

/** Every image of the file, by name. */
export function imagesOf(file: YamlFile): readonly (readonly [string, Place])[] {
  const images = file.at("images")
  return images === undefined || Array.isArray(images.value) ? [] : [...images.children]
}

/** The names in a list; none where it is no list. */
export function namesAt(place: Place | undefined): readonly Place[] {
  if (place === undefined || !Array.isArray(place.value)) return []
  return [...place.children.values()].filter(({ text }) => text !== undefined)
}

/** The hint of an error about a name that is no image of the file. */
export function hintForImage(file: YamlFile, name: string): string {
  return hintFor(
    name,
    imagesOf(file).map(([each]) => each),
    "images",
  )
}

/** A problem at a value; none where there is no such value. */
export function problemAt(place: Place | undefined, message: string, hint?: string): readonly Problem[] {
  return place === undefined
    ? []
    : [{ location: place.location, message, ...(hint !== undefined && { hint }) }]
}

/** A problem at the key of a value. */
export function problemAtKey(place: Place, message: string, hint?: string): readonly Problem[] {
  return problemAt({ ...place, location: place.keyLocation }, message, hint)
}
