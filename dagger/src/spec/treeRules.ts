import type { Problem } from "../problems.js"
import { hintForImage, imagesOf, namesAt, problemAt, problemAtKey } from "./facts.js"
import type { Facts } from "./facts.js"

export function parentsAreImages({ file }: Facts): readonly Problem[] {
  const images = file.at("images")
  return imagesOf(file).flatMap(([, image]) => {
    const parent = image.children.get("depend_on")
    if (parent?.text === undefined || images?.children.has(parent.text) === true) return []
    return problemAt(
      parent,
      `"depend_on" names "${parent.text}", which is no image here`,
      hintForImage(file, parent.text),
    )
  })
}

export function parentsMakeNoCycle({ file }: Facts): readonly Problem[] {
  const images = new Map(imagesOf(file))
  const parentOf = (name: string): string | undefined => images.get(name)?.children.get("depend_on")?.text
  const done = new Set<string>()
  const found: Problem[] = []
  for (const start of images.keys()) {
    const path = new Set<string>()
    let name: string | undefined = start
    while (name !== undefined && !done.has(name) && !path.has(name)) {
      path.add(name)
      name = parentOf(name)
    }
    if (name !== undefined && path.has(name)) {
      const cycle = [...path].slice([...path].indexOf(name))
      const shown =
        cycle.length === 1
          ? `image "${name}" depends on itself`
          : `images depend on each other: ${[...cycle, name].join(" -> ")}`
      found.push(...problemAt(images.get(name)?.children.get("depend_on"), shown))
    }
    for (const each of path) done.add(each)
  }
  return found
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
