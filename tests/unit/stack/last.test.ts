import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { checkout } from "../../support/stack.js"

let folder = ""

/** A report as `./stack` keeps it. */
function keepReport(name: string, ok: boolean, age: number): void {
  const source = join(folder, "stack of mine")
  const sum = execFileSync("cksum", { input: source, encoding: "utf8" }).split(" ", 1)[0]
  const kept = join(folder, `state/stack/stack-of-mine-${sum}/${name}`)
  mkdirSync(kept, { recursive: true })
  writeFileSync(join(kept, "report.json"), JSON.stringify({ ok, version: 1 }, null, 2))
  writeFileSync(join(kept, "summary.txt"), `what ${name} said\n`)
  const time = Date.now() / 1000 - age
  utimesSync(join(kept, "report.json"), time, time)
}

function last(...args: readonly string[]) {
  const env = { ...process.env, XDG_STATE_HOME: join(folder, "state") }
  const cwd = join(folder, "stack of mine")
  return spawnSync(join(checkout, "stack"), ["last", ...args], { cwd, env, encoding: "utf8" })
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "last-"))
  mkdirSync(join(folder, "stack of mine"))
  writeFileSync(join(folder, "stack of mine/spec.yml"), "")
  keepReport("build-stack", false, 60)
  keepReport("test-image", true, 30)
  // Being written, or left by a call that was killed.
  keepReport("build-stack.x3Jk1a", true, 0)
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

test.each([
  [[], 0, "what test-image said\n", "(test-image), shown again: nothing was run"],
  [["build-stack"], 1, "what build-stack said\n", "(build-stack), shown again: nothing was run"],
  [["plan"], 1, "", "no report of an earlier run of plan is kept for"],
  [["--sauce=."], 1, "", 'there is no option "--sauce=."'],
  [["--source=/nowhere"], 1, "", "no report of an earlier run is kept for /nowhere"],
])("last %j: status %i", (args, status, stdout, said) => {
  const shown = last(...args)
  expect(shown.stderr).toContain(said)
  expect([shown.status, shown.stdout]).toEqual([status, stdout])
})
