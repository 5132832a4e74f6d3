import { readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { checkout } from "./stack.js"

/** A function of the module by the names that its CLI has: `--only` for the parameter `only`. */
export interface ModuleFunction {
  readonly options: ReadonlySet<string>
  /** Options that must be given. */
  readonly required: readonly string[]
  /** Options that stand without a value. */
  readonly flags: ReadonlySet<string>
  /** Name of the type that it gives: `StackRun`. */
  readonly type: string
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
      const flags = method.parameters.filter(isFlag).map((parameter) => kebab(parameter.name.getText()))
      const type = /^Promise<(\w+)>$/.exec(method.type?.getText() ?? "")?.[1] ?? ""
      const facts = { options: new Set(spelled), required, flags: new Set(flags), type }
      return [kebab(method.name.getText()), facts]
    }),
  )
}

/** lib/functions.txt, by which `./stack` tells options from what is chained to a function. */
export function functionsFile(): string {
  const lines = [...moduleFunctions()].map(([name, { options, flags, type }]) => {
    const words = [...options].map((option) => (flags.has(option) ? `${option}!` : option))
    return [name, type, ...words].join(" ")
  })
  return `${lines.join("\n")}\n`
}

function isFlag({ initializer }: ts.ParameterDeclaration): boolean {
  const kind = initializer?.kind
  return kind === ts.SyntaxKind.TrueKeyword || kind === ts.SyntaxKind.FalseKeyword
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
