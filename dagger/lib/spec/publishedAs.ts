import { InputError, atOption } from "../problems.js"
import { InvalidReference, formatReference, underRegistry } from "../reference/reference.js"
import type { ImagePlace } from "../reference/imagePlace.js"
import { underTag } from "../reference/imagePlace.js"
import type { Repository } from "../reference/reference.js"
import type { ImageSpec, Spec } from "./spec.js"

/** Where each image is published; those that are not have no place. @throws InputError as `placesOf` */
export function publishedAs(spec: Spec, registry = spec.registry): ReadonlyMap<string, ImagePlace> {
  return new Map(
    [...placesOf(spec, registry)].filter(([name]) => spec.images.get(name)?.isPublished === true),
  )
}

/**
 * Where each image is published, or what others call it that are built on it: below the given registry and organisation, else below the spec's `registry`, else
 * as its `image_name` says.
 * @param registry `host[:port]` or `host[:port]/organisation`, from the call
 * @throws InputError where that is no registry, or would give two images one place
 */
export function placesOf(spec: Spec, registry = spec.registry): ReadonlyMap<string, ImagePlace> {
  const images = [...spec.images.values()]
  if (registry === undefined) return new Map(images.map((image) => [image.name, placeOf(image)]))
  const takenBy = new Map<string, string>()
  return new Map(
    images.map((image) => {
      const { name, location } = image
      const moved = placeOf(image, underOption(registry, image.repository))
      const tags = formatReference(underTag(moved, ""))
      const other = takenBy.get(tags)
      if (other !== undefined) {
        const message = `images "${other}" and "${name}": both would be published as "${formatReference(moved)}"`
        throw new InputError([{ location, message, hint: "publish them to two organisations" }])
      }
      takenBy.set(tags, name)
      return [name, moved]
    }),
  )
}

function placeOf({ repository, tagPrefix }: ImageSpec, { registry, path } = repository): ImagePlace {
  return { registry, path, ...(tagPrefix !== undefined && { tagPrefix }) }
}

/**
 * A repository below the registry and organisation of `--registry`.
 * @throws InputError where that is none
 */
export function underOption(registry: string, repository: Repository): Repository {
  try {
    return underRegistry(registry, repository)
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error
    throw new InputError([
      { location: atOption("--registry"), message: error.message, hint: "host[:port]/organisation" },
    ])
  }
}
