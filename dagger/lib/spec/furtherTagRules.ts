import type { Problem } from "../problems.js"
import { ownerOfTag, ownTag } from "../reference/imagePlace.js"
import type { FurtherTag } from "../tag/furtherTags.js"
import { filledIn, infoKeysOf, placeholderWords, readTemplate, tagFlaw } from "../tag/furtherTags.js"
import { hintFor } from "../text/suggest.js"
import type { Facts } from "./facts.js"
import { imagesOf, problemAt, problemAtKey } from "./facts.js"
import { tagPrefixOf } from "./imageRules.js"
import { tagFormOf } from "./tagForm.js"
import type { Place, YamlFile } from "./yamlFile.js"

/** A further tag with the place that says so. */
interface PlacedTag {
  readonly tag: FurtherTag
  readonly place: Place
}

/**
 * The further tags of an image, those of all images first; what is not well formed is as if it were not there. An image
 * that is not published has none: what the stack's ask for it may have no answer to.
 */
export function furtherTagsOf(file: YamlFile, image: Place): readonly FurtherTag[] {
  return tagsOfImage(file, image).map(({ tag }) => tag)
}

function tagsOfImage(file: YamlFile, image: Place): readonly PlacedTag[] {
  return isPublished(image) ? [...placedTags(file.at("tag")), ...placedTags(image)] : []
}

function isPublished(image: Place): boolean {
  return image.children.get("publish")?.value !== false
}

function placedTags(owner: Place | undefined): readonly PlacedTag[] {
  return writtenTags(owner).flatMap(({ place, text, branches }) => {
    const parts = readTemplate(text)
    if (typeof parts === "string") return []
    return [{ place, tag: { template: text, parts, ...(branches !== undefined && { branches }) } }]
  })
}

interface WrittenTag {
  /** Of the text. */
  readonly place: Place
  readonly text: string
  readonly branches?: readonly string[]
}

function writtenTags(owner: Place | undefined): readonly WrittenTag[] {
  const list = owner?.children.get("further_tags")
  if (list === undefined || !Array.isArray(list.value)) return []
  return [...list.children.values()].flatMap((item): readonly WrittenTag[] => {
    if (item.text !== undefined) return [{ place: item, text: item.text }]
    const tag = item.children.get("tag")
    if (tag?.text === undefined) return []
    const branches = [...(item.children.get("branches")?.children.values() ?? [])]
    return [{ place: tag, text: tag.text, branches: branches.flatMap(({ text }) => text ?? []) }]
  })
}

export function furtherTagsAreTags(facts: Facts): readonly Problem[] {
  const { file } = facts
  const owners = [file.at("tag"), ...imagesOf(file).map(([, image]) => image)]
  return owners.flatMap((owner) =>
    writtenTags(owner).flatMap(({ place, text }) => {
      const parts = readTemplate(text)
      if (typeof parts !== "string") return templateProblems(facts, place, { template: text, parts })
      return problemAt(place, `"${text}" has an unknown "${parts}"`, `${placeholderWords} are replaced`)
    }),
  )
}

function templateProblems({ file }: Facts, place: Place, tag: FurtherTag): readonly Problem[] {
  const defined = [...(file.at("all_info_cmds")?.children.keys() ?? [])]
  const unknown = infoKeysOf(tag).filter((key) => !defined.includes(key))
  if (unknown.length > 0) {
    return unknown.flatMap((key) =>
      problemAt(
        place,
        `"${tag.template}" names "${key}", which "all_info_cmds" does not define`,
        hintFor(key, defined, "keys of all_info_cmds"),
      ),
    )
  }
  if (infoKeysOf(tag).length > 0 && tag.parts[0]?.kind !== "text") {
    const message = `"${tag.template}" is up to what an image prints: it has to begin with a text of its own`
    return problemAt(place, message, "such as python-{info:PY_VER}")
  }
  const example = exampleOf(file, tag)
  const flaw = tagFlaw(example, tagFormOf(file))
  if (flaw === undefined) return []
  const shown = example === tag.template ? "" : `, such as "${example}",`
  return problemAt(place, `"${tag.template}" gives a tag${shown} ${flaw}`, 'such as latest or "{date}"')
}

/** A tag as a run would give it; of answers, the shortest. */
function exampleOf(file: YamlFile, tag: FurtherTag): string {
  const prefix = file.at("tag", "prefix")?.text ?? ""
  const answers = new Map(infoKeysOf(tag).map((key) => [key, { kind: "printed", text: "1" } as const]))
  const scheme = { form: tagFormOf(file), prefix, mainBranch: "", reserved: 0 }
  const filled = filledIn(tag, { scheme, startedAt: 0, commit: "0".repeat(40), answers })
  return filled.kind === "tag" ? filled.tag : tag.template
}

export function furtherTagsAreOfPublishedImages({ file }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([name, image]) => {
    const tags = image.children.get("further_tags")
    return isPublished(image) || tags === undefined
      ? []
      : problemAtKey(tags, `"further_tags" of ${name}, which is not published`)
  })
}

export function furtherTagsAreOfTheirImage({ file }: Facts): readonly Problem[] {
  const images = imagesOf(file).map(([name, image]) => ({
    name,
    image,
    repository: image.children.get("image_name")?.text,
    tagPrefix: tagPrefixOf(image),
  }))
  return images.flatMap((own) => {
    const shared = images.filter(({ repository }) => repository === own.repository)
    return tagsOfImage(file, own.image).flatMap(({ tag, place }) => {
      const written = ownTag({ tagPrefix: own.tagPrefix ?? "" }, exampleOf(file, tag))
      const owner = ownerOfTag(
        shared.map(({ name, tagPrefix = "" }) => ({ name, tagPrefix })),
        written,
      )
      if (owner === undefined || owner.name === own.name) return []
      const message = `"${written}" of ${own.name} begins like the tags of ${owner.name}, in the same repository`
      return problemAt(place, message)
    })
  })
}
