import { readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { checkout } from "./stack.js"

/** A function of the module by the names that its CLI has: `--only` for the parameter `only`. */
export interface ModuleFunction {
  readonly options: ReadonlySet<string>
  /** Options that must be given. */
  readonly required: readonly string[]
}

/** Reads the entry class as the SDK does: its methods, and their parameters in the CLI's spelling. */
export function moduleFunctions(): ReadonlyMap<string, ModuleFunction> {
  const path = join(checkout, "dagger/src/index.ts")
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)
  const methods = source.statements
    .filter(ts.isClassDeclaration)
    .flatMap(({ members }) => members.filter(ts.isMethodDeclaration))
  return new Map(
    methods.map((method) => {
      const spelled = method.parameters.map((parameter) => kebab(parameter.name.getText()))
      const required = method.parameters
        .filter((parameter) => parameter.questionToken === undefined && parameter.initializer === undefined)
        .map((parameter) => kebab(parameter.name.getText()))
      return [kebab(method.name.getText()), { options: new Set(spelled), required }]
    }),
  )
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
