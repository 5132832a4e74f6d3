import type { Problem } from "../problems.js"
import { InvalidReference, formatReference, parseRepository, underRegistry } from "../reference/reference.js"
import { commonTests } from "../testing/testFolders.js"
import { hintFor } from "../text/suggest.js"
import { tagKindOf } from "../tag/tagKind.js"
import { imagesOf, namesAt, problemAt, problemAtKey } from "./facts.js"
import { tagFormOf } from "./tagForm.js"
import { isTagPrefix, underTag } from "../reference/imagePlace.js"
import type { Repository } from "../reference/reference.js"
import type { Facts } from "./facts.js"
import type { Place, YamlFile } from "./yamlFile.js"

/** On file systems that ignore case, and as build stages, `Base` and `base` are one. */
export function imagesHaveFoldersOfTheirOwn({ file }: Facts): readonly Problem[] {
  const seen = new Map<string, string>()
  return imagesOf(file).flatMap(([name, image]) => {
    if (name === commonTests)
      return problemAtKey(image, `"${name}" is the folder of tests that all images share`)
    const other = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), other ?? name)
    return other === undefined ? [] : problemAtKey(image, `"${name}" and "${other}" differ only in case`)
  })
}

export function imageNamesAreRepositories({ file }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([, image]) => {
    const name = image.children.get("image_name")
    return typeof name?.value === "string" && name.value !== "" ? invalidRepository(name, name.value) : []
  })
}

export function imagesHaveRepositoriesOfTheirOwn({ file }: Facts): readonly Problem[] {
  return collisions(
    file,
    (repository) => repository,
    (repository) => `both are published as "${repository}"`,
  )
}

export function registryKeepsImagesApart(facts: Facts): readonly Problem[] {
  const { file } = facts
  const registry = file.at("registry")
  if (typeof registry?.value !== "string" || registry.value === "") return []
  const prefix = registry.value
  const invalid = reasonOf(() => underRegistry(prefix, { registry: "docker.io", path: "library/x" }))
  if (invalid !== undefined) return problemAt(registry, invalid, "must be host[:port]/organisation")
  if (imagesHaveRepositoriesOfTheirOwn(facts).length > 0) return []
  return collisions(
    file,
    (repository) => underRegistry(prefix, repository),
    (repository) => `under "registry" both would be published as "${repository}"`,
  )
}

export function infoCommandsAreDefined({ file }: Facts): readonly Problem[] {
  const defined = [...(file.at("all_info_cmds")?.children.keys() ?? [])]
  const known = new Set(defined)
  return imagesOf(file).flatMap(([, image]) =>
    namesAt(image.children.get("info_cmds")).flatMap((place) => {
      const key = place.text ?? ""
      if (known.has(key)) return []
      const hint = hintFor(key, defined, "keys of all_info_cmds")
      return problemAt(place, `"info_cmds" names "${key}", which "all_info_cmds" does not define`, hint)
    }),
  )
}

/** Images whose repositories, moved or not, are the same; each after the first is a problem. */
function collisions(
  file: YamlFile,
  move: (repository: Repository) => Repository,
  sentence: (repository: string) => string,
): readonly Problem[] {
  const seen = new Map<string, readonly [string, Place]>()
  return imagesOf(file).flatMap(([name, image]) => {
    const written = image.children.get("image_name")
    if (
      typeof written?.value !== "string" ||
      reasonOf(() => parseRepository(written.text ?? "")) !== undefined
    ) {
      return []
    }
    const repository = move(parseRepository(written.value))
    const tagPrefix = tagPrefixOf(image)
    const tags = formatReference(
      underTag({ ...repository, ...(tagPrefix !== undefined && { tagPrefix }) }, ""),
    )
    const first = seen.get(tags)
    seen.set(tags, first ?? [name, written])
    if (first === undefined) return []
    const [other, place] = first
    const hint = `the first is in line ${place.location.line}; "tag_prefix" tells images of one repository apart`
    return problemAt(
      written,
      `images "${other}" and "${name}": ${sentence(formatReference(repository))}`,
      hint,
    )
  })
}

/** What an image's tags begin with; what is not well formed is as if it were not there. */
export function tagPrefixOf(image: Place): string | undefined {
  const text = image.children.get("tag_prefix")?.text
  return text !== undefined && isTagPrefix(text) ? text : undefined
}

/** Starts of tags that are made for other purposes than to name an image. */
const reservedStart = /^(?:journal|candidate|passed|folder-passed|sha256)-/

export function tagPrefixesLeaveOtherTags({ file }: Facts): readonly Problem[] {
  const form = tagFormOf(file)
  return imagesOf(file).flatMap(([, image]) => {
    const place = image.children.get("tag_prefix")
    const text = tagPrefixOf(image)
    if (text === undefined) return []
    if (tagKindOf(`${text}x`, form).kind === "other" && !reservedStart.test(text)) return []
    return problemAt(
      place,
      `"tag_prefix" cannot begin like tags of other images, or of the pipeline itself: "${text}"`,
      "such as cuda12-",
    )
  })
}

function invalidRepository(place: Place, text: string): readonly Problem[] {
  const reason = reasonOf(() => parseRepository(text))
  return reason === undefined ? [] : problemAt(place, reason)
}

function reasonOf(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    if (error instanceof InvalidReference) return error.message
    throw error
  }
}
