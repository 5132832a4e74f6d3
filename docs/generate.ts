import { writeFile } from "node:fs/promises"
import { schemaFile, specPage } from "./specPage.js"

await writeFile(new URL("../spec.schema.json", import.meta.url), schemaFile())
await writeFile(new URL("spec.md", import.meta.url), specPage())
