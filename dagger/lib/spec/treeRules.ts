import type { Problem } from "../problems.js"
import { hintForImage, imagesOf, namesAt, problemAt, problemAtKey } from "./facts.js"
import type { Facts } from "./facts.js"
import type { Place } from "./yamlFile.js"

/** Keys of an image that name images which it is made from. */
type SourceKey = "depend_on" | "copies_from"

/** A name of an image that another one is made from. */
interface Edge {
  readonly key: SourceKey
  readonly name: string
  readonly place: Place
}

function edgesOf(image: Place | undefined): readonly Edge[] {
  const parent = image?.children.get("depend_on")
  const edge = (key: SourceKey) => (place: Place) =>
    place.text === undefined ? [] : [{ key, name: place.text, place }]
  return [
    ...(parent === undefined ? [] : edge("depend_on")(parent)),
    ...namesAt(image?.children.get("copies_from")).flatMap(edge("copies_from")),
  ]
}

export function parentsAreImages({ file }: Facts): readonly Problem[] {
  const images = file.at("images")
  return imagesOf(file).flatMap(([, image]) =>
    edgesOf(image).flatMap(({ key, name, place }) =>
      images?.children.has(name) === true
        ? []
        : problemAt(place, `"${key}" names "${name}", which is no image here`, hintForImage(file, name)),
    ),
  )
}

export function copiedImagesAreNamedOnce({ file }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([, image]) => {
    const edges = edgesOf(image)
    return edges.flatMap(({ key, name, place }, index) => {
      const before = edges.slice(0, index).find((other) => other.name === name)
      if (before === undefined) return []
      return before.key === key
        ? problemAt(place, `"copies_from" names "${name}" twice`)
        : problemAt(
            place,
            `"copies_from" names "${name}", which "depend_on" names already`,
            "leave it out here",
          )
    })
  })
}

/** Each cycle once, at the first of its edges. */
export function imagesMakeNoCycle({ file }: Facts): readonly Problem[] {
  const images = new Map(imagesOf(file))
  const done = new Set<string>()
  return [...images.keys()].flatMap((start) => cyclesFrom(start, (name) => edgesOf(images.get(name)), done))
}

/** @param done images that were looked at, and those that they are made from; added to */
function cyclesFrom(
  start: string,
  edgesFrom: (name: string) => readonly Edge[],
  done: Set<string>,
): readonly Problem[] {
  const found: Problem[] = []
  const onWay = new Set<string>()
  const way: { readonly name: string; readonly left: Edge[]; taken?: Edge }[] = []
  const enter = (name: string) => {
    if (done.has(name)) return
    onWay.add(name)
    way.push({ name, left: [...edgesFrom(name)] })
  }
  enter(start)
  for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
    const edge = last.left.shift()
    if (edge === undefined) {
      done.add(last.name)
      onWay.delete(last.name)
      way.pop()
      continue
    }
    last.taken = edge
    if (!onWay.has(edge.name)) {
      enter(edge.name)
      continue
    }
    const cycle = way.slice(way.findIndex(({ name }) => name === edge.name))
    found.push(
      ...problemAt(
        (cycle[0]?.taken ?? edge).place,
        cycleMessage(
          edge,
          cycle.map(({ name }) => name),
        ),
      ),
    )
  }
  return found
}

function cycleMessage({ key, name }: Edge, cycle: readonly string[]): string {
  if (cycle.length > 1) return `images depend on each other: ${[...cycle, name].join(" -> ")}`
  return key === "depend_on" ? `image "${name}" depends on itself` : `image "${name}" copies from itself`
}

export function rootsAreTheImagesWithoutParent({ file }: Facts): readonly Problem[] {
  const root = file.at("root")
  const named = root?.text === undefined ? namesAt(root) : [root]
  if (root === undefined || named.length === 0) return []
  const images = new Map(imagesOf(file))
  const wrong = named.flatMap((place, index) => {
    const name = place.text ?? ""
    const image = images.get(name)
    if (image === undefined) {
      return problemAt(place, `"root" names "${name}", which is no image here`, hintForImage(file, name))
    }
    const parent = image.children.get("depend_on")?.text
    if (parent !== undefined) return problemAt(place, `"root" names "${name}", which depends on "${parent}"`)
    const again = named.findIndex((other) => other.text === name) < index
    return again ? problemAt(place, `"root" names "${name}" twice`) : []
  })
  const isNamed = new Set(named.map((place) => place.text))
  const left = [...images].filter(([name, image]) => !isNamed.has(name) && !image.children.has("depend_on"))
  const hint = 'name it in "root", or its parent in "depend_on"'
  return [
    ...wrong,
    ...left.flatMap(([name, image]) =>
      problemAtKey(image, `image "${name}" has no parent and is not named in "root"`, hint),
    ),
  ]
}
