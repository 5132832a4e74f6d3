import type { Problem } from "../problems.js"
import type { Spec } from "./spec.js"
import { InputError, atOption } from "../problems.js"
import { hintFor } from "../text/suggest.js"

/** Build arguments by image and name. */
export type BuildArguments = ReadonlyMap<string, ReadonlyMap<string, string>>

const form =
  'accepted: "image.ARG=value", for instance "scipy-ml-notebook.FLAVOUR=cpu"; a comma begins another setting, unless all ' +
  `of it stands in double quotes: --set='"image.ARG=a,b"'`

/**
 * Reads `--set image.ARG=value`; the last of several values for one argument counts.
 * @throws InputError naming every setting that is not of this form or names no image of the spec
 */
export function parseSettings(spec: Spec, settings: readonly string[]): BuildArguments {
  const problems: Problem[] = []
  const found = new Map<string, Map<string, string>>()
  for (const setting of settings) {
    const parts = /^([^=]+)\.([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(setting)
    if (parts === null) {
      problems.push({
        location: atOption("--set"),
        message: `"${setting}" is not a build argument`,
        hint: form,
      })
      continue
    }
    const [, image = "", name = "", value = ""] = parts
    if (!spec.images.has(image)) {
      const hint = hintFor(image, spec.images.keys(), "images")
      problems.push({ location: atOption("--set"), message: `there is no image "${image}"`, hint })
    }
    const own = found.get(image) ?? new Map<string, string>()
    found.set(image, own.set(name, value))
  }
  if (problems.length > 0) throw new InputError(problems)
  return found
}
