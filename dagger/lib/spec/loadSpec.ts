import type { Problem } from "../problems.js"
import { InputError } from "../problems.js"
import { suggest } from "../text/suggest.js"
import { readChangeRules, unreadable } from "./changeRules.js"
import { patternsOutside } from "./imagePaths.js"
import { resolveSpec } from "./resolveSpec.js"
import { rules } from "./rules.js"
import { checkShape } from "./shapeProblems.js"
import { isOwnKey, writtenSpec } from "./writtenSpec.js"
import { readYaml, withoutKeys } from "./yamlFile.js"
import type { SourceTree } from "../source/sourceTree.js"
import type { Spec } from "./spec.js"

/** Where a spec may stand: at the root, or in its old place. */
export const specPaths = ["spec.yml", "images/spec.yml"] as const

/**
 * Reads and checks the spec and its change rules.
 * @throws InputError with every mistake in them, each at its line, in the order of the file
 */
export function loadSpec(tree: SourceTree): Spec {
  const path = findSpec(tree)
  const text = tree.text(path)
  if (text === undefined) throw new InputError([unreadable(path)])
  const changes = readChangeRules(tree)
  const { file: whole, problems } = readYaml(path, text)
  const file = whole === undefined ? undefined : withoutKeys(whole, isOwnKey)
  const shape = file === undefined ? { problems: [] } : checkShape(writtenSpec, file)
  const broken = file === undefined ? [] : rules.flatMap((rule) => rule({ file, tree }))
  const all = [...problems, ...shape.problems, ...broken]
  if (all.length > 0 || changes.problems.length > 0) {
    throw new InputError([...inOrder(all), ...inOrder(changes.problems)])
  }
  if (file === undefined || shape.data === undefined)
    throw new Error(`${path} was read without result or problem`)
  return resolveSpec({ path, file, written: shape.data, changeRules: changes.rules, tree })
}

/** The main branch that a spec names, before it is checked: what git compares with. @param text the spec's */
export function writtenMainBranch(text: string): string | undefined {
  return text.includes("main_branch") ? readYaml("spec.yml", text).file?.at("main_branch")?.text : undefined
}

/** Patterns of what a source's images are built from besides the folder of images. @throws InputError without a spec */
export function outsidePatterns(tree: SourceTree): readonly string[] {
  return patternsOutside(tree.text(findSpec(tree)) ?? "")
}

function findSpec(tree: SourceTree): string {
  const [first, second] = specPaths
  const found = specPaths.filter((path) => tree.files.has(path))
  if (found.length === 2) {
    throw failure(second, `there are two specs, "${first}" and "${second}"`, `remove "${second}"`)
  }
  if (found[0] !== undefined) return found[0]
  const near = suggest(first, tree.files.keys()) ?? suggest(second, tree.files.keys())
  const hint = near === undefined ? "is this the root of the stack's source?" : `is "${near}" meant?`
  throw failure(first, `there is no spec: neither "${first}" nor "${second}" exists`, hint)
}

function failure(file: string, message: string, hint: string): InputError {
  return new InputError([{ location: { file, line: 1, column: 1 }, message, hint }])
}

/** By place; at one place, in the order they were found. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(({ location: a }, { location: b }) => a.line - b.line || a.column - b.column)
}
