import { readFile, writeFile } from "node:fs/promises"
import type { StackReport } from "../dagger/lib/report/report.js"
import { functionsFile } from "../tests/support/moduleFunctions.js"
import { schemaFile, specPage } from "./specPage.js"
import { terminalPicture } from "./terminalPicture.js"

await writeFile(new URL("../spec.schema.json", import.meta.url), schemaFile())
await writeFile(new URL("spec.md", import.meta.url), specPage())
await writeFile(new URL("../lib/functions.txt", import.meta.url), functionsFile())

// The report of a real run: that of the folder which ./stack names at its end.
const report = JSON.parse(
  await readFile(new URL("picture/report.json", import.meta.url), "utf8"),
) as StackReport
await writeFile(new URL("picture/terminal.svg", import.meta.url), terminalPicture(report))
