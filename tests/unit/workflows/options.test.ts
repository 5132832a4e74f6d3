import { readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { moduleFunctions } from "../../support/moduleFunctions.js"
import { checkout } from "../../support/stack.js"
import { readWorkflow } from "../../support/workflow.js"

const functions = moduleFunctions()

describe("the workflows", () => {
  it.each(workflowCalls())("%s: %s", (_file, name, options) => {
    const called = functions.get(name)
    expect([...functions.keys()]).toContain(name)
    expect([...(called?.options ?? [])]).toEqual(expect.arrayContaining([...options]))
    expect(options).toEqual(expect.arrayContaining([...(called?.required ?? [])]))
  })
})

/** Every call of the workflows: file, function, options. */
function workflowCalls(): readonly (readonly [file: string, name: string, options: readonly string[]])[] {
  const folder = join(checkout, ".github/workflows")
  return readdirSync(folder).flatMap((file) => {
    const steps = readWorkflow(join(folder, file)).jobs.flatMap((job) => job.steps)
    return steps.flatMap(({ run = "" }) => {
      const [, name, text] =
        /^(?:bash ".*?)?\.github\/call\.sh"? ([\w-]+) (.*?)(?:artifacts export| json )/s.exec(run) ?? []
      if (name === undefined || text === undefined) return []
      return [[file, name, [...text.matchAll(/--([\w-]+)=/g)].map(([, option = ""]) => option)] as const]
    })
  })
}
