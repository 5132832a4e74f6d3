import { cp, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Plan } from "../../dagger/lib/plan/planDocument.js"
import { stackFiles } from "../support/source.js"
import { checkout, removeFolder, run, workspace } from "../support/stack.js"

// A driver that passes everything, in somebody's checkout of the module: what it judges counts for itself alone.

let folder: string
let broken: string

beforeAll(async () => {
  folder = await workspace(
    stackFiles({ base: { files: { "test/test_it.py": "def test_it(): assert False\n" } } }),
  )
  broken = await workspace({}, { git: false })
  for (const name of ["dagger.json", "dagger"]) {
    const filter = (path: string) => !path.includes("node_modules")
    await cp(join(checkout, name), join(broken, name), { recursive: true, filter })
  }
})

afterAll(async () => {
  await removeFolder(folder)
  await removeFolder(broken)
})

async function keysBy(module: string): Promise<Pick<Plan["steps"][number], "inputKey" | "testKey">> {
  const script = `eval "$('${checkout}/stack' engine env)"; exec dagger --silent -m '${module}' call plan --source=. json`
  const ended = await run("bash", ["-c", script], { cwd: folder, timeout: 300_000 })
  expect(ended).toMatchObject({ status: 0 })
  const [step] = (JSON.parse(ended.stdout) as Plan).steps
  if (step === undefined) throw new Error("nothing is planned")
  return { inputKey: step.inputKey, testKey: step.testKey }
}

test("a pass that another driver has given is no pass: each file of it is in the key", async () => {
  const own = await keysBy(checkout)
  expect(await keysBy(broken)).toEqual(own)
  const judge = join(broken, "dagger/testing/stack_judge.py")
  await writeFile(judge, (await readFile(judge, "utf8")).replaceAll('return "failed"', 'return "passed"'))
  const other = await keysBy(broken)
  expect(other.inputKey).toBe(own.inputKey)
  expect(other.testKey).not.toBe(own.testKey)
})
