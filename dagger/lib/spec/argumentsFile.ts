import type { Problem } from "../problems.js"
import type { SourceTree } from "../source/sourceTree.js"
import { imagesOf, problemAt } from "./facts.js"
import type { Facts } from "./facts.js"
import { pathOf } from "./imagePaths.js"
import type { Place } from "./yamlFile.js"

/** Build arguments of a file: `NAME=value` a line, as docker's `--env-file` has them; `#` begins a comment line. */
export function argumentsOf(image: Place, tree: SourceTree): readonly (readonly [string, string])[] {
  const path = pathOf(image, "build_args_file")
  const text = path === undefined ? undefined : tree.text(path)
  return linesOf(text ?? "").flatMap(({ line }) => {
    const [, name, value = ""] = assignment.exec(line) ?? []
    return name === undefined ? [] : [[name, value] as const]
  })
}

export function argumentsFilesAreRead({ file, tree }: Facts): readonly Problem[] {
  return imagesOf(file).flatMap(([, image]) => {
    const path = pathOf(image, "build_args_file")
    if (path === undefined) return []
    const text = tree.text(path)
    const place = image.children.get("build_args_file")
    if (text === undefined) return problemAt(place, `there is no file "${path}" of at most 1 MiB`)
    return linesOf(text).flatMap(({ line, number }) =>
      assignment.test(line) ? [] : [flaw(path, number, line)],
    )
  })
}

const assignment = /^([A-Za-z_]\w*)=(.*)$/

function flaw(file: string, line: number, text: string): Problem {
  const shown = text.length > 60 ? `${text.slice(0, 60)}...` : text
  const hint = "NAME=value, without quotes; a line of # is a comment"
  return { location: { file, line, column: 1 }, message: `"${shown}" is no build argument`, hint }
}

/** The lines that say something, with their numbers. */
function linesOf(text: string): readonly { readonly line: string; readonly number: number }[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== "" && !line.startsWith("#"))
}
