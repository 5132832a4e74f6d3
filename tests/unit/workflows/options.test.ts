import { readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import { checkout } from "../../support/stack.js"
import { readWorkflow } from "../../support/workflow.js"

/** A function of the module by the names that its CLI has: `--only` for the parameter `only`. */
interface ModuleFunction {
  readonly options: ReadonlySet<string>
  /** Options that must be given. */
  readonly required: readonly string[]
}

const functions = moduleFunctions()

describe("the workflows", () => {
  it.each(workflowCalls())("%s: %s", (_file, name, options) => {
    const called = functions.get(name)
    expect([...functions.keys()]).toContain(name)
    expect([...(called?.options ?? [])]).toEqual(expect.arrayContaining([...options]))
    expect(options).toEqual(expect.arrayContaining([...(called?.required ?? [])]))
  })
})

/** Every `dagger call` of the workflows: file, function, options. */
function workflowCalls(): readonly (readonly [file: string, name: string, options: readonly string[]])[] {
  const folder = join(checkout, ".github/workflows")
  return readdirSync(folder).flatMap((file) => {
    const steps = readWorkflow(join(folder, file)).jobs.flatMap((job) => job.steps)
    return steps.flatMap(({ run = "" }) => {
      const [, name, text] = /^dagger call ([\w-]+) (.*?)artifacts export/s.exec(run) ?? []
      if (name === undefined || text === undefined) return []
      return [[file, name, [...text.matchAll(/--([\w-]+)=/g)].map(([, option = ""]) => option)] as const]
    })
  })
}

/** Reads the entry class as the SDK does: its public methods, and their parameters in the CLI's spelling. */
function moduleFunctions(): ReadonlyMap<string, ModuleFunction> {
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
