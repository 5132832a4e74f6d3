import type { Problem } from "../problems.js"
import { imagesDirectory } from "./imagePaths.js"
import { checkShape } from "./shapeProblems.js"
import { writtenChangeRules } from "./writtenSpec.js"
import type { YamlFile } from "./yamlFile.js"
import { readYaml } from "./yamlFile.js"
import { namesAt, problemAt } from "./facts.js"
import { isUploaded } from "../dockerfile/upload.js"
import { filesBelow } from "../source/sourceTree.js"
import { trimEnd } from "../text/trim.js"
import type { SourceTree } from "../source/sourceTree.js"
import type { ChangeRules } from "./spec.js"

/** Where the rules stand; the file may be absent. */
export const changeRulesPath = `${imagesDirectory}/change_ignore.json`

/** Reads `images/change_ignore.json`; without the file, no change is special. */
export function readChangeRules(tree: SourceTree): {
  readonly rules: ChangeRules
  readonly problems: readonly Problem[]
} {
  const none: ChangeRules = { ignore: [], buildAll: [] }
  if (!tree.files.has(changeRulesPath)) return { rules: none, problems: [] }
  const text = tree.text(changeRulesPath)
  if (text === undefined) return { rules: none, problems: [unreadable(changeRulesPath)] }
  // JSON is YAML; this reader knows the places of values, and JSON.parse does not.
  const { file, problems } = readYaml(changeRulesPath, text)
  if (file === undefined) return { rules: none, problems }
  const shape = checkShape(writtenChangeRules, file)
  return {
    rules: { ignore: shape.data?.ChangeIgnore ?? [], buildAll: shape.data?.BuildAll ?? [] },
    problems: [...problems, ...shape.problems, ...neverUploaded(file, tree)],
  }
}

/** Paths that are not below images/, and of which nothing is uploaded: they could never be a part of a key. */
function neverUploaded(file: YamlFile, tree: SourceTree): readonly Problem[] {
  return namesAt(file.at("BuildAll")).flatMap((place) => {
    const path = trimEnd(place.text ?? "", "/")
    const below = `${imagesDirectory}/${path}`
    if (isUploaded(path) || tree.files.has(below) || filesBelow(tree, below).length > 0) return []
    return problemAt(
      place,
      `"${path}" is never uploaded from there`,
      "name another file or folder, or move it",
    )
  })
}

/** The problem of a path that is there and has no text. */
export function unreadable(path: string): Problem {
  return {
    location: { file: path, line: 1, column: 1 },
    message: `"${path}" is a symlink or larger than 1 MiB`,
    hint: "a file is needed",
  }
}
