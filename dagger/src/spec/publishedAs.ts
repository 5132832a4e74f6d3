import { InputError, atOption } from "../problems.js"
import { InvalidReference, formatReference, underRegistry } from "../reference/reference.js"
import type { Repository } from "../reference/reference.js"
import type { Spec } from "./spec.js"

/**
 * Where each image is published: below the given registry and organisation, else below the spec's `registry`, else
 * as its `image_name` says.
 * @param registry `host[:port]` or `host[:port]/organisation`, from the call
 * @throws InputError where that is no registry, or would give two images one repository
 */
export function publishedAs(spec: Spec, registry = spec.registry): ReadonlyMap<string, Repository> {
  const images = [...spec.images.values()]
  if (registry === undefined) return new Map(images.map(({ name, repository }) => [name, repository]))
  const takenBy = new Map<string, string>()
  return new Map(
    images.map(({ name, repository, location }) => {
      const moved = underOption(registry, repository)
      const other = takenBy.get(formatReference(moved))
      if (other !== undefined) {
        const message = `images "${other}" and "${name}": both would be published as "${formatReference(moved)}"`
        throw new InputError([{ location, message, hint: "publish them to two organisations" }])
      }
      takenBy.set(formatReference(moved), name)
      return [name, moved]
    }),
  )
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
