import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import type { StackReport } from "../../../dagger/lib/report/report.js"
import { terminalPicture } from "../../../docs/terminalPicture.js"
import { checkout } from "../../support/stack.js"

const read = (name: string) => readFileSync(join(checkout, "docs/picture", name), "utf8")

test("the README's picture is what ./stack shows of that run now: npm run docs draws it", () => {
  const report = JSON.parse(read("report.json")) as StackReport
  expect(read("terminal.svg")).toBe(terminalPicture(report))
  expect(read("terminal.svg")).not.toContain("\u001b")
})
