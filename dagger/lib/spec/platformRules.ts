import type { Problem } from "../problems.js"
import { imagesOf, namesAt, problemAt } from "./facts.js"
import type { Facts } from "./facts.js"
import { platforms, usualPlatform } from "./platforms.js"
import type { PublishedPlatform } from "./platforms.js"
import type { Place, YamlFile } from "./yamlFile.js"

/** `platform` is the short form of a list of one. */
export function platformIsSaidOnce({ file }: Facts): readonly Problem[] {
  const one = file.at("platform")
  if (one === undefined || file.at("platforms") === undefined) return []
  return problemAt(one, '"platform" and "platforms" both say what images are for', 'leave "platform" out')
}

export function platformsAreNamedOnce({ file }: Facts): readonly Problem[] {
  const lists = [file.at("platforms"), ...imagesOf(file).map(([, image]) => image.children.get("platforms"))]
  return lists.flatMap((list) => {
    const named = namesAt(list)
    return named.flatMap((place, index) => {
      const again = named.findIndex(({ text }) => text === place.text) < index
      return again ? problemAt(place, `"platforms" names "${place.text ?? ""}" twice`) : []
    })
  })
}

/** What an image is built on has to be there for each of its platforms. */
export function platformsAreThoseOfTheParent({ file }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([name, image]) => {
    const parent = parentOf(file, image)
    const above = parent === undefined ? stackPlatforms(file) : imagePlatforms(file, parent)
    const whose = parent === undefined ? "the stack" : `its parent "${parent}"`
    const remedy =
      parent === undefined
        ? 'add it to "platforms" of the stack, or leave it out here'
        : `add it to "platforms" of "${parent}", or leave it out here`
    return namesAt(image.children.get("platforms"))
      .filter(({ text }) => isPlatform(text) && !above.includes(text))
      .flatMap((place) =>
        problemAt(place, `image "${name}" is for ${place.text ?? ""}, and ${whose} is not`, remedy),
      )
  })
}

/** So has what it takes files from. */
export function platformsAreThoseOfCopiedImages({ file }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([name, image]) =>
    namesAt(image.children.get("copies_from")).flatMap((place) => {
      const copied = place.text ?? ""
      if (file.at("images", copied) === undefined) return []
      const known = imagePlatforms(file, copied)
      return imagePlatforms(file, name)
        .filter((each) => !known.includes(each))
        .flatMap((each) =>
          problemAt(
            place,
            `image "${name}" is for ${each}, and "${copied}", which it copies from, is not`,
            `add it to "platforms" of "${copied}", or leave it out of those of "${name}"`,
          ),
        )
    }),
  )
}

/** What all images are for that say nothing of it. */
export function stackPlatforms(file: YamlFile): readonly PublishedPlatform[] {
  const listed = knownAt(file.at("platforms"))
  if (listed.length > 0) return listed
  const one = file.at("platform")?.text
  return isPlatform(one) ? [one] : [usualPlatform]
}

/** What an image is for: what it says, else what its parent is for, else the stack; in the order of the stack's. */
export function imagePlatforms(file: YamlFile, name: string): readonly PublishedPlatform[] {
  const known = platformsKnownOf(file)
  const lineage = new Set<string>()
  let next: string | undefined = name
  while (next !== undefined && !lineage.has(next) && !known.has(next)) {
    lineage.add(next)
    const image: Place | undefined = file.at("images", next)
    const own = knownAt(image?.children.get("platforms"))
    if (own.length > 0)
      known.set(next, platforms.filter((each) => own.includes(each)).toSorted(inOrderOf(file)))
    else next = image === undefined ? undefined : parentOf(file, image)
  }
  const found = (next === undefined ? undefined : known.get(next)) ?? stackPlatforms(file)
  for (const each of lineage) known.set(each, found)
  return found
}

/** Every image of a long chain is asked about: none walks up where another one has been. */
const knownPlatforms = new WeakMap<YamlFile, Map<string, readonly PublishedPlatform[]>>()

function platformsKnownOf(file: YamlFile): Map<string, readonly PublishedPlatform[]> {
  const known = knownPlatforms.get(file) ?? new Map<string, readonly PublishedPlatform[]>()
  knownPlatforms.set(file, known)
  return known
}

function inOrderOf(file: YamlFile): (a: PublishedPlatform, b: PublishedPlatform) => number {
  const order = stackPlatforms(file)
  return (a, b) => order.indexOf(a) - order.indexOf(b)
}

function knownAt(list: Place | undefined): readonly PublishedPlatform[] {
  const named = namesAt(list).flatMap(({ text }) => (isPlatform(text) ? [text] : []))
  return [...new Set(named)]
}

function parentOf(file: YamlFile, image: Place): string | undefined {
  const name = image.children.get("depend_on")?.text
  return name !== undefined && file.at("images", name) !== undefined ? name : undefined
}

function isPlatform(text: string | undefined): text is PublishedPlatform {
  return platforms.some((each) => each === text)
}
