import type { TagForm } from "../tag/branchTag.js"
import { tagForms } from "../tag/branchTag.js"
import type { YamlFile } from "./yamlFile.js"

/** The form of a stack's tags; what is not well formed is as if it were not there. */
export function tagFormOf(file: YamlFile): TagForm {
  const written = file.at("tag", "scheme")?.text
  return tagForms.find((form) => form === written) ?? "quarter"
}
