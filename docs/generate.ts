import { writeFile } from "node:fs/promises"
import { functionsFile } from "../tests/support/moduleFunctions.js"
import { schemaFile, specPage } from "./specPage.js"

await writeFile(new URL("../spec.schema.json", import.meta.url), schemaFile())
await writeFile(new URL("spec.md", import.meta.url), specPage())
await writeFile(new URL("../lib/functions.txt", import.meta.url), functionsFile())
